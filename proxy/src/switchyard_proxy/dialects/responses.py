"""`responses` as a stream: a beat is an event of the response's life, so that clients which count only events
see one.

The first beat makes the response ours: `response.created`, then `response.queued`. The engine's own two are
dropped when they come, its events take our id, and all numbers rise by one throughout. When the engine speaks
first its bytes pass untouched, until a beat comes in between; from then on its numbers are moved up.

A failure is told twice, `response.failed` and then `error`: some clients read only the one, some only the
other, and some raise only for an `error` member.
"""

import re
from typing import Any

from switchyard_contracts.errors import ErrorBody, ErrorCode, ErrorType
from switchyard_proxy.dialects.errors import engine_error, foreign_error, openai_error, type_of
from switchyard_proxy.dialects.events import COMMENT, Splitter, cut, document, dumps, frame
from switchyard_proxy.dialects.members import Path, scalars
from switchyard_proxy.dialects.responses_object import new_response
from switchyard_proxy.dialects.voice import Dialect, Opening

NUMBER: Path = (b"sequence_number",)
TYPE: Path = (b"type",)
IDENTITY: tuple[Path, ...] = ((b"response", b"id"), (b"response", b"created_at"), (b"response", b"model"))
WANTED = frozenset((NUMBER, TYPE, *IDENTITY))
FLAT_NUMBER = re.compile(rb'"sequence_number" *: *(\d+)')
ENDS = ("response.completed", "response.incomplete", "response.failed")
BEGINNINGS = (b'"response.created"', b'"response.queued"')

# The words that the API has for why a response failed. Clients decide by them whether to ask again.
CODES = {
    ErrorType.INVALID_REQUEST: "invalid_prompt",
    ErrorType.RATE_LIMIT: "rate_limit_exceeded",
    ErrorType.SERVER: "server_error",
}
TOO_LONG = ErrorCode.CONTEXT_LENGTH_EXCEEDED.value  # not among those words, but agents shorten and go on


class ResponsesVoice:
    """Of one stream."""

    __slots__ = (
        "_as_is",
        "_first",
        "_given",
        "_last",
        "_mode",
        "_number",
        "_opening",
        "_over",
        "_response",
        "_splitter",
        "_spoke",
        "renamed",
    )

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._mode = opening.mode
        self._as_is = False
        self._first = self._last = b""
        self._number = 0  # the next
        self._response: dict[str, Any] | None = None  # as it was when it began, ours or the engine's
        self._given: dict[Path, bytes] = {}  # the identity that the engine's events are given
        self._spoke = False  # the engine, since the response is ours
        self._over = False
        self._splitter = Splitter()
        self.renamed: tuple[str, str] | None = None  # our id, and the engine's for the same response

    def passes(self, events: bytes) -> bytes:
        if self._as_is:
            if events[:1] != b":" or b"data:" in events:  # a note has no number
                self._last = events
            return events
        if self._response is not None:
            open_, pieces = self._splitter.split(events)
            return open_ + b"".join(map(self._numbered, pieces))
        if b"data:" in events:
            self._as_is, self._spoke = True, True
            self._first = self._last = events
        return events

    def beat(self, seconds: float) -> bytes:
        if self._mode == "off":
            return b""
        if self._mode == "comment":
            return COMMENT
        if (self._as_is and not self._take_over()) or self._over:
            return COMMENT
        return self._create() + self._life("in_progress" if self._spoke else "queued")

    def error(self, error: ErrorBody) -> bytes:
        code = TOO_LONG if error.code == TOO_LONG else CODES[error.type]
        return self._last_words(code, document(b"data: %b\n\n" % openai_error(error))["error"])

    def refused(self, status: int, payload: bytes) -> bytes:
        error = engine_error(status, payload)
        code = TOO_LONG if error.get("code") == TOO_LONG else CODES[type_of(status)]
        return self._last_words(code, error)

    def _last_words(self, code: str, error: dict[str, Any]) -> bytes:
        message, param = str(error["message"]), error.get("param")
        said = b""
        if not self._as_is or self._take_over():
            said = self._create() + self._life("failed", {"code": code, "message": message})
        flat = {"code": str(error.get("code") or code), "message": message, "param": param and str(param)}
        event = {"type": "error", **flat, "sequence_number": self._next(), "error": error}
        return said + frame(event, "error")

    def _create(self) -> bytes:
        """Nothing, if there is a response already."""
        if self._response is not None:
            return b""
        self._response = new_response(self._opening)
        self._given = {path: dumps(self._response[path[-1].decode()]) for path in IDENTITY}
        return self._life("created")

    def _life(self, event: str, error: dict[str, Any] | None = None) -> bytes:
        status = "queued" if event == "created" else event
        response = {**(self._response or {}), "status": status, "error": error}
        name = f"response.{event}"
        return frame({"type": name, "sequence_number": self._next(), "response": response}, name)

    def _next(self) -> int:
        self._number += 1
        return self._number - 1

    def _take_over(self) -> bool:
        """From here on we number what the engine says, in its own name; not if it began in no way we know."""
        began = [told["response"] for told in map(document, cut(self._first)) if "response" in told]
        numbered = [
            told for told in map(document, cut(self._last)) if isinstance(told.get("sequence_number"), int)
        ]
        if not numbered or not began or not isinstance(began[0], dict):
            return False
        self._as_is, self._over = False, numbered[-1].get("type") in ENDS
        self._response, self._number = began[0], numbered[-1]["sequence_number"] + 1
        return True

    def _numbered(self, event: bytes) -> bytes:
        """An event of the engine's as it takes its place among ours."""
        # With one brace, whatever looks like a member is one, and of the outermost object.
        if event.count(b"{") == 1 and (flat := FLAT_NUMBER.search(event)):
            self._spoke = True
            return _with(event, [(*flat.span(1), b"%d" % self._next())])
        places = {path: (start, end) for path, start, end in scalars(event) if path in WANTED}
        if TYPE not in places:
            return event
        if self._given and event[slice(*places[TYPE])] in BEGINNINGS:
            self._note_engine_id(event)
            return b""
        self._spoke, self._over = True, event[slice(*places[TYPE])][1:-1].decode() in ENDS
        values = dict(self._given)
        if NUMBER in places:
            values[NUMBER] = b"%d" % self._next()
        return _with(event, [(*places[path], value) for path, value in values.items() if path in places])

    def _note_engine_id(self, event: bytes) -> None:
        if self.renamed is None and self._response is not None:
            theirs = document(event).get("response") or {}
            self.renamed = (str(self._response["id"]), str(theirs.get("id")))


def _with(event: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    pieces: list[bytes] = []
    at = 0
    for start, end, value in sorted(changes):
        pieces += event[at:start], value
        at = end
    return b"".join((*pieces, event[at:]))


OPENAI_RESPONSES = Dialect(
    "openai_responses", ResponsesVoice, openai_error, foreign_error, beats_are_events=True
)
