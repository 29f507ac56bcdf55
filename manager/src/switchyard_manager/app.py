"""Put the manager together and serve it. The way in is HTTP on loopback; the work is `supervise`'s."""

import argparse
import asyncio
import contextlib
import functools
import logging
import os
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import httpx
from fastapi import FastAPI

from switchyard_contracts.catalog import Catalog, CatalogRefused, Engine
from switchyard_contracts.gate import Gate
from switchyard_manager import __version__, catalog_file, logs
from switchyard_manager.api import admin, control, serving
from switchyard_manager.api.access import Access
from switchyard_manager.api.desk import Desk
from switchyard_manager.api.editing import CatalogPlace, Editor
from switchyard_manager.api.sse import Streams
from switchyard_manager.engines import ADAPTERS, spec_hash
from switchyard_manager.errors import ManagerError
from switchyard_manager.gpu import MachineMeter, NvmlMeter
from switchyard_manager.model_files.cache import Cache
from switchyard_manager.model_files.needs import has_files, needs_of
from switchyard_manager.places import Places
from switchyard_manager.runtimes import Kind, Runtime
from switchyard_manager.runtimes.docker import DockerRuntime, Site, is_likely_here, socket_file
from switchyard_manager.runtimes.log_files import LogFiles
from switchyard_manager.runtimes.process import ProcessRuntime
from switchyard_manager.runtimes.several import Runtimes
from switchyard_manager.settings import SETTINGS, Settings, read_settings
from switchyard_manager.state import StateFolder
from switchyard_manager.store import Store, Writer
from switchyard_manager.supervise import Supervisor
from switchyard_manager.supervise.chronicle import Chronicle
from switchyard_manager.supervise.means import Means
from switchyard_manager.supervise.news import CatalogFaulty, News
from switchyard_manager.supervise.supervisor import Hands
from switchyard_manager.supervise.workshop import Workshop
from switchyard_manager.supervise.world import Beginning, World

log = logging.getLogger(__name__)

# Numbers that a manager which was killed may have given to events without writing them down.
UNWRITTEN = 1000


@dataclass(frozen=True, slots=True)
class Parts:
    """The manager, put together and not yet running."""

    settings: Settings
    state: StateFolder
    world: World
    supervisor: Supervisor
    runtimes: Runtimes
    logs: LogFiles
    store: Store
    writer: Writer
    http: httpx.AsyncClient

    @property
    def token(self) -> str:
        return self.settings.token or self.state.token()


def assemble(settings: Settings, catalog: Catalog, state: StateFolder) -> Parts:
    store = Store(state.database)
    writer = Writer(store)
    places = _places(settings, state)
    log_files = LogFiles(state.logs)
    runtimes = Runtimes(_runtimes(settings, log_files, state.installation()))
    key_of = state.run_keys()
    workshop = Workshop(
        adapters=ADAPTERS,
        hash_of=functools.partial(spec_hash, places=places),
        new_instance=_new_instance,
        key_of=key_of,
        learned=store.learned(),
        has_files=has_files,
        needs_of=needs_of,
        is_told_by_files=lambda model: model.engine is Engine.VLLM,
        gate=Gate(settings.gate_url, settings.token or state.token()) if settings.gate_url else None,
    )
    chronicle = Chronicle(writer.keep, store.last_seq() + UNWRITTEN, epoch=time.time() - time.monotonic())
    beginning = Beginning(state.installation()[:8], catalog, workshop, chronicle, pins=store.pins())
    world = World(beginning)
    inbox: asyncio.Queue[News] = asyncio.Queue()
    http = httpx.AsyncClient()
    means = Means(runtimes, http, places, log_files, key_of, inbox.put_nowait)
    meter = MachineMeter(NvmlMeter(), lambda: world.catalog.gpus)
    supervisor = Supervisor(world, inbox, Hands(means, workshop, meter, time.monotonic))
    return Parts(settings, state, world, supervisor, runtimes, log_files, store, writer, http)


def build(settings: Settings, catalog: Catalog, state: StateFolder, streams: Streams | None = None) -> FastAPI:
    """The whole manager as one ASGI application; its lifespan starts and ends everything."""
    parts = assemble(settings, catalog, state)
    place = CatalogPlace(settings.catalog, state.root, settings.allow_remote_specs)
    editor = Editor(place, parts.world, parts.supervisor)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with _running(parts, editor):
            yield

    app = FastAPI(
        title="Switchyard manager", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    access = Access(parts.token, str(settings.socket) if settings.socket else None)
    desk = Desk(
        parts.world,
        parts.supervisor,
        parts.store,
        parts.logs,
        parts.runtimes.name,
        time.monotonic,
        Cache(settings.hf_cache / "hub"),
    )
    app.include_router(control.router(parts.supervisor, access))
    admin.install(app, admin.Admin(access, desk, editor, streams or Streams()))
    return app


@contextlib.asynccontextmanager
async def _running(parts: Parts, editor: Editor) -> AsyncIterator[None]:
    post = parts.supervisor.post
    follow = catalog_file.follow(
        parts.settings.catalog,
        editor.tell,
        lambda faults: post(CatalogFaulty(faults)),
        known=parts.world.catalog,
    )
    if parts.store.trouble:
        log.warning("%s", parts.store.trouble)
    socket = await asyncio.to_thread(socket_file.mounted_socket, os.environ.get("DOCKER_HOST"))
    try:
        async with parts.http, asyncio.TaskGroup() as own:
            works = (parts.supervisor.run(), follow, socket_file.follow(socket, _end))
            tasks = [own.create_task(work) for work in works]
            # Ended last: what the others have to say while they end is written, too.
            writing = own.create_task(parts.writer.run())
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await parts.runtimes.close()
                writing.cancel()
    finally:
        await asyncio.to_thread(parts.store.close)


def _end() -> None:
    signal.raise_signal(signal.SIGTERM)


def _runtimes(settings: Settings, log_files: LogFiles, installation: str) -> Mapping[Kind, Runtime]:
    found: dict[Kind, Runtime] = {Kind.PROCESS: ProcessRuntime(log_files, installation)}
    if is_likely_here():
        site = Site(settings.engine_network, settings.container)
        found[Kind.DOCKER] = DockerRuntime(log_files, installation, site=site)
    return found


def _places(settings: Settings, state: StateFolder) -> Places:
    return Places(
        catalog=settings.catalog,
        state=state.root,
        image_server=settings.image_server,
        vllm=settings.vllm,
        runtime=settings.runtime,
        image_server_image=settings.image_server_image,
        vllm_image=settings.vllm_image,
        hf_cache=settings.hf_cache,
        hf_endpoint=settings.hf_endpoint,
        hf_token=settings.hf_token,
        hf_token_file=settings.hf_token_file,
        hf_offline=settings.hf_offline,
    )


def _new_instance(model: str) -> str:
    return f"{model}-{secrets.token_hex(4)}"


def main() -> None:
    """`switchyard-manager`: serve until told to stop."""
    argparse.ArgumentParser(
        prog="switchyard-manager",
        description="Own every engine's life on this machine, and grant them to proxies.",
        epilog="Settings are environment variables: " + ", ".join(SETTINGS),
    ).parse_args()
    try:
        settings = read_settings()
        catalog = catalog_file.load(settings.catalog)
        state = StateFolder(settings.state, settings.token_file)
        with state.owned(), logs.to_stderr("manager"):
            streams = Streams()
            app = build(settings, catalog, state, streams)
            serving.serve(serving.server(app, settings.host, settings.port, streams), settings.socket)
    except CatalogRefused as refused:
        faults = "\n".join(map(str, refused.faults))
        sys.exit(f"{faults}\ncannot start: mend these faults in the catalog first")
    except ManagerError as error:
        sys.exit(str(error))
