"""Put the manager together and serve it. The way in is HTTP on loopback; the work is `supervise`'s."""

import argparse
import asyncio
import contextlib
import logging
import secrets
import sys
import time
from collections.abc import AsyncIterator

import httpx
import uvicorn
from fastapi import FastAPI

from switchyard_contracts.catalog import Catalog, CatalogRefused
from switchyard_contracts.status import ManagerStatus
from switchyard_manager import __version__, catalog_file, logs
from switchyard_manager.api import control, status
from switchyard_manager.engines import ADAPTERS
from switchyard_manager.errors import ManagerError
from switchyard_manager.places import Places
from switchyard_manager.runtimes.process import ProcessRuntime
from switchyard_manager.runtimes.protocol import Runtime
from switchyard_manager.settings import SETTINGS, Settings, read_settings
from switchyard_manager.state import StateFolder
from switchyard_manager.supervise import Supervisor
from switchyard_manager.supervise.news import CatalogRead
from switchyard_manager.supervise.world import World

log = logging.getLogger(__name__)


def build(settings: Settings, catalog: Catalog, state: StateFolder) -> FastAPI:
    """The whole manager as one ASGI application; its lifespan starts and ends everything."""
    installation = state.installation()
    token = settings.token or state.token()
    runtime: Runtime = ProcessRuntime(state.logs, installation)
    world = World(installation[:8], catalog, ADAPTERS, _new_instance)
    http = httpx.AsyncClient()
    places = Places(settings.catalog, state.root, settings.image_server, settings.vllm)
    supervisor = Supervisor(world, runtime, ADAPTERS, places, http, time.monotonic)

    def whole_status() -> ManagerStatus:
        return ManagerStatus(
            manager=installation[:8],
            version=__version__,
            runtime=runtime.name,
            proxies=world.proxies,
            models=world.statuses(time.monotonic()),
        )

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        left = await runtime.sweep()
        if left:
            log.warning("removed %d processes that a former manager left behind", left)
        async with http, asyncio.TaskGroup() as own:
            tasks = (
                own.create_task(supervisor.run()),
                own.create_task(
                    catalog_file.follow(settings.catalog, lambda fresh: supervisor.post(CatalogRead(fresh)))
                ),
            )
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await runtime.close()

    app = FastAPI(
        title="Switchyard manager", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.include_router(control.router(supervisor, token))
    app.include_router(status.router(whole_status, token))
    return app


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
        state = StateFolder(settings.state)
        with state.owned(), logs.to_stderr("manager"):
            uvicorn.run(
                build(settings, catalog, state),
                host=settings.host,
                port=settings.port,
                log_config=None,
                log_level="warning",
                ws="websockets-sansio",
                timeout_graceful_shutdown=5,
            )
    except CatalogRefused as refused:
        faults = "\n".join(map(str, refused.faults))
        sys.exit(f"{faults}\ncannot start: mend these faults in the catalog first")
    except ManagerError as error:
        sys.exit(str(error))
