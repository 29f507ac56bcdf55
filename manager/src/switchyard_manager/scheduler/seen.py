"""What the scheduler sees: each model, each GPU, RAM. Spans of time, never moments: no clock is needed here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from switchyard_contracts.status import Phase
from switchyard_manager.lifecycle import COMING_UP
from switchyard_manager.scheduler.actions import StopReason

DEFAULT_LOAD_S = 30.0  # until it is known from a run on this machine
DEFAULT_WAKE_S = 3.0

IN_MOTION = COMING_UP | {Phase.SLEEPING, Phase.STOPPING}  # its GPU memory is changing
LEAVING = frozenset({Phase.DRAINING, Phase.SLEEPING, Phase.STOPPING})
AT_REST = frozenset({Phase.STOPPED, Phase.FAILED})


class Wish(StrEnum):
    """What the operator asked for by hand. A load needs none: it is a ticket like any other."""

    UNLOAD = "unload"
    SLEEP = "sleep"


class Files(StrEnum):
    """Whether all that an engine loads is on this machine."""

    UNKNOWN = "unknown"
    ABSENT = "absent"
    HERE = "here"


@dataclass(frozen=True, slots=True)
class Seen:
    """One model as it is at this moment."""

    phase: Phase
    phase_s: float = 0.0  # while it comes up: since the start or the wake was issued
    asking: frozenset[str] = frozenset()  # proxies with tickets that wait
    waited_s: float = 0.0  # the longest that any of them has
    priority: int = 0  # the highest of their tickets'
    promised: bool = False  # others were moved out for it, and it has not started yet
    granted: frozenset[str] = frozenset()  # proxies whose grant is live
    undrained: int = 0  # grants that are revoked and not yet drained, or live
    in_flight: int = 0
    idle_s: float = 0.0  # since the last request ended; 0 while one runs
    follows: float = 0.0  # how often, of late, the next request came within `turns.LINGER_S` of the last
    resident_s: float = 0.0  # since it became ready
    retry_in_s: float = 0.0
    outdated: bool = False  # runs with a specification that the catalog no longer has
    ever_started: bool = False
    suspect: bool = False  # a proxy met a broken engine, and nobody has looked yet
    checking: bool = False
    still_s: float = 0.0  # since it last got on with the requests that it has
    faulted: bool = False  # it runs, and is of no use
    unwanted_s: float | None = None  # while it comes up or is fetched: since the last who waited left
    quiet_s: float = 0.0  # while it comes up: since it last showed progress
    leaves_for: StopReason | None = None  # why it drains …
    room_for: str | None = None  # … and for which model, if it is for one
    wish: Wish | None = None
    pinned: bool = False
    gpus: tuple[str, ...] = ()  # where its engine is
    claim_mib: int | None = None  # on each of them; None: the whole of it
    need_mib: Mapping[str, int] = field(default_factory=dict)  # to serve, by GPU; absent: unknown
    files: Files = Files.HERE
    fetching: bool = False  # they are on their way, or asked for anew
    fetch_quiet_s: float = 0.0  # since they last came nearer, or were seen to wait for something
    called_off: bool = False  # … and were told not to be
    pulled: bool = False  # the operator asked for them
    moot: bool = False  # what is fetched is not what the catalog wants any more
    may_run: bool = False  # though we did not start it: what is measured may be its own
    alone: bool = False  # it ran out of memory beside others: now not even one that sleeps may be there
    can_sleep: bool = False
    ram_mib: int = 0  # what it keeps, or would keep, in RAM while it sleeps …
    rest_mib: int = 0  # … and of each of its GPUs
    load_s: float = DEFAULT_LOAD_S
    wake_s: float = DEFAULT_WAKE_S

    @property
    def is_idle(self) -> bool:
        return not self.in_flight and not self.asking


@dataclass(frozen=True, slots=True)
class Gpu:
    uuid: str
    total_mib: int
    reserve_mib: int = 0
    used_mib: int | None = None  # measured; None: cannot be
    foreign_mib: int = 0  # measured when none of ours was awake on it
    released_s: float | None = None  # since an engine of ours last gave memory back here
    stale: bool = False  # memory was taken or given back here since it was last measured


@dataclass(frozen=True, slots=True)
class Machine:
    gpus: tuple[Gpu, ...] = ()
    ram_spare_mib: int | None = None  # above the reserve; None: not measured
    blind: bool = False  # that no GPU is seen does not mean that there is none

    def gpu(self, uuid: str) -> Gpu | None:
        return next((gpu for gpu in self.gpus if gpu.uuid == uuid), None)
