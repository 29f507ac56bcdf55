"""One request's way to an engine and back, in pieces, as they come. Keeps no body, of either side.

Neither side is read faster than the other takes it. A reply that breaks off is left incomplete, which is how
whoever reads it learns that; one that had not begun is told as lost, for then it may be asked for once more.
"""

import asyncio

from switchyard_contracts.errors import ErrorCode
from switchyard_contracts.gate import ENGINE_LOST, SAYS_HEADER
from switchyard_proxy.asgi import Header, Receive, Send
from switchyard_proxy.bodies.reading import Bounds, stalled
from switchyard_proxy.errors import Broken, ClientGone, Unavailable
from switchyard_proxy.gate import heads
from switchyard_proxy.gate.admission import Passage
from switchyard_proxy.request import Request
from switchyard_proxy.upstream.connection import Connection
from switchyard_proxy.upstream.pool import Question, Upstream, endpoint_at

LOST: Header = (SAYS_HEADER.encode(), ENGINE_LOST.encode())
CHUNKED: Header = (b"transfer-encoding", b"chunked")
LAST_CHUNK = b"0\r\n\r\n"


class Visitor:
    """Implements `pool.Asking`: nothing is to be done meanwhile."""

    def began(self, connection: Connection) -> None:
        return

    async def waits(self) -> None:
        return


VISITOR = Visitor()


class Errand:
    def __init__(self, upstream: Upstream, pause_s: float) -> None:
        self._upstream = upstream
        self._pause_s = pause_s

    async def run(self, request: Request, passage: Passage, receive: Receive, send: Send) -> None:
        """Raises `ProxyError` before a reply has begun, `Broken` within it, `ClientGone` at any time."""
        question = await self._question(request, passage, receive)
        try:
            endpoint = endpoint_at(f"http://{passage.authority}")
            connection = await self._upstream.ask(endpoint, question, VISITOR)
        except Broken as broken:
            raise _lost(str(broken)) from broken
        try:
            await _pass_reply(connection, send)
        finally:
            self._upstream.give_back(endpoint, connection)

    async def _question(self, request: Request, passage: Passage, receive: Receive) -> Question:
        declared = request.header(b"content-length")
        chunked = declared is None and request.header(b"transfer-encoding") is not None
        pieces = Pieces(receive, self._pause_s, chunked=chunked)
        if not request.client.has_sent_all:
            length = CHUNKED if declared is None else (b"content-length", declared)
            return Question(_head(request, passage, length), pieces=lambda: pieces, once=True)
        body = b"".join([piece async for piece in Pieces(receive, self._pause_s, chunked=False)])
        if declared is None and not chunked:
            return Question(_head(request, passage))
        return Question(_head(request, passage, (b"content-length", b"%d" % len(body))), body)


class Pieces:
    """Of a request's body, as they come. That they are as long as was said, the server's parser has seen to."""

    def __init__(self, receive: Receive, pause_s: float, *, chunked: bool) -> None:
        self._receive = receive
        self._pause_s = pause_s
        self._chunked = chunked
        self._more = True
        self._size = 0

    def __aiter__(self) -> "Pieces":
        return self

    async def __anext__(self) -> bytes:
        """Raises `ClientGone`, and `Refused` when the pause is too long."""
        if not self._more:
            raise StopAsyncIteration
        try:
            async with asyncio.timeout(self._pause_s):
                piece = await self._next()
        except TimeoutError:
            raise stalled(self._size, Bounds(0, self._pause_s)) from None
        self._size += len(piece)
        return self._framed(piece) if self._chunked else piece

    async def _next(self) -> bytes:
        """Something, or the end."""
        piece = b""
        while not piece and self._more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            piece, self._more = message["body"], message.get("more_body", False)
        return piece

    def _framed(self, piece: bytes) -> bytes:
        framed = b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""
        return framed if self._more else framed + LAST_CHUNK


def _head(request: Request, passage: Passage, *framing: Header) -> bytes:
    return heads.to_engine(request.method, passage.target, passage.authority, request.headers, framing)


async def _pass_reply(connection: Connection, send: Send) -> None:
    """One of unknown length that ends with its connection goes on as such: its reader must judge its end."""
    ends_with_connection = not connection.framed
    started = False
    while True:
        try:
            data = await connection.read()
        except Broken as broken:
            if started:
                raise
            raise _lost(str(broken)) from broken
        if not started:
            await send(
                {
                    "type": "http.response.start",
                    "status": connection.status,
                    "headers": heads.to_proxy(connection.headers),
                    "switchyard.until_close": ends_with_connection,
                }
            )
            started = True
        ended = connection.ended
        await send({"type": "http.response.body", "body": data, "more_body": not ended})
        if ended:
            return


def _lost(why: str) -> Unavailable:
    message = f"cannot get an answer from the engine: {why}"
    return Unavailable(ErrorCode.BACKEND_UNAVAILABLE, message, headers=(LOST,))
