"""A proxy served in this loop on a free port, and the plainest client: bytes out, bytes in."""

import asyncio
import socket
import ssl
import tempfile
from dataclasses import dataclass

import httpx

from switchyard_proxy.api.page import Page
from switchyard_proxy.app import App
from switchyard_proxy.grants.link import Backoff
from switchyard_proxy.parts import Parts
from switchyard_proxy.server import Server, configured
from switchyard_proxy.settings import Settings, read_settings

SOON_S = 5.0
PAGE = Page.load()
TRUST = ssl.create_default_context()  # made once: it takes longer than most tests


FOLDERS = tempfile.TemporaryDirectory(prefix="switchyard-tests-")


def settings_with(**values: object) -> Settings:
    """Each proxy has a state folder of its own, unless the test names one."""
    said = {"state": tempfile.mkdtemp(dir=FOLDERS.name)} | values
    return read_settings([], {f"SWITCHYARD_{name.upper()}": str(value) for name, value in said.items()})


class RunningProxy:
    """The whole application behind the real server, without its signals."""

    def __init__(self, settings: Settings) -> None:
        self.app = App(settings, PAGE, Backoff(first_s=0.01, last_s=0.02))
        self._server = Server(configured(self.app, settings), self.app.stop, settings.stop_grace_s)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def parts(self) -> Parts:
        assert self.app.parts is not None
        return self.app.parts

    async def start(self) -> "RunningProxy":
        config = self._server.config
        config.load()
        self._server.lifespan = config.lifespan_class(config)
        await self._server.startup([self._listener])
        await self._server.on_tick(0)
        return self

    async def stop(self) -> None:
        """As the server does it, but without its pauses."""
        for server in self._server.servers:
            server.close()
        self.app.stop()
        state = self._server.server_state
        for connection in list(state.connections):
            connection.shutdown()
        async with asyncio.timeout(SOON_S):
            while state.tasks:
                await asyncio.sleep(0.001)
        await self._server.lifespan.shutdown()

    async def until(self, met: bool = True) -> None:
        """Until the manager is there, or is not."""
        async with asyncio.timeout(SOON_S):
            while (self.parts.sites.connected == len(self.parts.sites.all)) is not met:
                await asyncio.sleep(0.001)

    async def until_idle(self) -> None:
        """Until nothing runs and nothing waits."""
        async with asyncio.timeout(SOON_S):
            while self.parts.sites.in_flight or self.parts.sites.waiting or self.parts.lines.waiting:
                await asyncio.sleep(0.001)

    def client(self, **more: object) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, trust_env=False, verify=TRUST, timeout=SOON_S, **more)


@dataclass
class Line:
    """A client's connection, byte by byte."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def to(cls, proxy: RunningProxy) -> "Line":
        return cls(*await asyncio.open_connection("127.0.0.1", proxy.port))

    async def post(self, path: str, body: bytes, *headers: str) -> None:
        head = "\r\n".join(
            (f"POST {path} HTTP/1.1", "host: x", f"content-length: {len(body)}", *headers, "", "")
        )
        self.writer.write(head.encode() + body)
        await self.writer.drain()

    async def head(self) -> str:
        async with asyncio.timeout(SOON_S):
            return (await self.reader.readuntil(b"\r\n\r\n")).decode()

    async def until(self, mark: bytes) -> bytes:
        async with asyncio.timeout(SOON_S):
            return await self.reader.readuntil(mark)

    async def everything(self) -> bytes:
        """What comes until the proxy closes."""
        async with asyncio.timeout(SOON_S):
            return await self.reader.read()

    async def hang_up(self) -> None:
        self.writer.transport.abort()
        await asyncio.sleep(0)
