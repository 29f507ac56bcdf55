"""A gate served in this loop on a free port, in front of a scripted engine, and the plainest client of it."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from switchyard_contracts.gate import KEY_HEADER, Gate
from switchyard_proxy.gate.app import Gate as GateApp
from switchyard_proxy.gate.settings import GateSettings, read_gate_settings
from switchyard_proxy.server import Server, configured
from tests.proxy.engines import Script, ScriptedEngine
from tests.proxy.running import SOON_S, Line

TOKEN = "let me in"
INSTANCE = "chat-1a2b"


def gate_settings(**values: object) -> GateSettings:
    said = {"token": TOKEN, "stop_grace_s": 0} | values
    return read_gate_settings([], {f"SWITCHYARD_{name.upper()}": str(value) for name, value in said.items()})


@dataclass
class RunningGate:
    """The whole program but for its signals."""

    settings: GateSettings = field(default_factory=gate_settings)

    async def start(self) -> "RunningGate":
        self.app = GateApp(self.settings)
        self._server = Server(configured(self.app, self.settings), self.app.stop, self.settings.stop_grace_s)
        listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = listener.getsockname()[1]
        self._server.config.load()
        self._server.lifespan = self._server.config.lifespan_class(self._server.config)
        await self._server.startup([listener])
        await self._server.on_tick(0)
        return self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def requests(self) -> int:
        return len(self.app._running)

    def sweep(self, after_s: float) -> None:
        self._server.sweep(asyncio.get_running_loop().time() + after_s)

    async def stop(self) -> None:
        """As the server does it when its grace is over."""
        for server in self._server.servers:
            server.close()
        self.app.stop()
        for connection in list(self._server.server_state.connections):
            connection.shutdown()
        await until(lambda: not self._server.server_state.tasks)
        await self._server.lifespan.shutdown()


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON_S):
        while not met():
            await asyncio.sleep(0.001)


@dataclass
class Yard:
    """A gate with one engine behind it."""

    gate: RunningGate
    engine: ScriptedEngine
    stack: AsyncExitStack

    @property
    def word(self) -> Gate:
        return Gate(self.gate.url, TOKEN)

    def path(self, path: str) -> str:
        return self.word.endpoint(INSTANCE, self.engine.url).removeprefix(self.gate.url) + path

    @property
    def key(self) -> str:
        return self.word.headers(INSTANCE, self.engine.url)[KEY_HEADER]

    def head(self, method: str, path: str, *headers: str) -> bytes:
        lines = (f"{method} {self.path(path)} HTTP/1.1", "host: gate", f"{KEY_HEADER}: {self.key}", *headers)
        return "\r\n".join((*lines, "", "")).encode("latin-1")

    async def line(self, *said: bytes) -> Line:
        line = Line(*await asyncio.open_connection("127.0.0.1", self.gate.port))
        self.stack.push_async_callback(line.hang_up)
        for part in said:
            line.writer.write(part)
        await line.writer.drain()
        return line

    async def get(self, path: str, *headers: str) -> Line:
        return await self.line(self.head("GET", path, *headers))

    async def post(self, path: str, body: bytes, *headers: str) -> Line:
        return await self.line(self.head("POST", path, f"content-length: {len(body)}", *headers), body)


async def answer(line: Line) -> tuple[int, dict[str, str], bytes]:
    """A reply of known length; its connection stays open."""
    start, _, rest = (await line.head()).partition("\r\n")
    headers = dict(row.split(": ", 1) for row in rest.split("\r\n") if row)
    async with asyncio.timeout(SOON_S):
        body = await line.reader.readexactly(int(headers.get("content-length", "0")))
    return int(start.split()[1]), headers, body


async def error(line: Line) -> tuple[int, dict[str, Any]]:
    status, _, body = await answer(line)
    told = json.loads(body)
    assert told["source"] == "switchyard"
    return status, told["error"]


class Yards:
    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def __call__(self, *scripts: Script, **settings: object) -> Yard:
        engine = await ScriptedEngine(list(scripts)).start()
        self._stack.push_async_callback(engine.close)
        gate = await RunningGate(gate_settings(**settings)).start()
        self._stack.push_async_callback(gate.stop)
        return Yard(gate, engine, self._stack)


async def new_yards() -> AsyncIterator[Yards]:
    async with AsyncExitStack() as stack:
        yield Yards(stack)
