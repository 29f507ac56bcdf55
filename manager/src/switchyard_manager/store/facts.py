"""What is worth keeping beyond this run of the manager. Values."""

from dataclasses import dataclass, field
from enum import StrEnum

from switchyard_contracts.events import ManagerEvent, RunRecord

NEWEST_WEIGHS = 0.3  # a measured time, against all that were measured before it


class Span(StrEnum):
    """What takes its time, and is measured each time."""

    LOAD = "load"
    WAKE = "wake"
    SLEEP = "sleep"
    DRAIN = "drain"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class SpanMeasured:
    spec_hash: str
    span: Span
    seconds: float


@dataclass(frozen=True, slots=True)
class MemoryMeasured:
    """The most that a run held on one GPU: awake, or asleep."""

    spec_hash: str
    gpu_name: str
    mib: int
    asleep: bool = False


@dataclass(frozen=True, slots=True)
class MemoryBesideCache:
    """What a start found that each GPU of that kind must hold beside the engine's cache; 0: forget it."""

    spec_hash: str
    gpu_name: str
    mib: int


@dataclass(frozen=True, slots=True)
class Happened:
    event: ManagerEvent


@dataclass(frozen=True, slots=True)
class RunWas:
    """A run began, or there is more to say of it: the last word on an instance counts."""

    run: RunRecord


@dataclass(frozen=True, slots=True)
class PinSet:
    """The operator pinned or unpinned a model by hand; None: as models.json says."""

    model: str
    pinned: bool | None


Fact = SpanMeasured | MemoryMeasured | MemoryBesideCache | Happened | RunWas | PinSet


@dataclass(frozen=True, slots=True)
class Learned:
    """What is known of a specification from its past runs on this machine."""

    spans: dict[Span, float]  # smoothed: the last ones weigh most
    awake_mib: dict[str, int]  # by GPU name; what the last good run held at most
    asleep_mib: dict[str, int]
    beside_mib: dict[str, int] = field(default_factory=dict)  # beside the engine's cache; 0: not known any more
