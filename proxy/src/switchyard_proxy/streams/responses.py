"""The Responses API over a stream's log: what a response is, told from its events. Pure.

A response is `queued` until its first event; then its events say what it is. Events that we do not know, or
that do not fit what came before, change nothing: they are an engine's, and it may be newer than we are.
"""

import json
from collections.abc import Iterable
from typing import Any

from switchyard_contracts.errors import ErrorBody, ErrorCode
from switchyard_proxy.streams.stream import Status, Stream

Object = dict[str, Any]

LIFE = frozenset({"created", "queued", "in_progress", "completed", "incomplete", "failed"})
TERMINAL = frozenset({"response.completed", "response.incomplete", "response.failed"})
_ECHOED = (
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "parallel_tool_calls",
    "previous_response_id",
    "reasoning",
    "service_tier",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_p",
    "truncation",
    "user",
)
_ALWAYS: Object = {
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "temperature": None,
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "usage": None,
}
# What a stream's own end says of a response that does not say it itself.
ENDS = {Status.CANCELLED: "cancelled", Status.FAILED: "failed", Status.INTERRUPTED: "failed"}


def queued(stream: Stream, request: bytes) -> Object:
    """The response before anything is known of it but what was asked for."""
    asked = object_in(request)
    echoed = {name: asked[name] for name in _ECHOED if asked.get(name) is not None}
    return {
        "id": stream.id,
        "object": "response",
        "created_at": int(stream.created_at),
        "status": "queued",
        "background": stream.background,
        "model": asked.get("model") or stream.model,
        "output": [],
        "store": True,
        **_ALWAYS,
        **echoed,
    }


def object_in(raw: bytes) -> Object:
    """The JSON object that these bytes are, or an empty one."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def payload_of(event: bytes) -> Object:
    """The JSON object that an event carries, or an empty one."""
    lines = [line for line in event.splitlines() if line.startswith(b"data:")]
    return object_in(b"\n".join(line[5:] for line in lines)) if lines else {}


def number_of(event: bytes) -> int | None:
    """Its `sequence_number`, the client's cursor."""
    number = payload_of(event).get("sequence_number")
    return number if isinstance(number, int) else None


def event_of(payload: Object) -> bytes:
    data = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    return b"event: %b\ndata: %b\n\n" % (str(payload["type"]).encode(), data)


def life_type(event: bytes) -> str | None:
    """`response.…` where the event tells of the whole response; cheap where it does not."""
    if event.startswith(b"event: response."):
        name = event[16:48].split(b"\n", 1)[0].strip().decode("latin-1")
        return f"response.{name}" if name in LIFE else None
    if event.startswith(b"event:") or b'"response"' not in event:
        return None
    kind = payload_of(event).get("type")
    return kind if isinstance(kind, str) and kind.removeprefix("response.") in LIFE else None


class ResponseEvents:
    """Follows the events of one response as they are logged, so that the log always ends with a terminal one.

    A background response has an id of ours from the beginning; the engine's is replaced wherever the whole
    response is told. `own_id` False leaves every byte as it came.
    """

    def __init__(self, stream: Stream, request: bytes, *, own_id: bool) -> None:
        self._latest = queued(stream, request)
        self._ours = {"id": stream.id, "background": stream.background, "store": True} if own_id else {}
        self._last = b""
        self.terminal: str | None = None
        self.failed = False

    def passes(self, event: bytes) -> bytes:
        kind = life_type(event)
        if kind is not None:
            event = self._of_life(kind, event)
        elif event.startswith((b"event: error", b'data: {"error"')):
            self.failed = True
        if b"data:" in event:
            self._last = event
        return event

    def _of_life(self, kind: str, event: bytes) -> bytes:
        payload = payload_of(event)
        response = payload.get("response")
        if not isinstance(response, dict):
            return event
        self._latest = response | self._ours
        if kind in TERMINAL:
            self.terminal = kind
            self.failed = kind == "response.failed"
        return event_of(payload | {"type": kind, "response": self._latest}) if self._ours else event

    def ending(self, status: Status, error: ErrorBody) -> list[bytes]:
        """The last events of a response that the engine did not bring to an end; none where it did."""
        if self.terminal is not None:
            return []
        events = []
        if not self._last:  # a client that knows no response yet cannot be told of its end
            events.append(
                event_of({"type": "response.created", "sequence_number": 0, "response": self._latest})
            )
            self._last = events[0]
        cancelled = status is Status.CANCELLED
        told = None if cancelled else {"code": "server_error", "message": error.message}
        ended = self._latest | {"status": ENDS.get(status, "failed"), "error": told}
        number = number_of(self._last)
        payload = {
            "type": "response.failed",
            "sequence_number": 0 if number is None else number + 1,
            "response": ended,
        }
        self.terminal = "response.failed"
        return [*events, event_of(payload)]

    def closing(self) -> list[bytes]:
        """The same for a stream that ended as if all were well."""
        if self.terminal is not None:
            return []
        self.failed = True
        message = "the engine ended its stream without saying how the response ended"
        return self.ending(Status.FAILED, ErrorBody.of(ErrorCode.STREAM_BROKEN, message))

    def document(self, payload: Object) -> list[bytes]:
        """The events of a response that came in one piece, or the error that came instead of it."""
        if payload.get("object") != "response":
            told = payload.get("error")
            message = told.get("message") if isinstance(told, dict) else None
            error = ErrorBody.of(ErrorCode.BACKEND_UNAVAILABLE, str(message or "the engine gave no response"))
            self.failed = True
            return self.ending(Status.FAILED, error)
        kind = f"response.{payload.get('status')}"
        kind = kind if kind in TERMINAL else "response.completed"
        return [
            self._of_life(name, event_of({"type": name, "sequence_number": number, "response": payload}))
            for number, name in enumerate(("response.created", kind))
        ]


def fold(response: Object, events: Iterable[bytes]) -> Object:
    """The response after these events, which changes the one that is given."""
    folding = _Folding(response)
    for event in events:
        payload = payload_of(event)
        if payload:
            folding.take(payload)
    return folding.response


class _Folding:
    """One response as its events make it."""

    def __init__(self, response: Object) -> None:
        self.response = response

    def take(self, payload: Object) -> None:
        kind = payload.get("type")
        if not isinstance(kind, str):
            return
        name = kind.removeprefix("response.")
        if name in LIFE:
            self._life(payload.get("response"))
        elif name in ("output_item.added", "output_item.done"):
            _put(self._output(), payload.get("output_index"), payload.get("item"))
        elif name in ("content_part.added", "content_part.done"):
            _put(_list_in(self._item(payload), "content"), payload.get("content_index"), payload.get("part"))
        elif name in ("reasoning_summary_part.added", "reasoning_summary_part.done"):
            _put(_list_in(self._item(payload), "summary"), payload.get("summary_index"), payload.get("part"))
        elif name == "output_text.annotation.added":
            part = _at(_list_in(self._item(payload), "content"), payload.get("content_index"))
            annotations = _list_in(part, "annotations")
            if annotations is not None:
                annotations.append(payload.get("annotation"))
        else:
            self._text(name, payload)

    def _life(self, told: object) -> None:
        if isinstance(told, dict):
            kept = self._output()
            self.response = dict(told)
            if not self.response.get("output") and kept:  # engines tell of an end without repeating what came
                self.response["output"] = kept

    def _text(self, name: str, payload: Object) -> None:
        place = _TEXTS.get(name.rpartition(".")[0])
        if place is None:
            return
        holder: Object | None = self._item(payload)
        if place.within is not None:
            holder = _at(_list_in(holder, place.within), payload.get(place.index))
        if holder is None:
            return
        if name.endswith(".delta") and isinstance(payload.get("delta"), str):
            holder[place.field] = f"{holder.get(place.field) or ''}{payload['delta']}"
        elif name.endswith(".done") and isinstance(payload.get(place.field), str):
            holder[place.field] = payload[place.field]

    def _output(self) -> list[Any]:
        output = self.response.get("output")
        if not isinstance(output, list):
            output = self.response["output"] = []
        return output

    def _item(self, payload: Object) -> Object | None:
        return _at(self._output(), payload.get("output_index"))


class _Place:
    """Where a text that comes in pieces belongs."""

    def __init__(self, field: str, within: str | None = None, index: str = "") -> None:
        self.field = field
        self.within = within
        self.index = index


_TEXTS = {
    "output_text": _Place("text", "content", "content_index"),
    "refusal": _Place("refusal", "content", "content_index"),
    "reasoning_text": _Place("text", "content", "content_index"),
    "reasoning_summary_text": _Place("text", "summary", "summary_index"),
    "function_call_arguments": _Place("arguments"),
    "mcp_call_arguments": _Place("arguments"),
    "custom_tool_call_input": _Place("input"),
    "code_interpreter_call_code": _Place("code"),
}


def _list_in(holder: Object | None, name: str) -> list[Any] | None:
    if holder is None:
        return None
    if not isinstance(holder.get(name), list):
        holder[name] = []
    found: list[Any] = holder[name]
    return found


def _put(into: list[Any] | None, index: object, value: object) -> None:
    """Set an element, or add the next one. Copied: later pieces are added to it."""
    if into is None or not isinstance(index, int) or not isinstance(value, dict):
        return
    if 0 <= index < len(into):
        into[index] = dict(value)
    elif index == len(into):
        into.append(dict(value))


def _at(among: list[Any] | None, index: object) -> Object | None:
    if among is None or not isinstance(index, int) or not 0 <= index < len(among):
        return None
    found = among[index]
    return found if isinstance(found, dict) else None
