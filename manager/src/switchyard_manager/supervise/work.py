"""What is to be done in the outside world, as the world hands it out: decided, recorded, and not yet begun."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from switchyard_contracts.catalog import Model
from switchyard_manager.runtimes import Found


@dataclass(frozen=True, slots=True)
class Errand:
    """All that is needed to deal with one run of one engine."""

    model: Model
    instance: str
    spec_hash: str
    gpus: tuple[str, ...] = ()
    share_mib: int | None = None
    smallest_gpu_mib: int | None = None
    devices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # see `ContainerSpec`
    endpoint: str = ""  # empty until it runs


@dataclass(frozen=True, slots=True)
class BringUp:
    errand: Errand


@dataclass(frozen=True, slots=True)
class TakeOver:
    """A former manager left it running: prove it again, and watch over it."""

    errand: Errand


@dataclass(frozen=True, slots=True)
class WakeUp:
    errand: Errand


@dataclass(frozen=True, slots=True)
class PutToSleep:
    errand: Errand


@dataclass(frozen=True, slots=True)
class LookAt:
    """Thorough: with a real request, as it answers its health check and yet seems to do nothing."""

    errand: Errand
    thorough: bool = False


@dataclass(frozen=True, slots=True)
class EndRun:
    model: str
    instance: str
    grace_s: float


@dataclass(frozen=True, slots=True)
class EndStray:
    """It runs, carries our label, and nobody wants it."""

    found: Found


@dataclass(frozen=True, slots=True)
class ReadProcessor:
    """See in the files of a vision model what it does to pictures."""

    model: Model


Work = BringUp | TakeOver | WakeUp | PutToSleep | LookAt | EndRun | EndStray | ReadProcessor
