"""Engines as plain processes of this machine: a laptop, CI, the demo. POSIX only.

Each runs under a warden (`warden.py`) that holds the other end of a pipe of ours. If this process ends,
however it ends, the pipe closes and the warden takes the engine down; what even that misses (a warden that
was killed) is found by its mark at the next start. So unlike containers, these engines do not outlive the
manager, and there is never one to take over.
"""

import asyncio
import contextlib
import itertools
import os
import random
import socket
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import psutil

from switchyard_contracts.errors import Reason
from switchyard_manager.errors import EngineFailed
from switchyard_manager.runtimes import leftovers
from switchyard_manager.runtimes.log_files import LogFiles
from switchyard_manager.runtimes.protocol import AnySpec, Exit, Found, Kind, Listen, ProcessSpec, StopFailed

WARDEN = Path(__file__).with_name("warden.py")
KILL_LIMIT_S = 15.0  # beyond the grace: SIGKILL, the burial of the family, a busy machine
SWEEP_GRACE_S = 3.0


# Below those that systems give to outgoing connections: one of these is not taken before the engine has it.
PORTS = range(10_000, 30_000)
TRIES = 50
# A foreign interpreter must not read our Python's; the Hub's token is for the engines that are given it.
NOT_HANDED_DOWN = frozenset({"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"})


@dataclass(slots=True)
class _Run:
    model: str
    launched: asyncio.Event = field(default_factory=asyncio.Event)
    process: Process | None = None


class ProcessRuntime:
    """Keeps the contract of `protocol.Runtime`."""

    kind = Kind.PROCESS

    def __init__(self, logs: LogFiles, installation: str) -> None:
        self._logs = logs
        self._installation = installation
        self._runs: dict[str, _Run] = {}
        # Each in its turn: one that an engine was given, and has not taken yet, looks free.
        self._ports = itertools.cycle(random.sample(PORTS, len(PORTS)))

    async def listen(self) -> Listen:
        return Listen("127.0.0.1", self._free_port())

    def _free_port(self) -> int:
        for port in itertools.islice(self._ports, TRIES):
            with contextlib.suppress(OSError), socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
                return port
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            found: int = probe.getsockname()[1]
            return found

    async def start(self, spec: AnySpec, tell: Callable[[str], None]) -> str:
        """A process begins at once, so there is nothing to `tell`."""
        if not isinstance(spec, ProcessSpec):
            raise _not_a_process(spec)
        run = self._runs[spec.instance] = _Run(spec.model)
        try:
            with await asyncio.to_thread(self._logs.fresh, spec.model) as output:
                run.process = await self._spawn(spec, output)
        except OSError as error:
            del self._runs[spec.instance]
            raise EngineFailed.because(
                Reason.RUNTIME_UNAVAILABLE,
                f"cannot start a process for {spec.model}: {error.strerror}",
                "see that the state folder is writable and that processes and disk space are left",
            ) from error
        finally:
            run.launched.set()
        return f"http://{spec.listen.host}:{spec.listen.port}"

    async def _spawn(self, spec: ProcessSpec, output: BinaryIO) -> Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            str(WARDEN),
            "--",
            *spec.command,
            stdin=PIPE,
            stdout=output,
            stderr=STDOUT,
            env=self._environment(spec),
            start_new_session=True,
        )

    def _environment(self, spec: ProcessSpec) -> dict[str, str]:
        # Our own settings hold secrets.
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("SWITCHYARD_") and name not in NOT_HANDED_DOWN
        }
        ours = {leftovers.ENGINE_MARK: self._installation}
        return inherited | dict(spec.env) | dict(spec.secrets) | ours

    async def wait(self, instance: str) -> Exit:
        run = self._runs.get(instance)
        if run is None:
            return Exit(None)
        await run.launched.wait()
        if run.process is None:
            return Exit(None)
        code = await run.process.wait()
        if code < 0:
            await asyncio.to_thread(self._bury, run.model)
        tail = await asyncio.to_thread(self._logs.tail, run.model)
        return Exit(128 - code if code > 128 else code, tail)

    def _bury(self, model: str) -> None:
        """The warden itself was killed. Its engine went with it; what that had started did not."""
        log = self._logs.current(model).resolve()
        leftovers.end_all(leftovers.find_writers(lambda file: file == log), 0.0)

    async def stop(self, instance: str, grace_s: float) -> None:
        run = self._runs.get(instance)
        if run is None:
            return
        await run.launched.wait()
        if run.process is None or run.process.returncode is not None:
            return
        _tell(run.process, grace_s)
        try:
            async with asyncio.timeout(grace_s + KILL_LIMIT_S):
                await run.process.wait()
        except TimeoutError as error:
            raise StopFailed(
                f"cannot stop process {run.process.pid}: it is still there after SIGKILL"
            ) from error

    async def recover(self) -> tuple[Found, ...]:
        """What outlived its manager here did so by accident: it is ended."""
        await asyncio.to_thread(self._sweep)
        return ()

    def _sweep(self) -> None:
        leftovers.end(leftovers.ENGINE_MARK, self._installation, SWEEP_GRACE_S)
        # What lost its mark lost its leader, too: there is nothing that it could end in order.
        leftovers.end_all(leftovers.find_writers(self._logs.has), 0.0)

    def processes(self, instance: str) -> frozenset[int]:
        run = self._runs.get(instance)
        # Once it has ended its number may be somebody else's.
        if run is None or run.process is None or run.process.returncode is not None:
            return frozenset()
        with contextlib.suppress(psutil.Error):
            family = psutil.Process(run.process.pid).children(recursive=True)
            return frozenset(child.pid for child in family)
        return frozenset()

    async def close(self) -> None:
        async with asyncio.TaskGroup() as stopping:
            for instance in self._runs:
                stopping.create_task(self.stop(instance, SWEEP_GRACE_S))


def _tell(process: Process, grace_s: float) -> None:
    if process.stdin is not None and not process.stdin.is_closing():
        process.stdin.write(f"stop {grace_s}\n".encode())


def _not_a_process(spec: AnySpec) -> EngineFailed:
    return EngineFailed.because(
        Reason.RUNTIME_UNAVAILABLE,
        f"cannot run {spec.model} as a process: it is described as a container",
        "give it an engine that runs without Docker, or start the manager where Docker answers",
    )
