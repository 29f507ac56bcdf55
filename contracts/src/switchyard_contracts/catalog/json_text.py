"""Read JSON text into plain values, and keep what Python's own reader would lose: keys given twice, numbers
that are none, text that cannot be encoded, and the order of the file. No shapes here, and no exception leaves.

Keys that begin with `//`, and `$comment`, are the operator's own notes: they are left out, whatever they hold.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from switchyard_contracts.catalog.faults import Found, Place, quoted
from switchyard_contracts.catalog.fields import COMMENT_PATTERN

DEEPEST = 32
LONGEST_INTEGER = 18  # digits: what fits 64 bits, and far more than any field allows
COMMENT = re.compile(COMMENT_PATTERN)
TOO_DEEP = f"cannot read values nested deeper than {DEEPEST} levels; remove the nesting"


class Unreadable:
    """Stands where a value could not be read, so that nothing else complains about that place."""


@dataclass(frozen=True, slots=True)
class _Number:
    """A number as written, which no field can hold."""

    text: str


@dataclass(frozen=True, slots=True)
class _Pairs:
    """An object as written: keys may come twice."""

    pairs: list[tuple[str, object]]


@dataclass(slots=True)
class JsonText:
    """The value of a text, what was wrong with it, and where each place stands in the file."""

    value: object = None
    found: list[Found] = field(default_factory=list)
    unreadable: set[Place] = field(default_factory=set)
    order: dict[Place, int] = field(default_factory=dict)


class NotJson(Exception):
    """The text is no JSON at all; `path` is where reading stopped."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message


def read_json(text: str) -> JsonText:
    """Read a text; raises only `NotJson`."""
    text = text.removeprefix("\ufeff")
    try:
        raw = json.loads(
            text,
            object_pairs_hook=_Pairs,
            parse_int=_integer,
            parse_float=_decimal,
            parse_constant=_Number,
        )
    except json.JSONDecodeError as error:
        raise NotJson(*_explain(text, error)) from None
    except RecursionError:
        raise NotJson("", TOO_DEEP) from None
    result = JsonText()
    result.value = _plain(raw, (), result)
    return result


def _integer(digits: str) -> int | _Number:
    return int(digits) if len(digits.lstrip("-")) <= LONGEST_INTEGER else _Number(digits)


def _decimal(digits: str) -> float | _Number:
    number = float(digits)
    return number if math.isfinite(number) else _Number(digits)


def _plain(raw: object, place: Place, result: JsonText) -> object:
    """Turn what was read into dicts and lists, noting what is wrong on the way."""
    result.order[place] = len(result.order)
    match raw:
        case _Pairs(pairs) if len(place) < DEEPEST:
            return {
                key: _plain(value, (*place, key), result) for key, value in _keys_once(pairs, place, result)
            }
        case list() if len(place) < DEEPEST:
            return [_plain(item, (*place, index), result) for index, item in enumerate(raw)]
        case _Pairs() | list():
            return _refuse(place, TOO_DEEP, result)
        case _Number(text):
            advice = f"write a finite one of {LONGEST_INTEGER} digits at most"
            return _refuse(place, f"cannot use {_clipped(text)} as a number; {advice}", result)
        case str() if reason := _unusable(raw):
            return _refuse(place, f"cannot use {quoted(raw)}, which holds {reason}; remove it", result)
        case _:
            return raw


def _keys_once(pairs: list[tuple[str, object]], place: Place, result: JsonText) -> Iterator[tuple[str, object]]:
    """Each key with its first value; a second one is a fault, for which of the two is meant?"""
    seen: set[str] = set()
    for key, value in pairs:
        if COMMENT.match(key):
            continue
        if reason := _unusable(key):
            result.found.append(((*place, key), f"cannot use a key that holds {reason}; rename it"))
        elif key in seen:
            what = f"cannot use the key {quoted(key)} twice; remove one of the two, or rename it"
            result.found.append(((*place, key), what))
        else:
            yield key, value
        seen.add(key)


def _refuse(place: Place, message: str, result: JsonText) -> Unreadable:
    result.found.append((place, message))
    result.unreadable.add(place)
    return Unreadable()


def _unusable(text: str) -> str | None:
    """Why no program could be given this text: as an argument, in the environment, or on a terminal."""
    if "\0" in text:
        return "the character U+0000"
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "half of a surrogate pair"
    return None


def _clipped(text: str) -> str:
    return text if len(text) <= 24 else text[:24] + "…"


SYNTAX = {
    "Expecting property name enclosed in double quotes": "write a key in double quotes",
    "Expecting ':' delimiter": "write a colon between key and value",
    "Expecting ',' delimiter": "write a comma between two values, or close the bracket",
    "Unterminated string starting at": "close the text that begins here with a double quote",
    "Invalid control character at": "write a line break inside text as \\n, a tab as \\t",
    "Invalid \\escape": "write a backslash inside text as \\\\",
    "Invalid \\uXXXX escape": "write four hexadecimal digits after \\u",
    "Extra data": "remove what follows the end of the value, or a bracket too many",
}


def _explain(text: str, error: json.JSONDecodeError) -> tuple[str, str]:
    """Where reading stopped and what to do; the same for every Python version, whose own words differ."""
    if not text.strip():
        return "", 'cannot read an empty file; write {"models": {...}} with at least one model'
    position, advice = _advise(text, error)
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    return f"line {line}, column {column}", f"cannot read the JSON from here on; {advice}"


def _advise(text: str, error: json.JSONDecodeError) -> tuple[int, str]:
    before = text[: error.pos].rstrip(" \t\r\n")
    after = text[error.pos :].lstrip(" \t\r\n")
    if before.endswith(",") and after[:1] in ("]", "}"):
        return len(before) - 1, "remove the comma before the closing bracket"
    if after.startswith(",") and after[1:].lstrip(" \t\r\n")[:1] in ("]", "}"):
        return error.pos, "remove the comma before the closing bracket"
    if after.startswith("/"):
        return error.pos, 'remove the comment, or keep it as a value under the key "//"'
    if after.startswith("'"):
        return error.pos, "write double quotes in place of single ones"
    known = (advice for start, advice in SYNTAX.items() if error.msg.startswith(start))
    return error.pos, next(known, "write a value: text in double quotes, a number, true, false, null, [ or {")
