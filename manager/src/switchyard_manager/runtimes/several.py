"""All the runtimes of this machine as one: each run goes to the kind that its spec describes, and stays there.

As `protocol.Runtime`, except that where to listen and what to recover are matters of one kind.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from switchyard_contracts.errors import Reason
from switchyard_manager.errors import EngineFailed
from switchyard_manager.runtimes.protocol import AnySpec, Exit, Found, Kind, ProcessSpec, Runtime

ADVICE = {
    Kind.DOCKER: "start Docker (`docker info` must answer), or give the model an engine that runs without it",
    Kind.PROCESS: "give the model an engine that runs in a container",
}


@dataclass(frozen=True, slots=True)
class _Home:
    """Where an instance runs."""

    runtime: Runtime
    model: str


class Runtimes:
    def __init__(self, runtimes: Mapping[Kind, Runtime]) -> None:
        self._runtimes = dict(runtimes)
        self._homes: dict[str, _Home] = {}  # by instance, until it has ended

    @property
    def kinds(self) -> frozenset[Kind]:
        return frozenset(self._runtimes)

    @property
    def name(self) -> str:
        """For people."""
        return ", ".join(sorted(self._runtimes))

    def of(self, kind: Kind) -> Runtime:
        """Raises `EngineFailed` where this machine has none."""
        runtime = self._runtimes.get(kind)
        if runtime is None:
            message = f"cannot run it: no {kind} runtime answers on this machine"
            raise EngineFailed.because(Reason.RUNTIME_UNAVAILABLE, message, ADVICE[kind])
        return runtime

    async def start(self, spec: AnySpec, tell: Callable[[str], None]) -> str:
        runtime = self.of(Kind.PROCESS if isinstance(spec, ProcessSpec) else Kind.DOCKER)
        # Before it begins: a stop may come in the middle.
        self._homes[spec.instance] = _Home(runtime, spec.model)
        try:
            return await runtime.start(spec, tell)
        except EngineFailed:
            self._homes.pop(spec.instance, None)  # nothing of it runs
            raise

    async def wait(self, instance: str) -> Exit:
        home = self._homes.get(instance)
        if home is None:
            return Exit(None)
        exit_ = await home.runtime.wait(instance)
        self._homes.pop(instance, None)
        return exit_

    async def stop(self, instance: str, grace_s: float) -> None:
        home = self._homes.get(instance)
        if home is not None:
            await home.runtime.stop(instance, grace_s)

    async def recover(self, kind: Kind) -> tuple[Found, ...]:
        runtime = self.of(kind)
        found = await runtime.recover()
        for one in found:
            self._homes[one.instance] = _Home(runtime, one.model)
        return found

    def models(self) -> dict[str, str]:
        """Of every instance that runs, its model."""
        return {instance: home.model for instance, home in self._homes.copy().items()}

    def processes(self, instance: str) -> frozenset[int]:
        home = self._homes.get(instance)
        return frozenset() if home is None else home.runtime.processes(instance)

    async def close(self) -> None:
        async with asyncio.TaskGroup() as closing:
            for runtime in self._runtimes.values():
                closing.create_task(runtime.close())
