"""uvicorn's HTTP/1.1, with what it leaves open: how long and how large a head may be, how many may connect, how
long a client may take nothing, and who is told when it hangs up. Refusals have our one error shape.

Whoever half-closes its connection has left: a closed one looks the same until it is written to.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, ClassVar

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.asgi import Header, Message, Receive, Scope, Send
from switchyard_proxy.errors import ProxyError, Refused, Told, Unavailable, tell
from switchyard_proxy.request import new_id

LARGEST_HEAD = 64 * 1024
MOST_PIPELINED = 16
# For a refusal to be read: with its client's bytes unread, a connection is reset, and the words are lost.
LINGER_S = 2.0
MOST_LINGERING = 256
WORDS = {400: b"Bad Request", 408: b"Request Timeout", 413: b"Content Too Large", 503: b"Service Unavailable"}
UPGRADE = frozenset({b"upgrade", b"connection", b"http2-settings"})

Application = Callable[[Scope, Receive, Send], Any]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may take its time for, in seconds, and how many there may be."""

    head_s: float
    stall_s: float
    idle_s: float
    connections: int


class Phase(Enum):
    """What a connection does."""

    SILENT = auto()  # between two requests
    STRAY = auto()  # something comes, or must come, that is no request yet
    HEAD = auto()
    BUSY = auto()  # a request has begun; its body and its reply are the application's affair
    ENDING = auto()  # whatever still comes is dropped


class Headless(list[Header]):
    """Takes what is said after the head, and keeps none of it: trailers are no headers."""

    def append(self, header: Header) -> None:
        return


NOWHERE = Headless()


class WireProtocol(HttpToolsProtocol):
    """One client's connection. `on_gone` is called when it is lost, if somebody works for it then."""

    limits: ClassVar[Limits]
    lingering: ClassVar[set["WireProtocol"]]

    @classmethod
    def within(cls, limits: Limits) -> type["WireProtocol"]:
        return type("LimitedWireProtocol", (cls,), {"limits": limits, "lingering": set()})

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.gone = False
        self.on_gone: Callable[[], object] | None = None
        self._phase = Phase.STRAY
        self._due: float | None = None  # when the client must have come to the point
        self._head_size = 0  # of what came of a head before the newest read
        self._read_size = 0
        self._unsent = 0
        self._stalled_since = 0.0
        self._last_words: asyncio.TimerHandle | None = None
        self._answered: RequestResponseCycle | None = None  # now; `cycle` is the newest one

    @property
    def has_sent_all(self) -> bool:
        """Of the request that is being answered."""
        return self._answered is not None and not self._answered.more_body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._due = self.loop.time() + self.limits.head_s
        if len(self.connections) > self.limits.connections:
            message = f"cannot take another connection: {self.limits.connections} are open; close some"
            self._end_with(Unavailable(ErrorCode.OVERLOADED, message))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._answered is not None:
            self._answered.disconnected = True
        self.lingering.discard(self)
        if self._last_words is not None:
            self._last_words.cancel()
        self._phase, self._due = Phase.ENDING, None
        self._leave()
        # Each of these leads back here: what such a circle holds is only freed when the collector comes by.
        self.cycle = self.scope = self._answered = None  # type: ignore[assignment]
        self.pipeline.clear()

    def data_received(self, data: bytes) -> None:
        """In place of uvicorn's, which logs a line for whatever a client gets wrong."""
        if self._phase is Phase.ENDING:
            return
        self._read_size = len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self.data_received(self._without_upgrade() + data[upgrade.args[0] :])
            return
        except httptools.HttpParserError:
            self._end_with(self._misread())
            return
        if self._phase is Phase.SILENT:
            self._phase, self._due = Phase.STRAY, self.loop.time() + self.limits.head_s
        elif self._phase is Phase.HEAD:
            if self._head_size > LARGEST_HEAD:
                self._end_with(_large_head())
            self._head_size += len(data)

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= MOST_PIPELINED:
            raise ValueError("too many requests at once")
        super().on_message_begin()
        self._phase, self._due = Phase.HEAD, self.loop.time() + self.limits.head_s
        self._head_size = 0
        self.scope["switchyard.client"] = self  # type: ignore[typeddict-unknown-key]

    def on_headers_complete(self) -> None:
        if self._head_size + self._read_size > LARGEST_HEAD and self._said() > LARGEST_HEAD:
            raise ValueError("too large a head")
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            return
        super().on_headers_complete()
        self._phase, self._due = Phase.BUSY, None
        self.headers = NOWHERE
        if self.pipeline:
            self.flow.resume_reading()  # or nobody would notice when the client leaves

    def on_message_complete(self) -> None:
        """In place of uvicorn's: the head that asks for an upgrade is complete without having been taken."""
        cycle = self.cycle
        if self._phase is Phase.BUSY and not cycle.response_complete:
            cycle.more_body = False
            cycle.message_event.set()

    def on_response_complete(self) -> None:
        """In place of uvicorn's, which makes and cancels a timer for each request."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())  # type: ignore[arg-type]
        elif self._phase is Phase.BUSY:
            self._phase, self._due = Phase.SILENT, self.loop.time() + self.limits.idle_s

    def sweep(self, now: float) -> None:
        """Looked at once a second."""
        if self._due is not None and now > self._due:
            self._end_with(self._too_slow())
        unsent = self.transport.get_write_buffer_size()
        if unsent == 0 or unsent < self._unsent or self._unsent == 0:
            self._stalled_since = now
        elif now - self._stalled_since > self.limits.stall_s:
            self.transport.abort()
        self._unsent = unsent

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Application) -> None:  # type: ignore[override]
        self._answered = cycle
        if cycle.scope["http_version"] == "1.0":
            app = _without_chunks(app, cycle)
        elif cycle.waiting_for_100_continue:
            app = _ending_where_the_body_was_not_wanted(app, cycle)
        super()._start_asgi_task(cycle, app)  # type: ignore[arg-type]

    def _without_upgrade(self) -> bytes:
        """The head once more, for a parser of its own: this one takes the body for another protocol's."""
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
        lines += [b"%b: %b" % header for header in self.headers if header[0] not in UPGRADE]
        self.parser = httptools.HttpRequestParser(self)
        return b"\r\n".join((*lines, b"", b""))

    def _said(self) -> int:
        """Of the head that is complete now."""
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _misread(self) -> ProxyError:
        if self._phase is Phase.HEAD and self._said() > LARGEST_HEAD:
            return _large_head()
        return Refused(ErrorCode.INVALID_VALUE, "cannot read the request: it is not HTTP/1.1")

    def _too_slow(self) -> ProxyError | None:
        """Whoever has not begun has asked for nothing, and is told nothing."""
        if self._phase is not Phase.HEAD:
            return None
        message = f"cannot wait longer for the head of the request: {self.limits.head_s:g} s are over"
        return Refused(ErrorCode.REQUEST_TIMEOUT, message)

    def _end_with(self, error: ProxyError | None) -> None:
        """Nothing more is read as a request. Replies that are owed go out whole, and no other among them."""
        self._phase, self._due = Phase.ENDING, None
        cycle: RequestResponseCycle | None = self.cycle
        if self.transport.is_closing():
            return
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                cycle.keep_alive = False
                return
            if cycle.response_started or self.pipeline:
                self.transport.abort()
                return
            cycle.disconnected = True
            cycle.message_event.set()
            self._leave()
        if error is None:
            self.transport.close()
        else:
            self._refuse(tell(error))

    def _refuse(self, told: Told) -> None:
        self.transport.write(_as_http(told))
        self.connections.discard(self)
        if len(self.lingering) >= MOST_LINGERING:
            self.transport.close()
            return
        self.transport.write_eof()
        self.flow.resume_reading()
        self.lingering.add(self)
        self._last_words = self.loop.call_later(LINGER_S, self.transport.abort)

    def _leave(self) -> None:
        self.gone = True
        on_gone, self.on_gone = self.on_gone, None
        if on_gone is not None:
            on_gone()


def _large_head() -> Refused:
    message = f"cannot read a head of more than {LARGEST_HEAD // 1024} KiB; send fewer headers"
    return Refused(ErrorCode.REQUEST_TOO_LARGE, message)


def _as_http(told: Told) -> bytes:
    lines = [b"HTTP/1.1 %d %b" % (told.status, WORDS.get(told.status, b"Error"))]
    lines += [b"content-type: application/json", b"content-length: %d" % len(told.payload)]
    lines.append(b"x-request-id: " + new_id())
    lines += [b"%b: %b" % header for header in told.headers]
    return b"\r\n".join((*lines, b"connection: close", b"", told.payload))


def _without_chunks(app: Application, cycle: RequestResponseCycle) -> Application:
    """HTTP/1.0 knows no chunks: a reply of unknown length ends with its connection."""

    async def unframed(scope: Scope, receive: Receive, send: Send) -> None:
        framed = False

        async def send_plain(message: Message) -> None:
            nonlocal framed
            if message["type"] == "http.response.start":
                framed = any(name.lower() == b"content-length" for name, _ in message["headers"])
                cycle.chunked_encoding = None if framed else False
            elif not framed:
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        await app(scope, receive, send_plain)

    return unframed


def _ending_where_the_body_was_not_wanted(app: Application, cycle: RequestResponseCycle) -> Application:
    """A client that waits to be asked for its body may never send it: what comes next is anybody's guess."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if cycle.waiting_for_100_continue:
                cycle.keep_alive = False
            await send(message)

        await app(scope, receive, send_guarded)

    return guarded
