"""What the book of grants is made of, and what it asks to be done. Records and values: no rule lives here."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from switchyard_contracts.grants import FromProxy, Refused

NEVER: Final = math.inf


class Standing(Enum):
    """What may be done with a grant."""

    HELD = auto()
    DOUBTED = auto()
    REVOKED = auto()


@dataclass(slots=True, eq=False)
class Grant:
    """One grant and what runs on it. Only the book writes to it."""

    id: str
    model: str
    endpoint: str
    headers: dict[str, str]
    idle_since: float
    standing: Standing = Standing.HELD
    leases: "set[Lease]" = field(default_factory=set)
    looking: int = 0  # of these, how many only look at the engine
    drain_s: float | None = None
    cut_at: float = NEVER
    told_at: float = -NEVER
    tell_at: float = NEVER

    @property
    def running(self) -> int:
        return len(self.leases) - self.looking


@dataclass(slots=True, eq=False)
class Lease:
    """The right of one request to use a grant's endpoint, until it is given back.

    `cut` says why it was taken away, if it was; `on_cut` is how whoever runs on it hears of that.
    """

    grant: Grant
    looks: bool = False  # only looks at the engine: that is no use of it, and keeps nothing loaded
    cut: str | None = None
    on_cut: Callable[[str], None] | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """A request that waits for a model, and until when it may."""

    id: str
    model: str
    since: float
    deadline: float
    priority: int = 0
    looks: bool = False


@dataclass(frozen=True, slots=True)
class TooLate:
    """The ticket's own time is up."""

    waited_s: float


@dataclass(frozen=True, slots=True)
class ManagerAway:
    """There has been nobody to ask for as long as a request may wait for that."""


@dataclass(frozen=True, slots=True)
class Send:
    """Say this to the manager, if it is there."""

    message: FromProxy


@dataclass(frozen=True, slots=True)
class Admit:
    """The ticket has its lease."""

    ticket: Ticket
    lease: Lease


@dataclass(frozen=True, slots=True)
class Deny:
    """The ticket will get none."""

    ticket: Ticket
    why: Refused | TooLate | ManagerAway


@dataclass(frozen=True, slots=True)
class CutOff:
    """The drain limit is reached: end what runs on this lease."""

    lease: Lease


Effect = Send | Admit | Deny | CutOff
