"""A GPU machine with manager, gate and a Docker Engine, and a server with the proxy; one cable between them."""

import json
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.docker.conftest import HOST_FOLDERS, PYTHON, docker
from tests.e2e.docker.private_engine import PrivateEngine, needs_one_of_its_own
from tests.e2e.proxy.hearing import Heard, chat
from tests.e2e.proxy.processes import OPERATOR, TOKEN
from tests.e2e.two_machines.machines import Machine, Program, needs_two_machines, two_machines, until

ENGINE = Path(__file__).parents[1] / "proxy" / "counting_engine.py"
IMAGE = "switchyard-test:empty"
MANAGER, GATE, PROXY = 8079, 8078, 8080


@dataclass
class Lan:
    gpu: Machine
    server: Machine
    manager: Program
    gate: Program
    proxy: Program
    engine: PrivateEngine

    async def chat(self, pieces: int, model: str = "count") -> Heard:
        """As a client of the server's proxy."""
        return await self.server.hear("127.0.0.1", PROXY, chat(model, pieces, OPERATOR))

    def container(self) -> dict[str, Any]:
        """The one engine that runs, as Docker tells of it."""
        (name,) = docker("ps", "--quiet", host=self.engine.host).split()
        told: list[dict[str, Any]] = json.loads(docker("inspect", name, host=self.engine.host))
        return told[0]

    def engine_port(self) -> int:
        """On the GPU machine's loopback."""
        (bound,) = self.container()["NetworkSettings"]["Ports"]["8000/tcp"]
        return int(bound["HostPort"])

    def until_met(self) -> None:
        """Until proxy and manager have found each other."""

        def met() -> bool:
            _, said = self.server.get("127.0.0.1", PROXY, "/metrics", authorization=f"Bearer {OPERATOR}")
            return b"\nswitchyard_proxy_manager_connected 1" in said

        until(met, lambda: self.proxy.log)


@pytest.fixture(scope="package")
def lan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lan]:
    """One for all tests: whatever a test breaks, it mends."""
    needs_two_machines()
    needs_one_of_its_own()
    folder = tmp_path_factory.mktemp("lan")
    empty = shutil.make_archive(str(folder / "empty"), "tar", tmp_path_factory.mktemp("root"))
    with two_machines() as (gpu, server):
        engine = PrivateEngine(live_restore=False, network=gpu.name)
        made = _programs(folder, gpu, server, engine)
        try:
            engine._launch()
            until(engine._answers, engine._told)
            docker("import", empty, IMAGE, host=engine.host)
            for program in (made.manager, made.gate, made.proxy):
                program.launch()
            made.until_met()
            yield made
        finally:
            for program in (made.proxy, made.gate, made.manager):
                program.end(signal.SIGKILL)
            engine.clean_up()


def _programs(folder: Path, gpu: Machine, server: Machine, engine: PrivateEngine) -> Lan:
    (folder / "models.json").write_text(json.dumps({"models": {"count": _model()}}))
    manager = Program(
        *(gpu, folder, "switchyard-manager", MANAGER),
        said={
            "catalog": str(folder / "models.json"),
            "state": str(folder / "state"),
            "manager_host": "0.0.0.0",
            "manager_port": str(MANAGER),
            "token": TOKEN,
            "runtime": "docker",
            "gate_url": f"http://{gpu.address}:{GATE}",
        },
        more={"DOCKER_HOST": engine.host},
    )
    gate = Program(
        *(gpu, folder, "switchyard-gate", GATE),
        said={"gate_host": "0.0.0.0", "gate_port": str(GATE), "token": TOKEN, "stop_grace_s": "0"},
    )
    proxy = Program(
        *(server, folder, "switchyard-proxy", PROXY),
        said={
            "manager": f"http://{gpu.address}:{MANAGER}",
            "token": TOKEN,
            "state": str(folder / "proxy-state"),
            "port": str(PROXY),
            "api_key": OPERATOR,
            "auth": "on",
            "stop_grace_s": "0",
            "load_wait_s": "30",
        },
    )
    return Lan(gpu, server, manager, gate, proxy, engine)


def _model() -> dict[str, Any]:
    folders = [folder for folder in (*HOST_FOLDERS, str(ENGINE)) if Path(folder).exists()]
    return {
        "type": "text",
        "engine": "container",
        "image": IMAGE,
        "port": 8000,
        "mounts": [{"source": folder, "target": folder} for folder in folders],
        "extra_args": [PYTHON, "-S", str(ENGINE), "--host", "0.0.0.0", "--port", "8000"],
    }
