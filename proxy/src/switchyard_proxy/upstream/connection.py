"""One connection to an engine: a request out, a reply in, as HTTP/1.1. Knows no pool and no grant.

Bytes wait here no longer than the client takes: above `HIGH_WATER` reading pauses, so that a slow client slows
the engine and nobody's memory grows. What arrived together is handed on together.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from enum import Enum, auto
from typing import cast

import httptools

from switchyard_proxy.asgi import Header
from switchyard_proxy.errors import Broken, EngineLost

HIGH_WATER = 256 * 1024
JOIN_BELOW = 64 * 1024
WITHOUT_BODY = (204, 304)


class Stage(Enum):
    """Where an exchange stands. `OVER` may be followed by another; `LOST` is the end."""

    IDLE = auto()
    ASKED = auto()
    ANSWERING = auto()
    BODY = auto()
    OVER = auto()
    LOST = auto()


UNANSWERED = (Stage.ASKED, Stage.ANSWERING)


class Connection(asyncio.Protocol):
    """`on_over` is called once per exchange, when the engine has nothing more to do with it."""

    def __init__(self, on_lost: Callable[["Connection"], None]) -> None:
        self.stage = Stage.IDLE
        self.status = 0
        self.headers: list[Header] = []
        self.on_over: Callable[[], None] | None = None
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._chunks: list[bytes] = []
        self.on_body = self._chunks.append  # one read may bring hundreds of pieces: no call of ours for each
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._news: asyncio.Future[None] | None = None
        self._size = 0
        self._paused = False
        self._full = False
        self._half_asked = False
        self._head_only = False
        self.framed = False  # the reply says where it ends: its end is no accident
        self._stays = False
        self._why: Broken | None = None

    # What the owner asks for

    @property
    def ended(self) -> bool:
        """The reply is complete, and all of it has been read."""
        return self.stage is Stage.OVER and not self._chunks

    @property
    def reusable(self) -> bool:
        unsent = 0 if self._transport is None else self._transport.get_write_buffer_size()
        return self.ended and self._stays and unsent == 0 and not self._half_asked

    def send(self, head: bytes, body: bytes) -> None:
        """Send a request. Raises `Broken`."""
        if self._transport is None or self._why is not None:
            raise self._why or EngineLost("the connection was closed", answered=False)
        self.stage = Stage.ASKED
        self.headers = []
        self._head_only = head.startswith(b"HEAD ")
        if len(body) < JOIN_BELOW:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._transport.write(body)

    async def send_pieces(self, pieces: AsyncIterator[bytes], waits: Callable[[], Awaitable[None]]) -> None:
        """More of a body whose head was sent, no faster than the engine takes it; `waits` is called meanwhile.

        An engine that answers before it has it all has heard enough; what broke the exchange is for the reader.
        An interim reply is no answer.
        """
        async for piece in pieces:
            while self._full and self.stage in UNANSWERED:
                await self._wait_for_news()
                await waits()
            if self._transport is None or self.stage not in UNANSWERED:
                self._half_asked = True
                return
            self._transport.write(piece)

    async def answered(self) -> bool:
        """Wait for the head of the reply; False when nudged before it came. Raises `Broken`."""
        if self.stage in UNANSWERED:
            await self._wait_for_news()
        if self._why is not None:
            raise self._why
        return self.stage not in UNANSWERED

    async def read(self) -> bytes:
        """All that has come since the last read; empty at the end of the reply, or when nudged.

        Raises `Broken`, once all that came before has been read.
        """
        if not self._chunks:
            if self._why is None and self.stage is not Stage.OVER:
                await self._wait_for_news()
            if not self._chunks:
                if self._why is not None:
                    raise self._why
                return b""
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._size = 0
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return data

    def abort(self, why: Broken) -> None:
        """Close at once, and let whoever reads know. Unread bytes are dropped."""
        self._chunks.clear()
        self._lose(why)

    def nudge(self) -> None:
        """Let whoever waits for this connection look up."""
        self._wake()

    async def _wait_for_news(self) -> None:
        self._news = self._loop.create_future()
        try:
            await self._news
        finally:
            self._news = None

    # What the transport says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        _notice_dead_peer(transport)

    def data_received(self, data: bytes) -> None:
        if self._parser is None or self.stage in (Stage.IDLE, Stage.OVER):
            self._lose(EngineLost("the engine spoke without being asked", answered=False))
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._lose(EngineLost(f"the engine's reply is not HTTP/1.1: {error}", answered=True))
            return
        if self._head_only:
            self._chunks.clear()  # nobody asked for a body
        self._size += len(data)
        if self._size > HIGH_WATER and self._chunks and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.stage is Stage.BODY and not self.framed and exc is None:
            self._finish()
        unanswered = self.stage in (Stage.IDLE, Stage.ASKED)
        what = "closed the connection" if exc is None else f"dropped the connection ({exc})"
        self._transport = None
        self._lose(EngineLost(f"the engine {what}", answered=not unanswered))
        self._on_lost(self)

    def _lose(self, why: Broken) -> None:
        """The connection is of no more use. A reply that was complete stays complete."""
        self._stays = False
        if self._transport is not None:
            self._transport.abort()
        self._parser = None  # it refers to us: no cycle may keep a body alive
        if self.stage in (Stage.OVER, Stage.LOST):
            return
        if self.stage is Stage.ASKED and isinstance(why, EngineLost):
            self.on_over = None  # asked in vain: the exchange goes on elsewhere
        self.stage = Stage.LOST
        self._why = why
        self._tell_over()
        self._wake()

    # What the parser says

    def on_message_begin(self) -> None:
        if self.stage not in UNANSWERED:
            raise EngineLost("the engine answered twice", answered=True)
        self.stage = Stage.ANSWERING
        self.framed = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.stage is not Stage.ANSWERING:
            return  # a trailer
        name = name.lower()
        self.headers.append((name, value))
        if name in (b"content-length", b"transfer-encoding"):
            self.framed = True

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code() if self._parser is not None else 0
        if self.status < 200:
            self.headers = []  # an interim reply: the real one follows
            return
        if self.status > 599:
            raise EngineLost(f"the engine answered with status {self.status}", answered=True)
        self.framed = self.framed or self.status in WITHOUT_BODY
        self.stage = Stage.BODY
        if self._head_only:
            self._stays = False  # the parser waits for the body that the head speaks of
            self._finish()

    def on_message_complete(self) -> None:
        if self.stage is Stage.BODY and self._parser is not None:
            self._stays = self._parser.should_keep_alive()
            self._finish()

    def _finish(self) -> None:
        self.stage = Stage.OVER
        self._tell_over()
        self._wake()

    def _tell_over(self) -> None:
        told, self.on_over = self.on_over, None
        if told is not None:
            told()

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)


def _notice_dead_peer(transport: asyncio.BaseTransport) -> None:
    """There is no limit on how long an engine may think, so a machine that lost power must be noticed."""
    peer = transport.get_extra_info("socket")
    with contextlib.suppress(OSError, AttributeError):  # not every platform can set each of them
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
