"""The image server as its user starts it, alone, with tiny real models; and the SDKs that ask it.

Slow to start, so all tests share them: a test leaves each idle.
"""

import asyncio
import itertools
import re
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.clients.programs import OPENAI2, ROOT, Saw, in_node, in_python, plain_environment

ENGINE = ROOT / ".venv-image-server" / "bin"
PROGRAM = ENGINE / "switchyard-image-server"
WITHIN_S = 60
KEY = "sk-switchyard-tests"
OFFLINE = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
# Longer than any test waits, in steps that take a while each.
ENDLESS: dict[str, Any] = {"prompt": "a lighthouse", "size": "768x768"}
ENDLESS_STEPS = 200
_NUMBERS = itertools.count()


@dataclass
class ImageServer:
    """One process of `switchyard-image-server`, and the one model it serves."""

    model: str
    process: "subprocess.Popen[str]"
    log: Path
    key: str | None = None
    url: str = ""

    @property
    def order(self) -> dict[str, Any]:
        """Where it is and what it has, in the words of the client programs."""
        known = {"base_url": f"{self.url}/v1", "model": self.model}
        return known if self.key is None else known | {"key": self.key}

    def until_ready(self) -> None:
        deadline = time.monotonic() + WITHIN_S
        while not self._is_ready():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)  # noqa: TID251 - it watches another process

    def _is_ready(self) -> bool:
        said = self.log.read_text()
        if "listening on http://" not in said:
            return False
        self.url = said.partition("listening on ")[2].partition(",")[0]
        return httpx.get(f"{self.url}/health", timeout=WITHIN_S).status_code == 200

    @asynccontextmanager
    async def asked(self) -> AsyncIterator["Asked"]:
        headers = None if self.key is None else {"authorization": f"Bearer {self.key}"}
        async with httpx.AsyncClient(base_url=self.url, headers=headers, timeout=WITHIN_S) as http:
            yield Asked(http)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the server says of itself."""

    http: httpx.AsyncClient

    async def until(self, **health: Any) -> None:
        async with asyncio.timeout(WITHIN_S / 2):
            while (said := (await self.http.get("/health")).json()) | health != said:
                await asyncio.sleep(0.02)

    async def count(self, metric: str, having: str = "") -> int:
        """The sum over all labels, or over those that have this among them."""
        text = (await self.http.get("/metrics")).text
        name = f"switchyard_image_server_{metric}_total"
        told = re.findall(rf"^{name}(?:{{([^}}]*)}})? (\S+)$", text, re.MULTILINE)
        return sum(int(float(value)) for labels, value in told if having in labels)

    @asynccontextmanager
    async def with_a_full_queue(self, room: int) -> AsyncIterator[None]:
        """One request that runs, and as many as may wait; given up at the end."""
        body = ENDLESS | {"num_inference_steps": ENDLESS_STEPS}
        async with asyncio.TaskGroup() as group:
            asking = [
                group.create_task(self.http.post("/v1/images/generations", json=body)) for _ in range(1 + room)
            ]
            await self.until(busy=True, waiting=room)
            try:
                yield
            finally:
                for one in asking:
                    one.cancel()
        await self.until(busy=False, waiting=0)


@dataclass(frozen=True, slots=True)
class Servers:
    """`draws`: text to picture and one picture. `refers`: several pictures, behind a key. `sees`: a chat."""

    draws: ImageServer
    refers: ImageServer
    sees: ImageServer
    models: Path

    @property
    def film(self) -> bytes:
        return (self.models / "film.mp4").read_bytes()


def _start(folder: Path, name: str, *arguments: str, key: str | None = None) -> ImageServer:
    log = folder / f"{name}-{next(_NUMBERS)}.log"
    command = [str(PROGRAM), "--model", str(folder / name), "--port", "0"]
    keyed = {} if key is None else {"SWITCHYARD_IMAGE_SERVER_API_KEY": key}
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [*command, "--served-model-name", f"tiny-{name}", *arguments],
            stderr=stderr,
            text=True,
            env=plain_environment() | OFFLINE | keyed,
        )
    return ImageServer(f"tiny-{name}", process, log, key)


def make_models(folder: Path) -> None:
    made = subprocess.run(
        [ENGINE / "python", "-m", "tests.clients.tiny_models", folder],
        cwd=ROOT,
        env=plain_environment() | OFFLINE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr


@contextmanager
def running(models: Path) -> Iterator[Servers]:
    with _running(
        _start(models, "image", "--max-queue", "1"),
        _start(models, "references", key=KEY),
        _start(models, "vision"),
    ) as started:
        yield Servers(*started, models=models)
        for one in started:
            one.process.terminate()
        assert [one.process.wait(WITHIN_S) for one in started] == [0, 0, 0]


@contextmanager
def stoppable(models: Path) -> Iterator[tuple[ImageServer, ...]]:
    """One that draws and one that chats, for a test that ends them."""
    with _running(_start(models, "image"), _start(models, "vision")) as started:
        yield started


@contextmanager
def _running(*started: ImageServer) -> Iterator[tuple[ImageServer, ...]]:
    try:
        for one in started:
            one.until_ready()
        yield started
    finally:
        for one in started:
            one.process.kill()
            one.process.wait(WITHIN_S)


SDKS = (
    in_python("openai2", "image_server_program.py", OPENAI2),
    in_python("openai3", "image_server_program.py"),
    in_node("openai-node", "image_server_program.mjs"),
)


def faults(saw: Saw) -> list[str]:
    """What was not as the SDK's types have it."""
    assert saw.error is None, saw.told
    assert saw.bodies, saw.told
    found: list[str] = saw.faults
    return found
