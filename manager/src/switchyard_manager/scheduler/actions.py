"""What the scheduler can decide. Values: carrying them out is `supervise`'s."""

from dataclasses import dataclass
from enum import StrEnum

from switchyard_contracts.errors import Reason


class StopReason(StrEnum):
    """Why an engine is moved out or ended: on every drain, sleep and stop."""

    ASKED = "asked by the operator"
    ASKED_TO_SLEEP = "asked to sleep by the operator"
    CANCELLED = "nobody waits for this load any more"
    DRAINED = "drained"
    DRAIN_LIMIT = "drain limit"
    FAULTED = "of no use"
    IDLE = "idle"
    RAM = "its RAM is wanted"
    RECONFIGURED = "reconfigured"
    REMOVED = "removed"
    ROOM = "room for another model"
    SLEEP_FAILED = "it could not be put to sleep"
    STARTUP_TIMEOUT = "startup timeout"
    STOP_AGAIN = "stop again"


@dataclass(frozen=True, slots=True)
class Start:
    model: str
    gpus: tuple[str, ...] = ()
    claim_mib: int | None = None  # on each GPU; None: the whole of it
    share_mib: int | None = None  # what the engine may take of each GPU; None: no GPU


@dataclass(frozen=True, slots=True)
class Wake:
    model: str


@dataclass(frozen=True, slots=True)
class Grant:
    """Tell one proxy that it may send requests."""

    model: str
    proxy: str


@dataclass(frozen=True, slots=True)
class GpuRoom:
    """One GPU as a model that wants room on it finds it."""

    uuid: str
    total_mib: int
    reserve_mib: int
    used_mib: int | None
    claims: tuple[tuple[str, int | None], ...]  # model → MiB; None: the whole GPU
    free_mib: int
    need_mib: int | None  # None: the whole GPU


@dataclass(frozen=True, slots=True)
class Shortage:
    """Why there is no room now, and waiting for a turn would not bring it."""

    reason: Reason
    gpus: tuple[GpuRoom, ...] = ()
    wanted: tuple[str, ...] | int = 1  # the GPUs by UUID, or how many


@dataclass(frozen=True, slots=True)
class Refuse:
    """Tell everyone who waits that it will not be, and why: a shortage, or else the model's own failure."""

    model: str
    shortage: Shortage | None = None


@dataclass(frozen=True, slots=True)
class Drain:
    """Revoke every grant; the engine goes on until the last request is done."""

    model: str
    reason: StopReason
    room_for: str | None = None  # whose turn it is then


@dataclass(frozen=True, slots=True)
class Sleep:
    model: str
    reason: StopReason


@dataclass(frozen=True, slots=True)
class Stop:
    model: str
    reason: StopReason
    room_for: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """Ask the engine whether it still serves: a proxy says no, or (thorough) it seems to stand still."""

    model: str
    thorough: bool = False


@dataclass(frozen=True, slots=True)
class Fetch:
    """Have its files downloaded, or see whether there are newer ones. Takes no room of anybody's."""

    model: str


@dataclass(frozen=True, slots=True)
class CallOff:
    """End a download that nobody wants any more, or that gets nowhere; what has come of it is kept."""

    model: str
    stalled: bool = False


Action = Start | Wake | Grant | Refuse | Drain | Sleep | Stop | Check | Fetch | CallOff
