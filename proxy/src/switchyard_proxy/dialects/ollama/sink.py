"""Where an OpenAI reply becomes an Ollama one, on its way to wherever that goes. Adds no I/O of its own."""

import json
from collections.abc import Callable

from switchyard_proxy.asgi import Header
from switchyard_proxy.dialects.events import dumps
from switchyard_proxy.dialects.ollama.dialect import error_of
from switchyard_proxy.dialects.ollama.replies import Times, idle, whole
from switchyard_proxy.dialects.ollama.requests import Asked
from switchyard_proxy.dialects.ollama.streams import Lines
from switchyard_proxy.replies import JSON, Sink

LINES: Header = (b"content-type", b"application/x-ndjson")
# Of the engine's body, and no longer true of ours.
OF_THE_BODY = frozenset({b"content-type", b"content-length", b"content-encoding", b"etag"})
UNREADABLE = b"the engine's reply is not what the API promises"


class OllamaSink:
    """Over another sink. Given whole events, or a JSON body in any pieces."""

    __slots__ = ("_asked", "_held", "_inner", "_lines", "_now", "_status", "_times")

    def __init__(self, inner: Sink, asked: Asked, now: Callable[[], int]) -> None:
        """`now` is in Unix nanoseconds."""
        self._inner = inner
        self._asked = asked
        self._now = now
        self._times = Times(asked=now(), loaded=now())
        self._lines: Lines | None = None
        self._held: list[bytes] = []
        self._status = 0

    @property
    def started(self) -> bool:
        return self._inner.started

    @property
    def complete(self) -> bool:
        return self._inner.complete

    async def start(self, status: int, headers: list[Header]) -> None:
        self._status = status
        self._times.loaded = self._now()
        kept = [header for header in headers if header[0] not in OF_THE_BODY]
        if status < 300 and _is_stream(headers):
            self._lines = Lines(self._asked, self._times, self._now)
            await self._inner.start(status, [LINES, *kept])
        else:
            await self._inner.start(status, [JSON, *kept])

    async def body(self, data: bytes, *, last: bool) -> None:
        if self._lines is not None:
            said = self._lines.of(data) + (self._lines.end() if last else b"")
            if said or last:
                await self._inner.body(said, last=last)
            return
        self._held.append(data)
        if last:
            await self._inner.body(self._whole(b"".join(self._held)), last=True)

    async def beat(self, data: bytes) -> None:
        self._times.loaded = self._now()
        await self._inner.beat(data if self._lines is None else self._lines.silence())

    async def idle(self) -> None:
        """The whole answer to a request that only loads or unloads, once that is done."""
        said = dumps(idle(self._asked, self._now()))
        length = (b"content-length", b"%d" % (len(said) + 1))
        await self._inner.start(200, [LINES if self._asked.streams else JSON, length])
        await self._inner.body(said + b"\n", last=True)

    def _whole(self, payload: bytes) -> bytes:
        if self._status >= 300:
            return error_of(self._status, payload)
        self._times.last = self._now()
        try:
            return dumps(whole(self._asked, json.loads(payload), self._times))
        except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
            return error_of(502, UNREADABLE)


def _is_stream(headers: list[Header]) -> bool:
    return any(name == b"content-type" and value.startswith(b"text/event-stream") for name, value in headers)
