"""The whole product in one event loop: the real manager, the real proxy, and engines that are real processes.

In one loop, so that a task left behind by either is seen.
"""

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from switchyard_contracts.status import ManagerStatus, ModelStatus
from switchyard_manager import catalog_file
from switchyard_manager.app import build
from switchyard_manager.settings import Settings
from switchyard_manager.state import StateFolder
from tests.proxy.running import RunningProxy, settings_with

TOKEN = "let me in"
QUICK = Path(__file__).with_name("quick_engine.py")


@dataclass
class Whole:
    folder: Path
    manager_url: str
    proxy: RunningProxy
    http: httpx.AsyncClient
    patience_s: float  # of those who ask

    async def status(self) -> ManagerStatus:
        reply = await self.http.get(f"{self.manager_url}/status", headers={"Authorization": f"Bearer {TOKEN}"})
        return ManagerStatus.model_validate_json(reply.content)

    async def model(self, name: str) -> ModelStatus:
        return next(model for model in (await self.status()).models if model.name == name)

    async def ask(self, model: str, **more: Any) -> httpx.Response:
        body = {"model": model, "messages": [{"role": "user", "content": "hi"}], **more}
        return await self.http.post(f"{self.proxy.url}/v1/chat/completions", json=body, timeout=self.patience_s)

    @property
    def installation(self) -> str:
        return (self.folder / "state" / "installation").read_text().strip()


def write_catalog(folder: Path, models: Mapping[str, Any], **more: Any) -> Path:
    file = folder / "models.json"
    entries = {
        name: {"type": "text", "engine": "image-server", "path": "."} | said for name, said in models.items()
    }
    file.write_text(json.dumps({"models": entries} | more))
    return file


def engine_program(folder: Path) -> str:
    """`quick_engine.py` as a command: without site packages, so that it starts at once."""
    program = folder / "engine"
    program.write_text(f"#!{sys.executable} -SE\n{QUICK.read_text()}")
    program.chmod(0o755)
    return str(program)


@contextlib.asynccontextmanager
async def whole_product(
    folder: Path, models: Mapping[str, Any], limits_s: Mapping[str, float] | None = None, **more: Any
) -> AsyncIterator[Whole]:
    """`limits_s`: of the proxy; `more`: of the catalog, beside its models."""
    catalog = write_catalog(folder, models, **more)
    settings = Settings(
        catalog, folder / "state", "127.0.0.1", 0, TOKEN, engine_program(folder), "-", runtime="process"
    )
    state = await asyncio.to_thread(StateFolder, settings.state)
    app = await asyncio.to_thread(lambda: build(settings, catalog_file.load(catalog), state))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="websockets-sansio"))
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        manager_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with asyncio.TaskGroup() as own:
            own.create_task(server._serve(sockets=[listening]))
            try:
                async with asyncio.timeout(20):
                    while not server.started:
                        await asyncio.sleep(0.01)
                async with _proxied(folder, manager_url, **limits_s or {}) as whole:
                    yield whole
            finally:
                server.should_exit = True


@contextlib.asynccontextmanager
async def _proxied(folder: Path, manager_url: str, **limits_s: float) -> AsyncIterator[Whole]:
    said = {"stop_grace_s": 0, "load_wait_s": 45} | limits_s
    proxy = RunningProxy(settings_with(manager=manager_url, token=TOKEN, **said))
    await proxy.start()
    limits = httpx.Limits(max_connections=None)
    try:
        async with httpx.AsyncClient(trust_env=False, limits=limits) as http:
            await proxy.until(met=True)
            # The proxy is to answer before its clients give up.
            yield Whole(folder, manager_url, proxy, http, patience_s=said["load_wait_s"] + 5)
    finally:
        await proxy.stop()
