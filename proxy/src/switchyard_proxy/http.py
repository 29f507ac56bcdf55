"""uvicorn's HTTP/1.1, with what it leaves open: how long and how large a head may be, how many may connect, how
long a client may take nothing, and who is told when it hangs up. Refusals have our one error shape.

Whoever half-closes its connection has left: a closed one looks the same until it is written to.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, ClassVar
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.asgi import Header, Scope
from switchyard_proxy.errors import ProxyError, Refused, Told, Unavailable, tell
from switchyard_proxy.exchange import Exchange
from switchyard_proxy.request import new_id

LARGEST_HEAD = 64 * 1024
MOST_PIPELINED = 16
MOST_WAITING = 1024 * 1024  # bytes of bodies whose requests wait for their turn
# For a refusal to be read: with its client's bytes unread, a connection is reset, and the words are lost.
LINGER_S = 2.0
MOST_LINGERING = 256
WORDS = {400: b"Bad Request", 408: b"Request Timeout", 413: b"Content Too Large", 503: b"Service Unavailable"}
ASGI = {"version": "3.0", "spec_version": "2.3"}
UPGRADE = frozenset({b"upgrade", b"connection", b"http2-settings"})


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
        self._newest: Exchange | None = None
        self._answered: Exchange | None = None  # now
        self._later: deque[Exchange] = deque()  # requests that came before they could be answered

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
        """In place of uvicorn's, which knows its own kind of exchange."""
        self.connections.discard(self)
        for exchange in (self._newest, self._answered):
            if exchange is not None:
                exchange.leaves()
        self.flow.resume_writing()
        if exc is None:
            self.transport.close()
        self.lingering.discard(self)
        if self._last_words is not None:
            self._last_words.cancel()
        self._phase, self._due = Phase.ENDING, None
        self._leave()
        # Each of these leads back here: what such a circle holds is only freed when the collector comes by.
        self.parser = self._newest = self._answered = None  # type: ignore[assignment]
        self._later.clear()

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
        if len(self._later) >= MOST_PIPELINED:
            raise ValueError("too many requests at once")
        self.url, self.headers, self.expect_100_continue = b"", [], False
        self._phase, self._due = Phase.HEAD, self.loop.time() + self.limits.head_s
        self._head_size = 0

    def on_headers_complete(self) -> None:
        if self._head_size + self._read_size > LARGEST_HEAD and self._said() > LARGEST_HEAD:
            raise ValueError("too large a head")
        parser = self.parser
        method, version = parser.get_method(), parser.get_http_version()
        if parser.should_upgrade() and method != b"CONNECT":
            return
        exchange = Exchange(
            self,
            self._scope(method.decode(), version),
            keep_alive=version != "1.0" and parser.should_keep_alive(),
            waits_for_go_ahead=self.expect_100_continue,
        )
        before, self._newest = self._newest, exchange
        self._phase, self._due = Phase.BUSY, None
        self.headers = NOWHERE
        if before is None or before.response_complete:
            self._answer(exchange)
        else:  # reading goes on, or nobody would notice when the client leaves
            self._later.append(exchange)

    def _scope(self, method: str, version: str) -> Scope:
        """Of the request whose head is complete."""
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        return {
            "type": "http",
            "asgi": ASGI,
            "http_version": version,
            "method": method,
            "scheme": "http",
            "path": unquote(path) if "%" in path else path,
            "raw_path": url.path,
            "root_path": "",
            "query_string": url.query or b"",
            "headers": self.headers,
            "server": self.server,
            "client": self.client,
            "switchyard.client": self,
            "switchyard.target": self.url,
        }

    def on_body(self, body: bytes) -> None:
        exchange = self._newest
        if self._phase is not Phase.BUSY or exchange is None or exchange.response_complete:
            return
        exchange.takes(body)
        if self._has_enough(exchange):
            self.flow.pause_reading()

    def _has_enough(self, newest: Exchange) -> bool:
        """While nothing is read, nobody sees the client leave: what waits for its turn may be more."""
        if newest is self._answered:
            return newest.body_size > HIGH_WATER_LIMIT
        return sum(waiting.body_size for waiting in self._later) > MOST_WAITING

    def on_message_complete(self) -> None:
        """The head that asks for an upgrade is complete without having been taken."""
        exchange = self._newest
        if self._phase is Phase.BUSY and exchange is not None and not exchange.response_complete:
            exchange.ends()

    @property
    def always(self) -> list[Header]:
        """The date, which is written anew every second."""
        return self.server_state.default_headers

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self._later:
            self._answer(self._later.popleft())
        elif self._phase is Phase.BUSY:
            self._phase, self._due = Phase.SILENT, self.loop.time() + self.limits.idle_s

    def shutdown(self) -> None:
        """The server stops: what is under way may end."""
        if self._newest is None or self._newest.response_complete:
            self.transport.close()
        else:
            self._newest.keep_alive = False

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

    def _answer(self, exchange: Exchange) -> None:
        self._answered = exchange
        exchange.task = self.loop.create_task(exchange.run(self.app))
        self.tasks.add(exchange.task)

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
        exchange = self._newest
        if self.transport.is_closing():
            return
        if exchange is not None and not exchange.response_complete:
            if not exchange.more_body:
                exchange.keep_alive = False
                return
            if exchange.response_started or self._later:
                self.transport.abort()
                return
            exchange.leaves()
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
