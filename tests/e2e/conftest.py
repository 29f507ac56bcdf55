"""The product as its user has it: `./setup.sh up`, real engines on the demo's tiny weights, real clients."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest
from openai import OpenAI

from switchyard_manager.runtimes import leftovers
from tests.e2e.images import base_image, image_server_image
from tests.pauses import pauses
from tests.ports import free_port
from tests.vllm_on_cpu.fixtures import tiny, vllm_command, vllm_image, vllm_is_here

# Fixtures of images to build on, and of real vLLM, for every test below this folder.
__all__ = ["base_image", "image_server_image", "tiny", "vllm_command", "vllm_image", "vllm_is_here"]

ROOT = Path(__file__).resolve().parents[2]
UP_WITHIN_S = 120
ENDS_WITHIN_S = 40


def demo_catalog() -> dict[str, object]:
    catalog: dict[str, object] = json.loads((ROOT / "models.json").read_text())
    del catalog["$schema"]
    return catalog


@dataclass
class Yard:
    """One installation of its own: state, catalog, ports. The code and the environments are the clone's."""

    folder: Path
    demo: Path
    port: int = field(default_factory=free_port)
    settings: dict[str, str] = field(default_factory=dict)  # beside those that every one has
    job: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environ(self) -> dict[str, str]:
        mine = {
            "SWITCHYARD_STATE": str(self.folder / "state"),
            "SWITCHYARD_CATALOG": str(self.folder / "models.json"),
            "SWITCHYARD_PORT": str(self.port),
            "SWITCHYARD_MANAGER_PORT": str(self.manager_port),
            "SWITCHYARD_UP": "local",
        }
        return {k: v for k, v in os.environ.items() if not k.startswith("SWITCHYARD_")} | mine | self.settings

    def __post_init__(self) -> None:
        self.manager_port = free_port()
        (self.folder / "state").mkdir(parents=True)
        shutil.copytree(self.demo, self.folder / "state" / "demo")
        self.write_catalog(demo_catalog())

    def write_catalog(self, catalog: dict[str, object]) -> None:
        fresh = self.folder / "models.json.new"
        fresh.write_text(json.dumps(catalog))
        fresh.replace(self.folder / "models.json")

    def setup(self, *arguments: str, within_s: float = UP_WITHIN_S) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ROOT / "setup.sh", *arguments],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )

    def up(self) -> None:
        """In the foreground of a terminal of its own, as a user runs it; returns once it says that it is up."""
        self.log = self.folder / "up.log"
        with self.log.open("w") as output:
            self.job = subprocess.Popen(
                [ROOT / "setup.sh", "up"],
                env=self.environ,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                text=True,
                start_new_session=True,
            )
        self.until(lambda: "Switchyard is up." in self.said() or self.job_has_ended(), UP_WITHIN_S)
        assert not self.job_has_ended(), self.said()

    def said(self) -> str:
        return self.log.read_text()

    def job_has_ended(self) -> bool:
        return self.job is not None and self.job.poll() is not None

    def end(self, how: signal.Signals) -> int:
        """As a terminal does it: the signal goes to the whole foreground group."""
        assert self.job is not None
        os.killpg(self.job.pid, how)
        return self.job.wait(timeout=ENDS_WITHIN_S)

    @property
    def installation(self) -> str:
        return (self.folder / "state" / "installation").read_text().strip()

    def processes(self) -> list[psutil.Process]:
        """Every process of this installation but the job itself: services, wardens, engines."""
        return [
            process
            for mark in (leftovers.SERVICE_MARK, leftovers.ENGINE_MARK)
            for process in leftovers.find(mark, self.installation)
        ]

    def running(self, program: str) -> list[psutil.Process]:
        """The processes of one program, without their wardens."""
        found = []
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                command = " ".join(process.cmdline())
                if program in command and "warden.py" not in command:
                    found.append(process)
        return found

    def engines(self) -> list[psutil.Process]:
        return self.running("switchyard-image-server")

    @staticmethod
    def until(true: Callable[[], bool], within_s: float) -> None:
        deadline = time.monotonic() + within_s
        again = pauses()
        while not true():
            if time.monotonic() > deadline:
                pytest.fail(f"waited {within_s:g} s in vain")
            time.sleep(next(again))  # noqa: TID251 - it watches other processes

    def client(self) -> OpenAI:
        return OpenAI(base_url=f"{self.url}/v1", api_key="none", max_retries=0, timeout=120)

    def phases(self) -> dict[str, str]:
        models = httpx.get(f"{self.url}/v1/models", timeout=10).json()["data"]
        return {model["id"]: model["status"]["value"] for model in models}


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo models, made once: to make them is `up`'s work, and has tests of its own."""
    folder = tmp_path_factory.mktemp("demo")
    python = ROOT / ".venv-image-server" / "bin" / "python"
    subprocess.run([python, "-m", "switchyard_image_server.demo", folder], check=True, capture_output=True)
    return folder


@pytest.fixture
def new_yard(tmp_path: Path, demo: Path) -> Iterator[Callable[[], Yard]]:
    made: list[Yard] = []

    def make() -> Yard:
        made.append(Yard(tmp_path / f"yard{len(made)}", demo))
        return made[-1]

    yield make
    for yard in made:
        yard.setup("down")
        if yard.job is not None:
            yard.job.wait(timeout=ENDS_WITHIN_S)


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory, demo: Path) -> Iterator[Yard]:
    """One that is up for all the tests of a file."""
    made = Yard(tmp_path_factory.mktemp("yard") / "y", demo)
    made.up()
    yield made
    made.end(signal.SIGTERM)
    assert made.processes() == []
