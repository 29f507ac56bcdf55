"""Manager and proxy as processes, as an operator runs them, and what the manager tells of itself meanwhile."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.ports import free_port

TOKEN = "a token for this run"  # noqa: S105 - everything listens on loopback, and ends with the run
UP_WITHIN_S = 60.0
ENDS_WITHIN_S = 60.0
PAUSE = threading.Event()  # never set: to wait on


@dataclass(slots=True)
class Heard:
    """The manager's events, as they come."""

    events: list[dict[str, Any]] = field(default_factory=list)
    news: threading.Condition = field(default_factory=threading.Condition)

    def add(self, event: dict[str, Any]) -> None:
        with self.news:
            self.events.append(event)
            self.news.notify_all()

    def moved(self, model: str, after: str, since: float, within_s: float = 300.0) -> float:
        """When the model came into a phase, the first time since then. Waits for it."""
        with self.news:
            found = self.news.wait_for(lambda: self.move(model, after, since), within_s)
        if found is None:
            raise SystemExit(f"{model} did not become {after} within {within_s:g} s; its log may say why")
        return float(found)

    def move(self, model: str, after: str, since: float) -> float | None:
        """The manager rounds its times to a millisecond."""
        moves = (event for event in self.events if event["kind"] == "phase" and event["model"] == model)
        times = (float(move["at"]) for move in moves if move["data"]["after"] == after)
        return next((at for at in times if at >= since - 0.001), None)


@dataclass(frozen=True, slots=True)
class Product:
    folder: Path
    proxy: str
    manager: httpx.Client
    heard: Heard

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def logs(self) -> Path:
        return self.folder / "state/logs"

    def order(self, model: str, verb: str) -> None:
        self.manager.post(f"/api/models/{model}/{verb}").raise_for_status()


@contextlib.contextmanager
def product(folder: Path, settings: Mapping[str, str]) -> Iterator[Product]:
    """`settings`: of the manager, as its environment has them; its catalog is one of them."""
    folder.mkdir(parents=True)
    manager, proxy = f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}"
    own = {
        "SWITCHYARD_TOKEN": TOKEN,
        "SWITCHYARD_STATE": str(folder / "state"),
        "SWITCHYARD_MANAGER": manager,
        "SWITCHYARD_MANAGER_PORT": manager.rpartition(":")[2],
        "SWITCHYARD_PORT": proxy.rpartition(":")[2],
        # One thread for an engine's arithmetic: more would spin on the cores that the others need.
        "OMP_NUM_THREADS": "1",
    }
    with contextlib.ExitStack() as stack:
        ours = [stack.enter_context(_running("switchyard-manager", folder, own | dict(settings)))]
        told = stack.enter_context(
            httpx.Client(base_url=manager, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60)
        )
        _until(lambda: _answers(f"{manager}/health"), folder, ours)
        heard = stack.enter_context(_listening(manager))
        ours.append(stack.enter_context(_running("switchyard-proxy", folder, own)))
        _until(lambda: bool(told.get("/status").json()["proxies"]), folder, ours)
        yield Product(folder, proxy, told, heard)


@contextlib.contextmanager
def _running(program: str, folder: Path, settings: Mapping[str, str]) -> "Iterator[subprocess.Popen[bytes]]":
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SWITCHYARD_")}
    with (folder / f"{program}.log").open("wb") as said:
        process = subprocess.Popen(
            [Path(sys.executable).with_name(program)],
            env=inherited | dict(settings),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(ENDS_WITHIN_S)


@contextlib.contextmanager
def _listening(manager: str) -> Iterator[Heard]:
    heard, over, begun = Heard(), threading.Event(), threading.Event()

    def listen() -> None:
        with (
            contextlib.suppress(httpx.HTTPError),
            httpx.stream(
                "GET",
                f"{manager}/api/events",
                headers={"Authorization": f"Bearer {TOKEN}"},
                timeout=httpx.Timeout(None),
            ) as reply,
        ):
            for line in reply.iter_lines():
                if over.is_set():
                    return
                if line.startswith("data:"):
                    heard.add(json.loads(line.removeprefix("data:")))
                    begun.set()  # a snapshot comes first

    threading.Thread(target=listen, daemon=True).start()
    begun.wait(UP_WITHIN_S)
    try:
        yield heard
    finally:
        over.set()


def _answers(url: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(url, timeout=5).status_code == 200
    return False


def _until(true: Callable[[], bool], folder: Path, ours: "Sequence[subprocess.Popen[bytes]]") -> None:
    deadline = time.monotonic() + UP_WITHIN_S
    while not true():
        if time.monotonic() > deadline or any(process.poll() is not None for process in ours):
            logs = "\n".join(log.read_text(errors="replace")[-2000:] for log in folder.glob("*.log"))
            raise SystemExit(f"cannot bench: manager or proxy did not come up:\n{logs}")
        PAUSE.wait(0.02)
