"""What the supervisor can be told. Values."""

from dataclasses import dataclass
from typing import Protocol

from switchyard_contracts.catalog import Catalog
from switchyard_contracts.grants import Broken, Drained, FromManager, Hello, InFlight, Unwant, Want
from switchyard_contracts.status import Failure
from switchyard_manager.lifecycle import Event
from switchyard_manager.runtimes import Exit


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


News = (
    ProxyCame
    | ProxyWent
    | ProxySaid
    | EngineCame
    | EngineStands
    | EngineFaulted
    | EngineGone
    | StopDidFail
    | CatalogRead
)
