"""A real manager as a process of its own, to be killed and started again; engines run in real containers."""

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

from switchyard_contracts.status import ManagerStatus, ModelStatus
from tests.e2e.docker.conftest import HOST_FOLDERS, PYTHON
from tests.ports import free_port

TOKEN = "let me in"
QUICK = Path(__file__).parent.parent / "quick_engine.py"
UP_WITHIN_S = 30.0


def container_model(image: str, **more: Any) -> dict[str, Any]:
    """A model of the catalog whose engine is `quick_engine.py` in a container."""
    folders = [folder for folder in (*HOST_FOLDERS, str(QUICK)) if Path(folder).exists()]
    return {
        "type": "text",
        "engine": "container",
        "image": image,
        "port": 8000,
        "mounts": [{"source": folder, "target": folder} for folder in folders],
        "extra_args": [PYTHON, "-SE", str(QUICK), "--host", "0.0.0.0", "--port", "8000"],
        **more,
    }


@dataclass
class Manager:
    folder: Path
    http: httpx.AsyncClient
    port: int = 0
    process: asyncio.subprocess.Process | None = None
    said: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def installation(self) -> str:
        return (self.folder / "state" / "installation").read_text().strip()

    def write(self, models: Mapping[str, Any], **more: Any) -> None:
        (self.folder / "models.json").write_text(json.dumps({"models": models} | more))

    async def start(self) -> None:
        self.port = self.port or free_port()
        env = {name: value for name, value in os.environ.items() if not name.startswith("SWITCHYARD_")} | {
            "SWITCHYARD_CATALOG": str(self.folder / "models.json"),
            "SWITCHYARD_STATE": str(self.folder / "state"),
            "SWITCHYARD_MANAGER_PORT": str(self.port),
            "SWITCHYARD_TOKEN": TOKEN,
            "SWITCHYARD_RUNTIME": "docker",
        }
        with (self.folder / "manager.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                Path(sys.executable).with_name("switchyard-manager"), env=env, stdout=log, stderr=log
            )
        async with asyncio.timeout(UP_WITHIN_S):
            while not await self.is_up():
                await asyncio.sleep(0.05)

    async def is_up(self) -> bool:
        try:
            return (await self.http.get(f"{self.url}/health", timeout=2.0)).is_success
        except httpx.HTTPError:
            return False

    async def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(how)
            await self.process.wait()

    async def status(self) -> ManagerStatus:
        reply = await self.http.get(f"{self.url}/status", headers={"Authorization": f"Bearer {TOKEN}"})
        return ManagerStatus.model_validate_json(reply.content)

    async def models(self) -> dict[str, ModelStatus]:
        return {model.name: model for model in (await self.status()).models}
