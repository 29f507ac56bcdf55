"""A runtime without programs, for tests of what stands above it. It keeps the contract, in the real order.

Each awaits where the real one does; an end is told to all who wait, in a turn of its own. What it does badly it
is named for: `LosesStops`, `DockerDown`, `SlowToPull`, `NoSuchImage`.
"""

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from switchyard_contracts.errors import Reason
from switchyard_manager.errors import EngineFailed
from switchyard_manager.runtimes import (
    AnySpec,
    ContainerSpec,
    Exit,
    Found,
    Kind,
    Listen,
    ProcessSpec,
    RuntimeAway,
    StopFailed,
)
from switchyard_manager.runtimes.log_files import LogFiles
from tests.manager.runtimes.contract import SERVES, Acts

TAIL_LINES = 60


@dataclass(eq=False)
class Program:
    """One run. What is alive here would be alive on the machine."""

    spec: AnySpec
    acts: Acts
    endpoint: str
    pids: frozenset[int]
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    exit: Exit = field(default_factory=partial(Exit, None))

    def end(self, exit_: Exit) -> None:
        if not self.ended.is_set():
            self.exit = exit_
            self.ended.set()


@dataclass
class Machine:
    """What goes on when a manager goes: give the same one to the next runtime."""

    programs: dict[str, Program] = field(default_factory=dict)
    next_pid: int = 1000

    def alive(self) -> list[str]:
        return [name for name, program in self.programs.items() if not program.ended.is_set()]


class FakeRuntime:
    def __init__(
        self, *, kind: Kind = Kind.DOCKER, machine: Machine | None = None, logs: LogFiles | None = None
    ) -> None:
        self.kind = kind
        self.machine = machine or Machine()
        self.logs = logs
        self.acts: dict[str, Acts] = {}  # model → what its next programs do
        self.endpoints: dict[str, str] = {}  # model → where they say that they answer
        self.started: list[AnySpec] = []
        self.stopped: list[tuple[str, float]] = []
        self._starting: dict[str, asyncio.Event] = {}  # set: called off

    async def listen(self) -> Listen:
        return Listen("127.0.0.1", 8000)

    async def start(self, spec: AnySpec, tell: Callable[[str], None]) -> str:
        if isinstance(spec, ProcessSpec) != (self.kind is Kind.PROCESS):
            message = f"cannot run {spec.model}: it is described for another runtime"
            raise EngineFailed.because(Reason.RUNTIME_UNAVAILABLE, message, "describe it for this one")
        self.started.append(spec)
        off = self._starting[spec.instance] = asyncio.Event()
        try:
            await self._prepare(spec, tell, off)
            await asyncio.sleep(0)
            if off.is_set():
                message = f"cannot start {spec.model}: it was stopped while it was starting"
                raise EngineFailed.because(Reason.ENGINE_EXITED, message, "ask for it again")
            return self._launch(spec).endpoint
        finally:
            del self._starting[spec.instance]

    async def _prepare(self, spec: AnySpec, tell: Callable[[str], None], off: asyncio.Event) -> None:
        """Where a real one pulls an image."""

    def _launch(self, spec: AnySpec) -> Program:
        acts = self.acts.get(spec.model, SERVES)
        pids = frozenset(range(self.machine.next_pid, self.machine.next_pid + 1 + acts.child))
        self.machine.next_pid += 2
        endpoint = self.endpoints.get(spec.model, f"http://{spec.instance}.test")
        program = self.machine.programs[spec.instance] = Program(spec, acts, endpoint, pids)
        said = _said(program)
        if self.logs is not None:
            with self.logs.fresh(spec.model) as log:
                log.writelines(f"{line}\n".encode() for line in said)
        if acts.exits is not None:
            program.end(Exit(acts.exits, said[-TAIL_LINES:]))
        return program

    async def wait(self, instance: str) -> Exit:
        program = self.machine.programs.get(instance)
        if program is None:
            return Exit(None)
        await program.ended.wait()
        return program.exit

    async def stop(self, instance: str, grace_s: float) -> None:
        self.stopped.append((instance, grace_s))
        if instance in self._starting:
            self._starting[instance].set()
        await asyncio.sleep(0)
        program = self.machine.programs.get(instance)
        if program is None or program.ended.is_set():
            return
        if program.acts.deaf:
            await asyncio.sleep(grace_s)
        program.end(Exit(-signal.SIGKILL if program.acts.deaf else 0, _said(program)[-TAIL_LINES:]))

    async def recover(self) -> tuple[Found, ...]:
        await asyncio.sleep(0)
        alive = [program for program in self.machine.programs.values() if not program.ended.is_set()]
        if self.kind is Kind.PROCESS:
            for program in alive:
                program.end(Exit(-signal.SIGKILL))
            return ()
        return tuple(_found(program) for program in alive if isinstance(program.spec, ContainerSpec))

    def processes(self, instance: str) -> frozenset[int]:
        program = self.machine.programs.get(instance)
        return frozenset() if program is None or program.ended.is_set() else program.pids

    async def close(self) -> None:
        if self.kind is Kind.PROCESS:
            for instance in self.machine.alive():
                await self.stop(instance, 0)

    def dies(self, instance: str, code: int, *says: str, oom_killed: bool = False) -> None:
        """For a reason of its own."""
        self.machine.programs[instance].end(Exit(code, says, oom_killed))


class LosesStops(FakeRuntime):
    """Whatever it does, what runs runs on. Set `holds` to False, and it stops again."""

    holds = True

    async def stop(self, instance: str, grace_s: float) -> None:
        if self.holds and instance in self.machine.alive():
            await asyncio.sleep(0)
            self.stopped.append((instance, grace_s))
            raise StopFailed(f"cannot stop container {instance}: it was killed and is still there")
        await super().stop(instance, grace_s)


class DockerDown(FakeRuntime):
    """Set `down` to False, and it is back; what ran meanwhile still runs."""

    down = True

    async def _prepare(self, spec: AnySpec, tell: Callable[[str], None], off: asyncio.Event) -> None:
        if self.down:
            message = f"cannot start {spec.model}: cannot reach the Docker Engine"
            raise EngineFailed.because(Reason.RUNTIME_UNAVAILABLE, message, "start Docker")

    async def recover(self) -> tuple[Found, ...]:
        if self.down:
            raise RuntimeAway("cannot reach the Docker Engine")
        return await super().recover()

    async def stop(self, instance: str, grace_s: float) -> None:
        if self.down and instance in self.machine.alive():
            await asyncio.sleep(grace_s)
            raise StopFailed(f"cannot stop container {instance}: the Docker Engine does not answer")
        await super().stop(instance, grace_s)


class SlowToPull(FakeRuntime):
    """Each start waits for `pulled`, and tells how far it is."""

    def __init__(self, *, kind: Kind = Kind.DOCKER, machine: Machine | None = None) -> None:
        super().__init__(kind=kind, machine=machine)
        self.pulled = asyncio.Event()

    async def _prepare(self, spec: AnySpec, tell: Callable[[str], None], off: asyncio.Event) -> None:
        tell("pulling image engine:latest: 43 %, 1.2 of 2.8 GB")
        async with asyncio.TaskGroup() as either:
            waits = [either.create_task(event.wait()) for event in (self.pulled, off)]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for waiting in waits:
                waiting.cancel()


class NoSuchImage(FakeRuntime):
    async def _prepare(self, spec: AnySpec, tell: Callable[[str], None], off: asyncio.Event) -> None:
        message = f"cannot start {spec.model}: cannot pull the image engine:latest: manifest unknown"
        raise EngineFailed.because(Reason.IMAGE_MISSING, message, "check `image` of this model in models.json")


def _said(program: Program) -> tuple[str, ...]:
    acts, secrets = program.acts, getattr(program.spec, "secrets", {})
    by_env = (secrets[acts.says_env],) if acts.says_env else ()
    return (*acts.says, *by_env, *(f"{number} x" for number in range(acts.flood)))


def _found(program: Program) -> Found:
    spec = program.spec
    return Found(spec.instance, spec.model, spec.spec_hash, spec.gpus, program.endpoint)
