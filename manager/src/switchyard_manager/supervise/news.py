"""What the supervisor can be told. Values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from switchyard_contracts.catalog import Catalog, Model
from switchyard_contracts.grants import Broken, Drained, FromManager, Hello, InFlight, Unwant, Want
from switchyard_contracts.serving import Vision
from switchyard_contracts.status import Failure
from switchyard_manager.gpu import Reading
from switchyard_manager.lifecycle import Event
from switchyard_manager.runtimes import Exit, Found
from switchyard_manager.supervise.commands import Answer, Command


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
    """What a vision model does to pictures, by the files that it has."""

    model: Model
    vision: Vision


ProxyNews = ProxyCame | ProxyWent | ProxySaid
EngineNews = (
    EngineCame
    | EngineProgress
    | EngineWorked
    | EngineSlept
    | SleepDidFail
    | EngineStands
    | EngineFaulted
    | EngineGone
    | StopDidFail
)
News = ProxyNews | EngineNews | CatalogRead | CatalogFaulty | Measured | Recovered | Asked | ProcessorRead
