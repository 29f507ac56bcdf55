"""The means of the contract suite for the fake and for processes; Docker's are with the tests that need it."""

import asyncio
import contextlib
import signal
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import psutil

from switchyard_manager.runtimes import AnySpec, ContainerSpec, Listen, ProcessSpec
from switchyard_manager.runtimes.log_files import LogFiles
from switchyard_manager.runtimes.process import ProcessRuntime
from tests.manager.runtimes.contract import SERVES, Acts
from tests.manager.runtimes.fake_runtime import FakeRuntime

PROGRAM = Path(__file__).with_name("program.py")
FAIR_WHILE_S = 30


class FakeBench:
    def __init__(self, logs: LogFiles) -> None:
        self.logs = logs
        self.runtime = FakeRuntime(logs=logs)

    async def spec(
        self, acts: Acts = SERVES, *, instance: str = "one-1", model: str = "one", **more: Any
    ) -> AnySpec:
        self.runtime.acts[model] = acts
        return ContainerSpec(instance=instance, model=model, image="fake", port=8000, **more)

    def foreign_spec(self) -> AnySpec:
        return process_spec(("true",))

    async def answers(self, endpoint: str) -> bool:
        return any(program.endpoint == endpoint for program in self.runtime.machine.programs.values())

    async def kill(self, instance: str) -> None:
        self.runtime.dies(instance, -signal.SIGKILL)

    async def gone(self, pids: frozenset[int]) -> bool:
        programs = self.runtime.machine.programs.values()
        return not any(pids & program.pids for program in programs if not program.ended.is_set())


class ProcessBench:
    def __init__(self, logs: LogFiles, installation: str) -> None:
        self.logs = logs
        self.runtime = ProcessRuntime(logs, installation)

    async def spec(
        self, acts: Acts = SERVES, *, instance: str = "one-1", model: str = "one", **more: Any
    ) -> AnySpec:
        listen = await self.runtime.listen()
        command = (sys.executable, str(PROGRAM), "--host", listen.host, "--port", str(listen.port))
        flags = acts.flags()
        return ProcessSpec(instance=instance, model=model, command=command + flags, listen=listen, **more)

    def foreign_spec(self) -> AnySpec:
        return ContainerSpec(instance="one-1", model="one", image="any", port=8000)

    async def answers(self, endpoint: str) -> bool:
        return await serves(endpoint)

    async def kill(self, instance: str) -> None:
        for pid in self.runtime.processes(instance):
            psutil.Process(pid).kill()

    async def gone(self, pids: frozenset[int]) -> bool:
        return await all_gone(pids)


def process_spec(command: tuple[str, ...]) -> ProcessSpec:
    return ProcessSpec(instance="one-1", model="one", command=command, listen=Listen("127.0.0.1", 1))


async def serves(endpoint: str) -> bool:
    async with httpx.AsyncClient() as http, asyncio.timeout(FAIR_WHILE_S):
        while True:
            try:
                return (await http.get(endpoint)).status_code == httpx.codes.OK
            except httpx.TransportError:
                await asyncio.sleep(0.05)


async def all_gone(pids: frozenset[int]) -> bool:
    return await asyncio.to_thread(lambda: all(map(has_ended, pids)))


def has_ended(pid: int) -> bool:
    """The kernel takes its time, so it is waited for a little. One whom nobody has buried yet has ended."""
    deadline = time.monotonic() + FAIR_WHILE_S
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)  # noqa: TID251 - it watches another process
    return True
