"""What is to be done in the outside world, as the world hands it out: decided, recorded, and not yet begun."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from switchyard_contracts.catalog import Model
from switchyard_manager.runtimes import Found
from switchyard_manager.supervise.commands import Removal, Removed


@dataclass(frozen=True, slots=True)
class Errand:
    """All that is needed to deal with one run of one engine."""

    model: Model
    instance: str
    spec_hash: str
    gpus: tuple[str, ...] = ()
    share_mib: int | None = None
    smallest_gpu_mib: int | None = None
    beside_cache_mib: int | None = None  # what a former run had to hold on each GPU beside its cache
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


@dataclass(frozen=True, slots=True)
class LookForFiles:
    """Whether all that its engine loads is on this machine."""

    model: Model
    look: int


@dataclass(frozen=True, slots=True)
class FetchFiles:
    """Refresh: what is here does not do, the Hub is asked what there is now."""

    model: Model
    number: int
    refresh: bool = False


@dataclass(frozen=True, slots=True)
class CallOffFetch:
    number: int


@dataclass(frozen=True, slots=True)
class RemoveFiles:
    """Of repositories that no engine has open: whoever asked waits for what comes of it."""

    removal: Removal
    answer: Callable[[Removed], None] = field(compare=False)


FileWork = LookForFiles | FetchFiles | CallOffFetch | RemoveFiles
Work = BringUp | TakeOver | WakeUp | PutToSleep | LookAt | EndRun | EndStray | ReadProcessor | FileWork
