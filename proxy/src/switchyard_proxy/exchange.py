"""One request on a connection and the reply to it: ASGI on one side, HTTP/1.1 on the other. Reads no socket.

In place of uvicorn's, which costs more than to find out who asks and where to. A reply whose length is known
goes out in one write with its head.
"""

import asyncio
import http
import logging
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from uvicorn.protocols.http.flow_control import FlowControl

from switchyard_proxy.asgi import Header, Message, Receive, Scope, Send

LARGE = 64 * 1024  # a body from which on two writes cost less than to copy it
PHRASES = {int(status): status.phrase for status in http.HTTPStatus}
STATUS_LINES = {status: f"HTTP/1.1 {status} {PHRASES.get(status, '')}".encode() for status in range(100, 600)}
WITHOUT_BODY = (204, 304)
ASKS_ONLY = ("GET", "HEAD")  # their body means nothing once there is a reply
FAULT = b"Internal Server Error"

Application = Callable[[Scope, Receive, Send], Any]
log = logging.getLogger(__name__)


class Line(Protocol):
    """The connection."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    flow: FlowControl
    tasks: set[asyncio.Task[None]]

    @property
    def always(self) -> Sequence[Header]:
        """Headers of every reply."""

    def on_response_complete(self) -> None: ...


class Exchange:
    """`run` is its task; whoever reads the connection hands it what comes."""

    __slots__ = (
        "_asks_only",
        "_body",
        "_chunked",
        "_head_only",
        "_held",
        "_left",
        "_line",
        "_news",
        "_old",
        "_unread",
        "body_size",
        "disconnected",
        "keep_alive",
        "more_body",
        "response_complete",
        "response_started",
        "scope",
        "task",
        "waits_for_go_ahead",
    )

    def __init__(self, line: Line, scope: Scope, *, keep_alive: bool, waits_for_go_ahead: bool) -> None:
        self.scope = scope
        self.keep_alive = keep_alive
        self.waits_for_go_ahead = waits_for_go_ahead  # before it sends its body
        self.body_size = 0  # of what is here of it and unread
        self.disconnected = False
        self.more_body = True
        self.response_started = False
        self.response_complete = False
        self.task: asyncio.Task[None] | None = None  # that runs it
        self._line = line
        self._body: list[bytes] = []
        self._unread = False  # something happened that `receive` has not told yet
        self._news: asyncio.Future[None] | None = None
        self._old = scope["http_version"] == "1.0"
        self._head_only = scope["method"] == "HEAD"
        self._asks_only = scope["method"] in ASKS_ONLY
        self._chunked = False
        self._left: int | None = None  # of the length that the head promised
        self._held = b""  # a head that waits for its body

    async def run(self, app: Application) -> None:
        try:
            await app(self.scope, self.receive, self.send)
            if not self.response_complete and not self.disconnected:
                await self._give_up()
        except (Exception, asyncio.CancelledError):
            log.exception("cannot finish a reply: a fault of the application")
            await self._give_up()
        finally:
            if self.task is not None:
                self._line.tasks.discard(self.task)
                self.task = None

    async def _give_up(self) -> None:
        """A reply that was left incomplete breaks off, so that nobody takes it for whole."""
        if self.response_started:
            if self._old:  # where the end of the connection is the end of the reply, only a reset tells
                peer = self._line.transport.get_extra_info("socket")
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self._line.transport.abort()
            else:
                self._line.transport.close()
            return
        headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(FAULT))]
        self.keep_alive = False
        await self.send({"type": "http.response.start", "status": 500, "headers": headers})
        await self.send({"type": "http.response.body", "body": FAULT})

    # What came

    def takes(self, body: bytes) -> None:
        """A piece of the request's body."""
        if self._asks_only and self.response_started:
            return
        self._body.append(body)
        self.body_size += len(body)
        self.ring()

    def ends(self) -> None:
        """The body is whole."""
        self.more_body = False
        self.ring()

    def leaves(self) -> None:
        """The client is gone."""
        self.disconnected = self.disconnected or not self.response_complete
        self.ring()

    def ring(self) -> None:
        self._unread = True
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    async def receive(self) -> Message:
        line = self._line
        if self.waits_for_go_ahead and not self.disconnected and not line.transport.is_closing():
            line.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waits_for_go_ahead = False
        if not self.disconnected and not self.response_complete:
            line.flow.resume_reading()
            if not self._unread:
                self._news = line.loop.create_future()
                await self._news
            self._unread = False
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body.clear()
        self.body_size = 0
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    def _drop_body(self) -> None:
        """A reply may go on for hours, and while nobody reads what came, nobody sees the client leave."""
        self._body.clear()
        self.body_size = 0
        self._line.flow.resume_reading()

    # What goes out

    async def send(self, message: Message) -> None:
        flow = self._line.flow
        if flow.write_paused and not self.disconnected:
            await flow.drain()
        if self.disconnected:
            return
        if self.response_complete:
            raise RuntimeError("the reply is complete")
        kind = message["type"]
        if not self.response_started and kind == "http.response.start":
            if message.get("switchyard.until_close"):  # the reply ends where the connection does
                self._old, self.keep_alive = True, False
            self._begin(message["status"], message.get("headers", ()))
        elif self.response_started and kind == "http.response.body":
            self._pass(message.get("body", b""), last=not message.get("more_body", False))
        else:
            raise RuntimeError(f"{kind} does not come now")

    def _begin(self, status: int, headers: Sequence[Header]) -> None:
        self.response_started = True
        if self.waits_for_go_ahead:  # it may never send its body now: what comes next is anybody's guess
            self.waits_for_go_ahead = self.keep_alive = False
        if self._asks_only and self._body:
            self._drop_body()
        lines = [STATUS_LINES[status], *map(b": ".join, (*self._line.always, *headers))]
        for name, value in headers:
            if name == b"content-length":  # in lower case, as ASGI has all names
                self._left = int(value)
        if self._left is None and not self._head_only and status not in WITHOUT_BODY and not self._old:
            self._chunked = True
            lines.append(b"transfer-encoding: chunked")
        self._head_only = self._head_only or status in WITHOUT_BODY
        if not self.keep_alive:
            lines.append(b"connection: close")
        head = b"\r\n".join(lines)
        if head.count(b"\n") != len(lines) - 1 or head.count(b"\r") != len(lines) - 1 or b"\0" in head:
            raise RuntimeError("a line end within a header would be a header of its own")
        if self._left is None:
            self._line.transport.write(head + b"\r\n\r\n")
        else:
            self._held = head + b"\r\n\r\n"

    def _pass(self, body: bytes, *, last: bool) -> None:
        if self._head_only:
            body, self._left = b"", None
        elif self._left is not None:
            self._left -= len(body)
            if self._left < 0 or (last and self._left):
                raise RuntimeError("the body is of another length than the head says")
        elif self._chunked:
            body = _chunk(body, last=last)
        if self._held and len(body) < LARGE:
            body = self._held + body
        elif self._held:
            self._line.transport.write(self._held)
        self._held = b""
        if body:
            self._line.transport.write(body)
        if last:
            self._end()

    def _end(self) -> None:
        self.response_complete = True
        self.ring()
        if not self.keep_alive:
            self._line.transport.close()
        self._line.on_response_complete()


def _chunk(data: bytes, *, last: bool) -> bytes:
    """A chunk without data would be the last one."""
    if not data:
        return b"0\r\n\r\n" if last else b""
    return b"".join((b"%x\r\n" % len(data), data, b"\r\n0\r\n\r\n" if last else b"\r\n"))
