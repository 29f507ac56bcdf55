"""Engines as plain processes of this machine: a laptop, CI, the demo. POSIX only.

Each runs under a warden (`warden.py`) that holds the other end of a pipe of ours. If this process ends,
however it ends, the pipe closes and the warden takes the engine down; what even that misses (a warden that
was killed) is found by its mark at the next start. So unlike containers, these engines do not outlive the
manager.
"""

import asyncio
import os
import socket
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from switchyard_contracts.errors import Reason
from switchyard_manager.errors import EngineFailed
from switchyard_manager.runtimes import leftovers
from switchyard_manager.runtimes.protocol import Exit, Listen, RunSpec, StopFailed

WARDEN = Path(__file__).with_name("warden.py")
KILL_LIMIT_S = 15.0  # beyond the grace: SIGKILL, the burial of the family, a busy machine
TAIL_LINES = 60
TAIL_BYTES = 32_768
SWEEP_GRACE_S = 3.0


@dataclass(slots=True)
class _Run:
    log: Path
    launched: asyncio.Event = field(default_factory=asyncio.Event)
    process: Process | None = None


class ProcessRuntime:
    """Keeps the contract of `protocol.Runtime`."""

    name = "process"

    def __init__(self, logs: Path, installation: str) -> None:
        self._logs = logs
        self._installation = installation
        self._runs: dict[str, _Run] = {}

    async def listen(self) -> Listen:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return Listen("127.0.0.1", probe.getsockname()[1])

    async def start(self, spec: RunSpec) -> str:
        run = self._runs[spec.instance] = _Run(self._logs / _file_name(spec.label) / "current.log")
        try:
            with await asyncio.to_thread(_fresh_log, run.log) as output:
                run.process = await self._spawn(spec, output)
        except OSError as error:
            del self._runs[spec.instance]
            raise EngineFailed.because(
                Reason.RUNTIME_UNAVAILABLE,
                f"cannot start a process for {spec.label}: {error.strerror}",
                "see that the state folder is writable and that processes and disk space are left",
            ) from error
        finally:
            run.launched.set()
        return f"http://{spec.listen.host}:{spec.listen.port}"

    async def _spawn(self, spec: RunSpec, output: BinaryIO) -> Process:
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

    def _environment(self, spec: RunSpec) -> dict[str, str]:
        # Our own settings hold secrets, and a foreign interpreter must not read our Python's.
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("SWITCHYARD_") and name not in {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
        }
        return inherited | dict(spec.env) | {leftovers.ENGINE_MARK: self._installation}

    async def wait(self, instance: str) -> Exit:
        run = self._runs.get(instance)
        if run is None or run.process is None:
            return Exit(None)
        code = await run.process.wait()
        tail = await asyncio.to_thread(_tail, run.log)
        return Exit(128 - code if code > 128 else code, tail)

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

    async def sweep(self) -> int:
        return await asyncio.to_thread(leftovers.end, leftovers.ENGINE_MARK, self._installation, SWEEP_GRACE_S)

    async def close(self) -> None:
        async with asyncio.TaskGroup() as stopping:
            for instance in self._runs:
                stopping.create_task(self.stop(instance, SWEEP_GRACE_S))


def _tell(process: Process, grace_s: float) -> None:
    if process.stdin is not None and not process.stdin.is_closing():
        process.stdin.write(f"stop {grace_s}\n".encode())


def _file_name(label: str) -> str:
    """No two labels share one: their logs must not mix."""
    return quote(label, safe="")


def _fresh_log(log: Path) -> BinaryIO:
    """Keep the last run's log: a restart must not overwrite the only page that shows why it was needed."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(log.with_name("previous.log"))
    return log.open("wb")


def _tail(log: Path) -> tuple[str, ...]:
    try:
        with log.open("rb") as opened:
            opened.seek(max(0, log.stat().st_size - TAIL_BYTES))
            text = opened.read().decode(errors="replace")
    except OSError:
        return ()
    return tuple(text.splitlines()[-TAIL_LINES:])
