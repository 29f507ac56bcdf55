"""A manager at work behind its admin API. What it runs on is fake: a runtime and the engines' HTTP."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from switchyard_contracts.catalog import Catalog
from switchyard_contracts.grants import Hello, Want
from switchyard_contracts.status import ModelStatus, Phase
from switchyard_manager import catalog_file
from switchyard_manager.api import admin, serving
from switchyard_manager.api.access import Access
from switchyard_manager.api.desk import Desk
from switchyard_manager.api.editing import CatalogPlace, Editor
from switchyard_manager.api.sse import Streams
from switchyard_manager.gpu import Reading
from switchyard_manager.model_files.cache import Cache
from switchyard_manager.places import Places
from switchyard_manager.runtimes import Kind
from switchyard_manager.runtimes.log_files import LogFiles
from switchyard_manager.runtimes.several import Runtimes
from switchyard_manager.store import Store, Writer
from switchyard_manager.supervise import Supervisor
from switchyard_manager.supervise.chronicle import Chronicle
from switchyard_manager.supervise.means import Means
from switchyard_manager.supervise.news import News, ProxyCame, ProxySaid
from switchyard_manager.supervise.supervisor import Hands
from switchyard_manager.supervise.world import Beginning, World
from tests.manager.conftest import WritesDown, workshop_of
from tests.manager.runtimes.fake_runtime import FakeRuntime

TOKEN = "let me in"
WITHIN_S = 20.0


@dataclass
class Engines:
    """What answers at the endpoints of the runtime's programs. Who is `loading` says so until it is no more."""

    loading: set[str] = field(default_factory=set)
    asleep: set[str] = field(default_factory=set)

    def answer(self, request: httpx.Request) -> httpx.Response:
        _, model, asked = request.url.path.split("/", 2)
        match asked:
            case "health":
                return httpx.Response(503 if model in self.loading else 200, json={})
            case "sleep":
                self.asleep.add(model)
            case "wake_up":
                self.asleep.discard(model)
            case _:
                pass
        return httpx.Response(200, json={"work": 0, "is_sleeping": model in self.asleep})


@dataclass(frozen=True)
class Still:
    """A machine that does not change."""

    reading: Reading

    def read(self) -> Reading:
        return self.reading


@dataclass
class House:
    app: FastAPI
    desk: Desk
    editor: Editor
    streams: Streams
    runtime: FakeRuntime
    engines: Engines
    file: Path
    http: httpx.AsyncClient
    session: WritesDown = field(default_factory=WritesDown)

    @property
    def world(self) -> World:
        return self.desk.world

    def status(self, model: str) -> ModelStatus:
        status = self.desk.model(model)
        assert status is not None
        return status

    def want(self, model: str, ticket: str = "t") -> None:
        """A proxy's request waits for it."""
        self.desk.supervisor.post(ProxySaid(self.session, Want(model=model, ticket=ticket)))

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not true():
                await asyncio.sleep(0.01)

    async def until_phase(self, model: str, phase: Phase) -> None:
        await self.until(lambda: self.status(model).phase is phase)


Open = Callable[..., Awaitable[House]]
Serve = Callable[[House], AbstractAsyncContextManager[httpx.AsyncClient]]


def text_of(models: dict[str, dict[str, Any]]) -> str:
    entries = {name: {"type": "text", "engine": "vllm", "path": "/x", **said} for name, said in models.items()}
    return json.dumps({"models": entries}, indent=2) + "\n"


@pytest.fixture
async def open_house(tmp_path: Path) -> AsyncIterator[Open]:
    """Give it the models, and say what differs from a machine without GPUs."""
    async with contextlib.AsyncExitStack() as stack:

        async def open_it(
            models: dict[str, dict[str, Any]],
            *,
            reading: Reading | None = None,
            allows_remote_specs: bool = False,
            keep_alive_s: float = 15.0,
        ) -> House:
            (tmp_path / "models.json").write_text(text_of(models))
            house, run = await asyncio.to_thread(
                _house, tmp_path, reading or Reading(), allows_remote_specs, keep_alive_s
            )
            port = await stack.enter_async_context(_takes_connections())
            house.runtime.endpoints = {
                name: f"http://127.0.0.1:{port}/{name.replace('/', '.')}"
                for name in (*house.world.catalog.models, "new")
            }
            own = await stack.enter_async_context(asyncio.TaskGroup())
            tasks = [own.create_task(work) for work in run]
            stack.callback(lambda: [task.cancel() for task in tasks])
            stack.push_async_callback(asyncio.to_thread, house.desk.store.close)
            await stack.enter_async_context(house.http)
            house.desk.supervisor.post(ProxyCame(house.session, Hello(proxy=house.session.proxy)))
            await house.until(lambda: house.desk.status().proxies == 1)
            return house

        yield open_it


@contextlib.asynccontextmanager
async def _takes_connections() -> AsyncIterator[int]:
    """The port on which every engine seems to listen. What it says is `Engines`'."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def _house(
    folder: Path, reading: Reading, allows_remote_specs: bool, keep_alive_s: float
) -> tuple[House, list[Any]]:
    file = folder / "models.json"
    catalog: Catalog = catalog_file.load(file)
    store = Store(folder / "state.db")
    writer = Writer(store, pause=lambda _: asyncio.sleep(0.01))
    workshop = workshop_of()
    chronicle = Chronicle(writer.keep, store.last_seq(), epoch=time.time() - time.monotonic())
    world = World(Beginning("manager", catalog, workshop, chronicle))
    runtime, engines = FakeRuntime(kind=Kind.PROCESS), Engines()
    runtimes = Runtimes({Kind.PROCESS: runtime})
    inbox: asyncio.Queue[News] = asyncio.Queue()
    to_engines = httpx.AsyncClient(transport=httpx.MockTransport(engines.answer))
    logs = LogFiles(folder / "logs")
    places = Places(file, folder, "-", "-", hf_cache=folder / "hf")
    means = Means(runtimes, to_engines, places, logs, workshop.key_of, inbox.put_nowait)
    supervisor = Supervisor(world, inbox, Hands(means, workshop, Still(reading), time.monotonic))
    desk = Desk(world, supervisor, store, logs, "process", time.monotonic, Cache(places.hub))
    editor = Editor(CatalogPlace(file, folder, allows_remote_specs), world, supervisor)
    streams = Streams(keep_alive_s)
    app = FastAPI(docs_url=None, redoc_url=None)
    admin.install(app, admin.Admin(Access(TOKEN), desk, editor, streams))
    http = httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False),
        base_url="http://manager.test:80",
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    house = House(app, desk, editor, streams, runtime, engines, file, http)
    return house, [supervisor.run(), writer.run()]


@pytest.fixture
def serve() -> Serve:
    """Over a real socket: what streams cannot be had otherwise."""
    return over_tcp


@contextlib.asynccontextmanager
async def over_tcp(house: House) -> AsyncIterator[httpx.AsyncClient]:
    server = serving.server(house.app, "127.0.0.1", 0, house.streams)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        async with asyncio.TaskGroup() as own:
            own.create_task(server._serve(sockets=[listening]))
            await house.until(lambda: server.started)
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            headers = {"Authorization": f"Bearer {TOKEN}"}
            async with httpx.AsyncClient(base_url=url, headers=headers, timeout=WITHIN_S) as client:
                yield client
            server.should_exit = True


@dataclass(frozen=True, slots=True)
class Frame:
    event: str = ""
    data: str = ""
    id: str = ""

    @property
    def said(self) -> Any:
        return json.loads(self.data)


async def frames(reply: httpx.Response) -> AsyncIterator[Frame]:
    """Server-sent events as they come; a comment is a frame without an event."""
    fields: dict[str, str] = {}
    async for line in reply.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name or "data"] = value
        else:
            yield Frame(fields.get("event", ""), fields.get("data", ""), fields.get("id", ""))
            fields = {}
