"""Find the tool calls in what a model writes, as the text comes in. Pure.

A call is handed out when it is whole, because only then is it known to be one: what is broken stays text, marks
and all. So does a mark that is merely mentioned. Wherever the text is cut into pieces, the same comes out.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from switchyard_image_server.chat.habits import CALL, END_CALL
from switchyard_image_server.chat.thoughts import possible_start
from switchyard_image_server.chat.typed import typed

_BEGINNINGS = ("{", "<function=")
_FUNCTION = re.compile(r"<function=([^<>\n]+)>(.*)</function>", re.DOTALL)
_PARAMETER = re.compile(r"\s*<parameter=([^<>\n]+)>\n?(.*?)\n?</parameter>(?=\s*(?:<parameter=|\Z))", re.DOTALL)
_AFTER_NAME = re.compile(r"\s*:\s*")
_DECODER = json.JSONDecoder()
_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Call:
    """`arguments` is JSON text, as OpenAI's clients expect."""

    name: str
    arguments: str


class CallReader:
    """`schemas`: the parameters of each tool. `several` false: only the first call is handed out."""

    def __init__(self, schemas: Mapping[str, Mapping[str, Any]], *, several: bool = True) -> None:
        self._schemas = schemas
        self._several = several
        self._held = ""
        self._looked = 0  # how far into a begun call its end was looked for
        self._begun = False
        self.calls = 0

    def add(self, text: str) -> list[str | Call]:
        self._held += text
        found: list[str | Call] = []
        while (more := self._next()) is not None:
            found.extend(more)
        return found

    def rest(self) -> list[str | Call]:
        """A call that is whole but for its last mark counts. White space after calls is dropped."""
        left, self._held = self._held, ""
        if self._begun:
            call = read_call(left.strip().removeprefix(CALL), self._schemas)
            return self._counted(call) if call is not None else [left]
        return [left] if left and not (self.calls and left.isspace()) else []

    def _next(self) -> list[str | Call] | None:
        """What is certain; `None` when more text is needed first."""
        return self._rest_of_call() if self._begun else self._until_call()

    def _until_call(self) -> list[str | Call] | None:
        at = self._held.find(CALL)
        if at < 0:
            keep = possible_start(self._held, CALL)
            text = self._held[: len(self._held) - keep].rstrip()
            self._held = self._held[len(text) :]
            # White space before a call goes with the call.
            return [text] if text else None
        inside = self._held[at + len(CALL) :].lstrip()
        if not inside.startswith(_BEGINNINGS):
            if any(beginning.startswith(inside) for beginning in _BEGINNINGS):
                return self._certain_before(at)
            return [self._cut(at + len(CALL))]
        text = self._cut(len(self._held[:at].rstrip()))
        self._begun, self._looked = True, 0
        return [text] if text else []

    def _certain_before(self, at: int) -> list[str | Call] | None:
        text = self._cut(len(self._held[:at].rstrip()))
        return [text] if text else None

    def _rest_of_call(self) -> list[str | Call] | None:
        at = self._held.find(END_CALL, self._looked)
        if at < 0:
            self._looked = max(0, len(self._held) - len(END_CALL) + 1)
            return None
        self._looked = at + len(END_CALL)
        body = self._held[:at].strip().removeprefix(CALL)
        call = read_call(body, self._schemas)
        if call is None and _goes_on(body):
            return []
        self._begun = False
        text = self._cut(self._looked)
        return [text] if call is None else self._counted(call)

    def _counted(self, call: Call) -> list[str | Call]:
        if self.calls and not self._several:
            return []
        self.calls += 1
        return [call]

    def _cut(self, at: int) -> str:
        text, self._held = self._held[:at], self._held[at:]
        return text


def read_call(body: str, schemas: Mapping[str, Mapping[str, Any]]) -> Call | None:
    """The call in what stands between the marks; `None` if there is none, or it is broken."""
    body = body.strip()
    return _from_json(body) if body.startswith("{") else _from_xml(body, schemas)


def _from_json(body: str) -> Call | None:
    told = _object(body)
    if told is None:
        return None
    arguments = told.get("arguments")
    if isinstance(arguments, dict):
        return _call(told.get("name"), _members(body)["arguments"])
    if isinstance(arguments, str | None) and _object(arguments or "{}") is not None:
        return _call(told.get("name"), arguments or "{}")
    return None


def _object(text: str) -> dict[str, Any] | None:
    try:
        told = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _members(body: str) -> dict[str, str]:
    """Each member of a JSON object as it is written. Made anew it might not be the same: 1e999, for one."""
    members: dict[str, str] = {}
    at = 1
    while (begin := body.find('"', at)) >= 0:
        name, at = _DECODER.raw_decode(body, begin)
        begin = _AFTER_NAME.match(body, at).end()  # type: ignore[union-attr]  # it is JSON
        _, at = _DECODER.raw_decode(body, begin)
        members[name] = body[begin:at]
    return members


def _from_xml(body: str, schemas: Mapping[str, Mapping[str, Any]]) -> Call | None:
    function = _FUNCTION.fullmatch(body)
    if function is None:
        return None
    name, told = function[1].strip(), function[2].rstrip()
    schema = schemas.get(name, {})
    arguments: dict[str, Any] = {}
    at = 0
    while (parameter := _PARAMETER.match(told, at)) is not None:
        key = parameter[1].strip()
        arguments[key] = typed(parameter[2], key, schema)
        at = parameter.end()
    return _call(name, _written(arguments)) if at == len(told) else None


def _written(arguments: dict[str, Any]) -> str:
    text = json.dumps(arguments, ensure_ascii=False)
    return text if _can_be_sent(text) else json.dumps(arguments)


def _call(name: object, arguments: str) -> Call | None:
    return Call(name, arguments) if isinstance(name, str) and name and _can_be_sent(name + arguments) else None


def _can_be_sent(text: str) -> bool:
    """Half of a surrogate pair can be escaped in JSON, but not be sent as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _goes_on(body: str) -> bool:
    """Whether the mark that ends a call was itself part of an argument, so that the call is not over."""
    body = body.strip()
    if body.startswith("{"):
        return '"' in _JSON_STRING.sub("", body)
    return not body.endswith("</function>")


def _refuse(constant: str) -> Any:
    raise ValueError(constant)
