"""The engine beside: the same program with the same arguments and environment, and nobody between it and us."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
from bench.switch.asking import PATIENCE_S, Question, ask, timed
from bench.switch.product import PAUSE

from switchyard_contracts.catalog import Model
from switchyard_manager.engines import ADAPTERS, Call, Probe
from tests.ports import free_port

LOOK_S = 0.02
KEYS = ("VLLM_API_KEY", "SWITCHYARD_IMAGE_SERVER_API_KEY")


@dataclass(frozen=True, slots=True)
class Program:
    """How an engine was started, as the kernel tells it."""

    command: tuple[str, ...]
    environment: Mapping[str, str]

    @classmethod
    def of(cls, pid: int) -> "Program":
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
        environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")[:-1]
        pairs = (one.decode().partition("=") for one in environ)
        return cls(tuple(map(os.fsdecode, command)), {name: value for name, _, value in pairs})

    def at(self, port: int) -> tuple[str, ...]:
        place = self.command.index("--port") + 1
        return (*self.command[:place], str(port), *self.command[place + 1 :])

    def alone(self, model: Model, question: Question, naps: int) -> "Alone":
        port, began = free_port(), time.perf_counter()
        base, headers = f"http://127.0.0.1:{port}", headers_of(self.environment)
        with (
            _running(self, port) as process,
            httpx.Client(base_url=base, headers=headers, timeout=PATIENCE_S, trust_env=False) as client,
        ):
            until_well(client, ADAPTERS[model.engine].health(model), lambda: process.poll() is None)
            start_s = time.perf_counter() - began
            engine = Engine(client, model, question, headers)
            after_start, found = engine.turn(), engine.naps(naps)
            told = time.perf_counter()
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_S)
            return Alone(start_s, after_start, found, time.perf_counter() - told)


@dataclass(frozen=True, slots=True)
class Turn:
    """Seconds of each request that the manager sends, and of the client's, sent to the engine itself."""

    canary_s: float
    first_s: float


@dataclass(frozen=True, slots=True)
class Nap:
    sleep_s: float
    wake_s: float
    after: Turn


@dataclass(frozen=True, slots=True)
class Alone:
    """One life of an engine: from its start to its end."""

    start_s: float
    after_start: Turn
    naps: tuple[Nap, ...]
    stop_s: float


@dataclass(frozen=True, slots=True)
class Engine:
    """One that runs, and is asked by nobody else."""

    client: httpx.Client
    model: Model
    question: Question
    headers: Mapping[str, str]

    def turn(self) -> Turn:
        canary = ADAPTERS[self.model.engine].canary(self.model)
        canary_s = timed(self.client, "POST", canary.path, canary.body) if canary else 0.0
        asked = ask(str(self.client.base_url).rstrip("/"), self.question, self.model.name, self.headers)
        return Turn(canary_s, asked.first - asked.asked)

    def naps(self, count: int) -> tuple[Nap, ...]:
        calls = ADAPTERS[self.model.engine].sleep(self.model)
        if calls is None:
            return ()
        return tuple(Nap(self._call(calls.sleep), self._call(calls.wake), self.turn()) for _ in range(count))

    def _call(self, call: Call) -> float:
        return timed(self.client, call.method, call.path, call.body)


@contextlib.contextmanager
def _running(program: Program, port: int) -> "Iterator[subprocess.Popen[bytes]]":
    process = subprocess.Popen(
        program.at(port),
        env=dict(program.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        # The whole family: what it started must not outlive it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def headers_of(environment: Mapping[str, str]) -> dict[str, str]:
    key = next((environment[name] for name in KEYS if name in environment), "")
    return {"Authorization": f"Bearer {key}"} if key else {}


def until_well(client: httpx.Client, health: Probe, runs: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with contextlib.suppress(httpx.HTTPError):
            if client.get(health.path).is_success:
                return
        if not runs() or time.monotonic() > deadline:
            raise SystemExit("cannot bench: the engine did not come up beside the manager")
        PAUSE.wait(LOOK_S)
