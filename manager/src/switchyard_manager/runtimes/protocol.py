"""The contract that every runtime keeps. One test suite holds them all to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from switchyard_manager.errors import ManagerError


@dataclass(frozen=True, slots=True)
class Listen:
    """Where an engine must listen, as seen by the engine itself."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class RunSpec:
    """One run of one program."""

    instance: str  # unique for ever
    label: str  # for people: names logs and processes
    command: tuple[str, ...]
    listen: Listen
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Exit:
    """How a run ended. `code` is the program's own, or minus the signal that ended it."""

    code: int | None
    log_tail: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.code is None:
            return "ended"
        return f"ended by signal {-self.code}" if self.code < 0 else f"exited with code {self.code}"


class StopFailed(ManagerError):
    """The program was told to stop, then killed, and is still there."""


class Runtime(Protocol):
    """`start`, then `wait` for the end, which `stop` brings about. Each instance is started once."""

    name: str

    async def listen(self) -> Listen:
        """An address that the next engine can listen on."""
        ...

    async def start(self, spec: RunSpec) -> str:
        """Run it; return the base URL at which it will answer. Raises `EngineFailed`, and then nothing runs."""
        ...

    async def wait(self, instance: str) -> Exit:
        """Return when the instance and everything it started is gone. Any number of callers may wait."""
        ...

    async def stop(self, instance: str, grace_s: float) -> None:
        """Ask, wait for the grace, kill, confirm. No news to an instance that is gone. Raises `StopFailed`."""
        ...

    async def sweep(self) -> int:
        """Remove what a former manager of this installation left running; say how many."""
        ...

    async def close(self) -> None:
        """Stop every instance. Afterwards nothing of ours runs."""
        ...
