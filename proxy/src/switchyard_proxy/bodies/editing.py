"""Change the model's name in a JSON body in place: no other byte moves, and nothing is serialised again.

A body may be 20 MB of pictures, so the name is looked for near both ends before anybody reads all of it.
"""

import json
import re

import msgspec

from switchyard_proxy.bodies.fields import Fields, not_json

# Inside a JSON text a quote is always escaped, so in valid JSON this is a key and never part of a text.
_KEY = b'"model"'
_TO_VALUE = re.compile(rb"[ \t\n\r]*:[ \t\n\r]*")
_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
# Numbers stay text: Python refuses to read integers of more than 4,300 digits, and we need none.
_SCANNER = json.JSONDecoder(strict=False, parse_int=str, parse_float=str)
_SPACE = re.compile(r"[ \t\n\r]*")


_NEAR = 64 * 1024  # where every client known puts `model`: before its messages, or after them


class _Name(msgspec.Struct):
    model: object = None


_NAME = msgspec.json.Decoder(_Name)


def renamed(body: bytes, fields: Fields, name: str) -> bytes:
    """The same bytes with another model's name. `read_fields` must have read `fields` from them.

    A body that names no model gains the field.
    """
    if fields.model == name:
        return body
    if fields.model is not None:
        for at in (body.find(_KEY, 0, _NEAR), body.rfind(_KEY, max(0, len(body) - _NEAR))):
            changed = _changed_at(body, at, name)
            # If the body now names another model, then what we changed was the one value that counts.
            if changed is not None and _NAME.decode(changed).model == name:
                return changed
    return _scanned(body, name)


def _changed_at(body: bytes, key: int, name: str) -> bytes | None:
    colon = _TO_VALUE.match(body, key + len(_KEY)) if key >= 0 else None
    value = _TEXT.match(body, colon.end()) if colon else None
    return _replaced(body, value.start(), value.end(), name) if value else None


def _replaced(body: bytes, start: int, end: int, name: str) -> bytes:
    view = memoryview(body)
    return b"".join((view[:start], msgspec.json.encode(name), view[end:]))


def _scanned(body: bytes, name: str) -> bytes:
    """The slow way, for what the ends of the body do not show: every member at the top, one by one.

    As Latin-1 each byte is one character, so that positions in the text are positions in the bytes.
    """
    text = body.decode("latin-1")
    try:
        span = _model_span(text)
    except (ValueError, IndexError, RecursionError) as error:
        raise not_json(error) from None
    if span is not None:
        return _replaced(body, span.start, span.stop, name)
    inside = text.index("{") + 1
    comma = b"" if text[_after_space(text, inside)] == "}" else b","
    return b"".join((body[:inside], b'"model":', msgspec.json.encode(name), comma, body[inside:]))


def _model_span(text: str) -> slice | None:
    """Where the value of the last top-level `model` stands: of two, a JSON parser takes the last."""
    found = None
    at = _after_space(text, text.index("{") + 1)
    while text[at] != "}":
        key, at = _SCANNER.raw_decode(text, at)
        start = _after_space(text, text.index(":", at) + 1)
        _, end = _SCANNER.raw_decode(text, start)
        if key == "model":
            found = slice(start, end)
        at = _after_space(text, end)
        if text[at] == ",":
            at = _after_space(text, at + 1)
    return found


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
