"""The proxy and the manager as processes of their own, as their console scripts start them: to be killed."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
from bench.proxy.processes import favour

from switchyard_contracts.status import ManagerStatus, ModelStatus, Phase
from tests.ports import free_port

SCRIPTS = Path(sys.executable).parent
TOKEN = "let me in"
OPERATOR = "sk-operator-0123456789abcdef"
UP_WITHIN_S = 30.0
LOOK_S = 0.02


@dataclass
class Program:
    """One console script on a port that it keeps over restarts."""

    folder: Path
    http: httpx.AsyncClient
    name: str
    said: dict[str, str]
    port: int = field(default_factory=free_port)
    core: int | None = None
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def log(self) -> str:
        return (self.folder / f"{self.name}.log").read_text()

    async def start(self) -> None:
        bare = {name: value for name, value in os.environ.items() if not name.startswith("SWITCHYARD_")}
        env = bare | {f"SWITCHYARD_{name.upper()}": value for name, value in self.said.items()}
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                SCRIPTS / self.name, env=env, stdout=log, stderr=log
            )
        if self.core is not None:
            os.sched_setaffinity(self.pid, {self.core})
            favour(self.pid)
        async with asyncio.timeout(UP_WITHIN_S):
            while not await self.is_up():
                assert self.process.returncode is None, self.log
                await asyncio.sleep(LOOK_S)

    async def is_up(self) -> bool:
        try:
            return (await self.http.get(f"{self.url}/health", timeout=2.0)).is_success
        except httpx.HTTPError:
            return False

    async def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(how)
            await self.process.wait()


@dataclass
class Proxy(Program):
    async def metrics(self) -> dict[str, float]:
        """By name, with the labels as they are written."""
        reply = await self.http.get(f"{self.url}/metrics", headers={"authorization": f"Bearer {OPERATOR}"})
        reply.raise_for_status()
        lines = (line.rpartition(" ") for line in reply.text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}

    async def until(self, gauge: str, value: float, within_s: float = 15.0) -> None:
        async with asyncio.timeout(within_s):
            while (await self.metrics())[gauge] != value:
                await asyncio.sleep(LOOK_S * 5)

    async def until_met(self) -> None:
        await self.until("switchyard_proxy_manager_connected", 1)

    def sockets_to(self, port: int) -> int:
        """Connections of this process to that port, in whatever state they are."""
        open_ones = psutil.Process(self.pid).net_connections("tcp")
        return sum(bool(one.raddr) and one.raddr.port == port for one in open_ones)

    def clients(self) -> int:
        open_ones = psutil.Process(self.pid).net_connections("tcp")
        return sum(bool(one.raddr) and one.laddr.port == self.port for one in open_ones)

    def files(self) -> int:
        return psutil.Process(self.pid).num_fds()


def proxy_of(
    folder: Path, http: httpx.AsyncClient, manager: str, core: int | None = None, **more: object
) -> Proxy:
    said = {
        "manager": manager,
        "token": TOKEN,
        "state": str(folder / "proxy-state"),
        "api_key": OPERATOR,
        "auth": "on",
        "stop_grace_s": "0",
    } | {name: str(value) for name, value in more.items()}
    proxy = Proxy(folder, http, "switchyard-proxy", said, core=core)
    proxy.said["port"] = str(proxy.port)
    return proxy


@dataclass
class Manager(Program):
    async def status(self) -> ManagerStatus:
        reply = await self.http.get(f"{self.url}/status", headers={"authorization": f"Bearer {TOKEN}"})
        return ManagerStatus.model_validate_json(reply.content)

    async def models(self) -> dict[str, ModelStatus]:
        return {model.name: model for model in (await self.status()).models}

    async def until_at_rest(self, within_s: float = 30.0) -> None:
        """Until no model has a request, nobody waits for one, and none is on its way up or down."""
        async with asyncio.timeout(within_s):
            while True:
                models = (await self.models()).values()
                if all(not m.in_flight and not m.waiting and m.phase in SETTLED for m in models):
                    return
                await asyncio.sleep(LOOK_S * 5)

    @property
    def installation(self) -> str:
        return (self.folder / "manager-state" / "installation").read_text().strip()


SETTLED = frozenset({Phase.READY, Phase.STOPPED, Phase.FAILED})


def manager_of(
    folder: Path, http: httpx.AsyncClient, engine: str, models: Mapping[str, Any], **more: Any
) -> Manager:
    entry = {"type": "text", "engine": "image-server", "path": "."}
    catalog = {"models": {name: entry | said for name, said in models.items()}} | more
    (folder / "models.json").write_text(json.dumps(catalog))
    said = {
        "catalog": str(folder / "models.json"),
        "state": str(folder / "manager-state"),
        "token": TOKEN,
        "runtime": "process",
        "image_server": engine,
    }
    manager = Manager(folder, http, "switchyard-manager", said)
    manager.said["manager_port"] = str(manager.port)
    return manager
