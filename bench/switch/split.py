"""A switch in parts, and each part in what the engine took and what is ours. Pure: values in, values out."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    SLEEP = "sleep"  # the one falls asleep, the other wakes
    STOP = "stop"  # the one is stopped, the other is started
    COLD = "cold"  # nothing is loaded, and one is started


class Part(StrEnum):
    """In the order in which they come."""

    TURN = "its turn"  # from the request until the manager moves
    DRAIN = "drain"  # what runs on the one that leaves goes on to its end
    FREE = "free"  # it falls asleep, or ends, and its memory is back
    RISE = "rise"  # the wake or the start; until the engine's program runs, where it starts
    READY = "readiness"  # of one that starts: until it was seen to answer
    CANARY = "canary"  # one small request of the manager's own
    FIRST = "first token"  # from the grant until the client has it


@dataclass(frozen=True, slots=True)
class Moments:
    """Seconds since 1970, by the client's clock and the manager's events; both are of one machine."""

    asked: float
    rising: float
    answering: float
    ready: float
    first: float
    launched: float | None = None  # of one that starts
    draining: float | None = None  # of one that leaves …
    leaving: float | None = None  # … as it is told to sleep or to stop …
    left: float | None = None  # … and as it sleeps or is gone


Seconds = Mapping[Part, float]


def parts(moments: Moments) -> dict[Part, float]:
    """How long each took. Together they are the whole, as the client sees it."""
    found: dict[Part, float] = {}
    at = moments.asked
    for part, until in (
        (Part.TURN, moments.rising if moments.draining is None else moments.draining),
        (Part.DRAIN, moments.leaving),
        (Part.FREE, moments.rising if moments.left is not None else None),
        (Part.RISE, moments.answering if moments.launched is None else moments.launched),
        (Part.READY, moments.answering if moments.launched is not None else None),
        (Part.CANARY, moments.ready),
        (Part.FIRST, moments.first),
    ):
        if until is not None:
            found[part] = until - at
            at = until
    return found


@dataclass(frozen=True, slots=True)
class Switch:
    """One switch. `own`: what the engines took of each part, measured apart from the manager's word."""

    took: Seconds
    own: Seconds

    @property
    def whole_s(self) -> float:
        return sum(self.took.values())

    def own_s(self, part: Part) -> float:
        """Never more than the part took: that an engine was slower when it was measured makes nobody faster."""
        return min(self.took.get(part, 0.0), self.own.get(part, 0.0))

    @property
    def engine_s(self) -> float:
        return sum(self.own_s(part) for part in self.took)

    @property
    def ours_s(self) -> float:
        return self.whole_s - self.engine_s


@dataclass(frozen=True, slots=True)
class Row:
    """All switches of one kind."""

    name: str
    mode: Mode
    switches: tuple[Switch, ...]
    busy: bool = False

    @property
    def allowed_s(self) -> float:
        """What may be ours: on this kind of machine, 150 ms of a wake and 300 ms of a start."""
        return 0.15 if self.mode is Mode.SLEEP else 0.3

    @property
    def ours_s(self) -> float:
        return statistics.median(switch.ours_s for switch in self.switches)

    @property
    def is_kept(self) -> bool:
        return self.ours_s <= self.allowed_s

    def took_s(self, part: Part) -> float | None:
        found = [switch.took[part] for switch in self.switches if part in switch.took]
        return statistics.median(found) if found else None

    def part_ours_s(self, part: Part) -> float:
        return statistics.median(switch.took.get(part, 0.0) - switch.own_s(part) for switch in self.switches)
