"""The contract that every runtime keeps. One test suite holds them all to it.

A runtime knows nothing about models: it runs what a `Spec` describes, remembers whose it is, and says how it
ended.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from switchyard_manager.errors import ManagerError


class Kind(StrEnum):
    """How a runtime runs engines; an adapter words its `Spec` accordingly."""

    PROCESS = "process"
    DOCKER = "docker"


@dataclass(frozen=True, slots=True)
class Listen:
    """Where an engine must listen, as seen by the engine itself."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One run of one engine. What is common to all is also what tells, later, whose run this is."""

    instance: str  # unique for ever
    model: str  # for people, and for the label
    spec_hash: str = ""  # equal hashes: started with the same specification
    gpus: tuple[str, ...] = ()  # by UUID; empty: none


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec(Spec):
    """A program of this machine."""

    command: tuple[str, ...]
    listen: Listen
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)  # environment too, and never shown


@dataclass(frozen=True, slots=True)
class Bind:
    """A folder or file of this machine inside a container."""

    source: str
    target: str
    read_only: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec(Spec):
    """A container to make, run and remove."""

    image: str
    port: int  # inside
    command: tuple[str, ...] = ()  # after the image's own entrypoint
    entrypoint: tuple[str, ...] | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    binds: tuple[Bind, ...] = ()
    volumes: Mapping[str, str] = field(default_factory=dict)  # named volume → where it is mounted, writable
    devices: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # of a GPU that NVIDIA does not hand out
    shm_mib: int | None = None
    memory_mib: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExistingSpec(Spec):
    """A container that is the operator's own: started and stopped, never made, changed or removed."""

    container: str
    port: int  # as it is published on this machine


AnySpec = ProcessSpec | ContainerSpec | ExistingSpec


@dataclass(frozen=True, slots=True)
class Exit:
    """How a run ended. `code` is the program's own, or minus the signal that ended it."""

    code: int | None
    log_tail: tuple[str, ...] = ()
    oom_killed: bool = False  # by the kernel, for want of RAM

    def __str__(self) -> str:
        if self.code is None:
            return "ended"
        return f"ended by signal {-self.code}" if self.code < 0 else f"exited with code {self.code}"


@dataclass(frozen=True, slots=True)
class Found:
    """A run that a former manager of this installation left, alive, and that can be taken over."""

    instance: str
    model: str
    spec_hash: str
    gpus: tuple[str, ...]
    endpoint: str


class StopFailed(ManagerError):
    """The program was told to stop, then killed, and is still there."""


class RuntimeAway(ManagerError):
    """What runs the engines cannot be asked now. Nothing follows from it about the engines: ask again later."""


class Runtime(Protocol):
    """`start`, then `wait` for the end, which `stop` brings about. Each instance is started once."""

    kind: Kind

    async def listen(self) -> Listen:
        """An address that the next engine can listen on."""
        ...

    async def start(self, spec: AnySpec, tell: Callable[[str], None]) -> str:
        """Run it; return the base URL at which it will answer. Raises `EngineFailed`, and then nothing runs.

        `tell` hears, in a few words, how far a slow beginning is (an image that is pulled). Never called late.
        """
        ...

    async def wait(self, instance: str) -> Exit:
        """Return when the instance and everything it started is gone. Any number of callers may wait."""
        ...

    async def stop(self, instance: str, grace_s: float) -> None:
        """Ask, wait for the grace, kill, confirm. No news to an instance that is gone. Raises `StopFailed`."""
        ...

    async def recover(self) -> tuple[Found, ...]:
        """At the manager's start: what of this installation runs still and can be waited for and stopped as if
        we had started it. Whatever cannot be taken over is removed. Nothing of anybody else's is touched.

        Raises `RuntimeAway` when that cannot be known now: never an empty answer instead.
        """
        ...

    def processes(self, instance: str) -> frozenset[int]:
        """Process ids of the instance and all it started, to tell whose GPU memory is whose. Blocking."""
        ...

    async def close(self) -> None:
        """The manager ends. A runtime whose engines end with the manager stops them; the others let go."""
        ...
