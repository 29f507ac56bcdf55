"""A server for an application that does as a test says, over real sockets, and what clients of it see."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from switchyard_proxy.asgi import Receive, Scope, Send
from switchyard_proxy.http import WireProtocol
from switchyard_proxy.server import Server, configured
from tests.proxy.running import SOON_S, Line, settings_with

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"
LATER_S = 10_000.0
Work = Callable[["Asked"], Awaitable[None]]


@dataclass
class Asked:
    """One request as the application sees it."""

    scope: Scope
    receive: Receive
    _send: Send

    async def body(self) -> bytes | None:
        """None when the client left before it was whole."""
        whole = b""
        while (message := await self.receive())["type"] != "http.disconnect":
            whole += message["body"]
            if not message.get("more_body"):
                return whole
        return None

    async def begin(self, status: int = 200, *headers: tuple[bytes, bytes]) -> None:
        await self._send({"type": "http.response.start", "status": status, "headers": list(headers)})

    async def say(self, data: bytes, *, last: bool = False) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": not last})

    async def answer(self, data: bytes, status: int = 200) -> None:
        await self.begin(status, (b"content-length", b"%d" % len(data)))
        await self.say(data, last=True)


async def says_ok(asked: Asked) -> None:
    await asked.body()
    await asked.answer(b"ok")


async def echoes(asked: Asked) -> None:
    body = await asked.body()
    if body is not None:
        await asked.answer(body)


@dataclass
class Serving:
    """A server with an application that does as it is told."""

    work: Work = says_ok
    asked: list[Asked] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    async def start(self, **settings: object) -> "Serving":
        self.server = Server(configured(self, settings_with(**settings)), lambda: None, 0)
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self.server.config.load()
        self.server.lifespan = self.server.config.lifespan_class(self.server.config)
        await self.server.startup([listener])
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for stage in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{stage}.complete"})
            return
        asked = Asked(scope, receive, send)
        self.asked.append(asked)
        await self.work(asked)

    async def line(self, *said: bytes) -> Line:
        line = Line(*await asyncio.open_connection("127.0.0.1", self.port))
        self.lines.append(line)
        for part in said:
            line.writer.write(part)
        await line.writer.drain()
        return line

    @property
    def connections(self) -> list[WireProtocol]:
        return [one for one in self.server.server_state.connections if isinstance(one, WireProtocol)]

    async def until(self, met: Callable[[], bool]) -> None:
        async with asyncio.timeout(SOON_S):
            while not met():
                await asyncio.sleep(0.001)

    def sweep(self, after_s: float = LATER_S) -> None:
        self.server.sweep(asyncio.get_running_loop().time() + after_s)

    async def end(self) -> None:
        for line in self.lines:
            await line.hang_up()
        for server in self.server.servers:
            server.close()
        for task in tuple(self.server.server_state.tasks):
            task.cancel()
        await self.until(lambda: not self.server.server_state.tasks and not self.connections)
        await self.server.lifespan.shutdown()


async def answer_of(line: Line) -> tuple[str, Any]:
    """An error: its head, and what is said in our one shape."""
    head, _, body = (await line.everything()).partition(b"\r\n\r\n")
    return head.decode(), json.loads(body)["error"]


async def whole(line: Line, body: bytes = b"ok") -> bytes:
    """A reply of known length."""
    reply = await line.until(b"\r\n\r\n")
    async with asyncio.timeout(SOON_S):
        assert await line.reader.readexactly(len(body)) == body
    return reply
