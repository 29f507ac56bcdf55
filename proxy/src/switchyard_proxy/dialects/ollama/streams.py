"""An engine's events as the lines that Ollama streams: one for each piece of the answer, then one that ends it.

A call of a tool comes in fragments and goes out whole. Without a reason to end, there is no end but an error.
"""

from collections.abc import Callable
from typing import Any

from switchyard_proxy.dialects.events import cut, document, dumps, payload
from switchyard_proxy.dialects.ollama.replies import Times, called, ending, thought_in, words
from switchyard_proxy.dialects.ollama.requests import Asked

CUT_SHORT = "cannot finish the reply: the engine ended it in the middle"


class Lines:
    """Of one streamed answer. Given whole events."""

    def __init__(self, asked: Asked, times: Times, now: Callable[[], int]) -> None:
        self._asked = asked
        self._times = times
        self._now = now
        self._calls: dict[int, dict[str, Any]] = {}
        self._reason: str | None = None
        self._usage: dict[str, Any] = {}
        self.ended = False

    def of(self, events: bytes) -> bytes:
        return b"".join([self._line_of(event) for event in cut(events) if not self.ended])

    def silence(self) -> bytes:
        """A sign of life: a line that says nothing. An empty one would be an error to clients."""
        return self._line(words(self._asked, self._now(), "", "", []))

    def end(self) -> bytes:
        """What is left to say when nothing more comes."""
        if self.ended:
            return b""
        return self._last() if self._reason else self._failed(CUT_SHORT)

    def _line_of(self, event: bytes) -> bytes:
        chunk = document(event)
        if not chunk:
            return self.end() if payload(event).strip() == b"[DONE]" else b""
        if error := chunk.get("error"):
            return self._failed(error.get("message") if isinstance(error, dict) else error)
        self._usage = chunk.get("usage") or self._usage
        match chunk.get("choices"):
            case [dict(choice), *_]:
                return self._piece(choice)
            case _:
                return b""

    def _piece(self, choice: dict[str, Any]) -> bytes:
        delta = choice.get("delta") or {"content": choice.get("text")}
        for fragment in delta.get("tool_calls") or ():
            self._gather(fragment)
        self._reason = choice.get("finish_reason") or self._reason
        text, thought = delta.get("content") or "", thought_in(delta)
        calls = [called(call) for call in self._calls.values()] if self._reason else []
        if not (text or thought or calls):
            return b""
        self._calls = {} if calls else self._calls
        self._times.last = self._now()
        self._times.first = self._times.first or self._times.last
        return self._line(words(self._asked, self._times.last, text, thought, calls))

    def _gather(self, fragment: dict[str, Any]) -> None:
        function = fragment.get("function") or {}
        call = self._calls.setdefault(fragment.get("index") or 0, {"function": {"name": "", "arguments": ""}})
        call["function"]["name"] += function.get("name") or ""
        call["function"]["arguments"] += function.get("arguments") or ""

    def _last(self) -> bytes:
        self.ended = True
        self._times.last = self._now()
        said = words(self._asked, self._times.last, "", "", [])
        return self._line(said | ending(self._reason, {"usage": self._usage}, self._times))

    def _failed(self, message: object) -> bytes:
        self.ended = True
        return self._line({"error": str(message)})

    def _line(self, said: dict[str, Any]) -> bytes:
        return dumps(said) + b"\n"
