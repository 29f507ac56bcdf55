"""What the supervisor can be told. Values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from switchyard_contracts.catalog import Capability, Catalog, Model
from switchyard_contracts.grants import Broken, Drained, FromManager, Hello, InFlight, Unwant, Want
from switchyard_contracts.serving import Vision
from switchyard_contracts.status import Failure
from switchyard_manager.gpu import Reading
from switchyard_manager.lifecycle import Event
from switchyard_manager.runtimes import Exit, Found
from switchyard_manager.supervise.commands import Answer, Command, Removed


class Session(Protocol):
    """One proxy that is connected now."""

    proxy: str

    def send(self, message: FromManager) -> None:
        """Never waits: what the proxy is too slow for ends its connection."""
        ...


@dataclass(frozen=True, slots=True)
class ProxyCame:
    session: Session
    hello: Hello


@dataclass(frozen=True, slots=True)
class ProxyWent:
    session: Session


@dataclass(frozen=True, slots=True)
class ProxySaid:
    session: Session
    message: Want | Unwant | Drained | InFlight | Broken


@dataclass(frozen=True, slots=True)
class EngineCame:
    """An engine moved up: launched, answering, proved."""

    model: str
    instance: str
    event: Event
    endpoint: str


@dataclass(frozen=True, slots=True)
class EngineMeasured:
    """Its start told what each of its GPUs has to hold beside its cache."""

    model: str
    instance: str
    beside_cache_mib: int


@dataclass(frozen=True, slots=True)
class EngineProgress:
    """It showed how far it is, or (without words) at least that it is at work."""

    model: str
    instance: str
    text: str | None


@dataclass(frozen=True, slots=True)
class EngineWorked:
    """How much work it has done since it began, as it counts itself."""

    model: str
    instance: str
    count: float


@dataclass(frozen=True, slots=True)
class EngineSlept:
    """It was sent to sleep, or (adopted) found asleep."""

    model: str
    instance: str


@dataclass(frozen=True, slots=True)
class SleepDidFail:
    """It would not sleep, or kept its memory: it is to be stopped instead, and not asked again."""

    model: str
    instance: str
    why: str


@dataclass(frozen=True, slots=True)
class EngineStands:
    """It was suspect, and answers."""

    model: str
    instance: str


@dataclass(frozen=True, slots=True)
class EngineFaulted:
    """It runs and is of no use."""

    model: str
    instance: str
    failure: Failure


@dataclass(frozen=True, slots=True)
class EngineGone:
    """It runs no more, or never did (then `failure` says why)."""

    model: str
    instance: str
    exit: Exit | None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class StopDidFail:
    model: str
    instance: str
    failure: Failure


@dataclass(frozen=True, slots=True)
class CatalogRead:
    catalog: Catalog


@dataclass(frozen=True, slots=True)
class CatalogFaulty:
    """models.json cannot be used as it is now; no faults: it can again."""

    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """One look at the machine, and how much of each GPU each instance holds, where the driver tells."""

    reading: Reading
    held: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    owners: Mapping[int, str] = field(default_factory=dict)  # process → model


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a former manager left running. Said once, before anything is decided."""

    found: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """The operator wants something, and waits for the answer."""

    command: Command
    answer: Callable[[Answer], None]


@dataclass(frozen=True, slots=True)
class ProcessorRead:
    """What the files of a model say: what it does to pictures, and what it can do."""

    model: Model
    vision: Vision | None = None  # it has no eyes, or its files are not here
    can: tuple[Capability, ...] | None = None  # None: as the catalog has it
    manner: str | None = None  # in words, how it is served for that


@dataclass(frozen=True, slots=True)
class AskedToRemove:
    """The operator wants the files of a model, or of a repository, off this machine."""

    name: str
    answer: Callable[[Removed], None]


@dataclass(frozen=True, slots=True)
class FilesSeen:
    """The answer to one look for them."""

    model: str
    look: int
    here: bool


@dataclass(frozen=True, slots=True)
class FilesProgress:
    model: str
    number: int
    text: str
    done_bytes: int | None = None
    total_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class FetchOver:
    """A download has ended: all is here, or `failure` says why not. One that was called off has ended, too."""

    model: str
    number: int
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class FilesRemoved:
    models: tuple[str, ...]


ProxyNews = ProxyCame | ProxyWent | ProxySaid
EngineNews = (
    EngineCame
    | EngineMeasured
    | EngineProgress
    | EngineWorked
    | EngineSlept
    | SleepDidFail
    | EngineStands
    | EngineFaulted
    | EngineGone
    | StopDidFail
)
FileNews = AskedToRemove | FilesSeen | FilesProgress | FetchOver | FilesRemoved
Told = CatalogRead | CatalogFaulty | Measured | Recovered | Asked | ProcessorRead
News = ProxyNews | EngineNews | FileNews | Told
