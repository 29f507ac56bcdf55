"""What the scheduler can decide. Values: carrying them out is `supervise`'s."""

from dataclasses import dataclass
from enum import StrEnum


class StopReason(StrEnum):
    IDLE = "idle"
    DRAINED = "drained"
    RECONFIGURED = "reconfigured"
    REMOVED = "removed"
    STARTUP_TIMEOUT = "startup timeout"
    STOP_AGAIN = "stop again"
    DRAIN_LIMIT = "drain limit"


@dataclass(frozen=True, slots=True)
class Start:
    model: str


@dataclass(frozen=True, slots=True)
class Grant:
    """Tell one proxy that it may send requests."""

    model: str
    proxy: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """Tell everyone who waits that it will not be, and why (the reason is the model's failure)."""

    model: str


@dataclass(frozen=True, slots=True)
class Drain:
    """Revoke every grant; the engine goes on until the last request is done."""

    model: str
    reason: StopReason


@dataclass(frozen=True, slots=True)
class Stop:
    model: str
    reason: StopReason


@dataclass(frozen=True, slots=True)
class Check:
    """Ask the engine whether it still serves: a proxy says that it does not."""

    model: str


Action = Start | Grant | Refuse | Drain | Stop | Check
