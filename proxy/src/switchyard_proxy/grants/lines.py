"""Whose turn it is where a model takes only so many requests at a time. Decides; time is passed in.

One line per model. A higher priority goes first; among equals the key that has had the fewest turns of late,
so that one busy client cannot keep the others out; of one key, who came first. A line has an end: beyond it
a request is refused at once, with the numbers, rather than left to wait for a turn that comes too late.

A key that comes to a line, or back to it, starts level with whoever was let go last, or its absence would count
as merit. Each priority has a count of its own: what a key did in another one says nothing here.

Where other processes take turns, too, each says who waits first in its own line, and the processes go round: a
process that has just let somebody go is behind one whose first has waited since before.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.errors import Unavailable

USUAL_S = 10.0  # what a request takes, as long as none was seen
NEW_WEIGHS = 0.2
SOONEST_S, LATEST_S, SPREAD_S = 5, 30, 5  # of what a refused client is told to wait


@dataclass(frozen=True, slots=True)
class Front:
    """Who is first in a process's line. Of two processes the one with the lower front goes first."""

    priority: int
    since: float


class Slots(Protocol):
    """Who else takes turns at the same models: other processes of this proxy. `now` is one clock's for all."""

    def take(self, model: str, limit: int, front: Front, now: float) -> bool:
        """Unless all are taken, or somebody elsewhere comes first. Who is refused waits, and asks again."""

    def give_back(self, model: str) -> None: ...

    def withdraw(self, model: str) -> None:
        """Nobody waits here any more."""


@dataclass(slots=True, eq=False)
class Turn:
    """One request's place. `granted` is called when it may go; it runs until it is left."""

    model: str
    key: str
    priority: int
    granted: Callable[[], object]
    runs: bool = False
    began: float = 0.0
    number: int = 0


@dataclass(slots=True)
class Rank:
    """The keys of one priority."""

    level: int = 0  # of the key that was let go last
    turns: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Line:
    """Of one model."""

    limit: int
    running: int = 0
    waiting: list[Turn] = field(default_factory=list)
    ranks: dict[int, Rank] = field(default_factory=dict)
    usual_s: float = USUAL_S
    moved: float = 0.0  # when somebody was let go, or the first came


class Lines:
    """All of them. A model without a limit has none."""

    def __init__(self, slots: Slots | None = None) -> None:
        self._lines: dict[str, Line] = {}
        self._slots = slots
        self._numbers = 0
        self._refused = 0

    @property
    def waiting(self) -> int:
        return sum(len(line.waiting) for line in self._lines.values())

    def enter(self, turn: Turn, limit: int, longest: int, now: float) -> None:
        """Take a place; `turn.runs` says whether its time has come at once. Raises `Unavailable` when full."""
        line = self._lines.setdefault(turn.model, Line(limit))
        line.limit = limit
        self.advance(turn.model, now)  # there may be room since anybody looked: elsewhere, or in the limit
        if not line.waiting:
            line.moved = now
            if self._free(turn.model, line, Front(turn.priority, now), now):
                self._run(line, turn, now)
                return
        if len(line.waiting) >= longest:
            self._withdraw(turn.model, line)
            raise self.full(turn.model, len(line.waiting), longest, line.running, self._expected_s(line))
        self._numbers += 1
        turn.number = self._numbers
        _level(line, turn)
        line.waiting.append(turn)

    def leave(self, turn: Turn, now: float) -> None:
        """The request is over, or gave up waiting. A second time does nothing."""
        line = self._lines.get(turn.model)
        if line is None:
            return
        if turn.runs:
            turn.runs = False
            line.running -= 1
            line.usual_s += NEW_WEIGHS * (now - turn.began - line.usual_s)
            if self._slots is not None:
                self._slots.give_back(turn.model)
        elif turn in line.waiting:
            line.waiting.remove(turn)
            self._withdraw(turn.model, line)
        self.advance(turn.model, now)

    def advance(self, model: str, now: float) -> None:
        """Let go whoever may; needed by itself only where others take turns, too."""
        line = self._lines.get(model)
        if line is None:
            return
        while line.waiting:
            turn = _first(line)
            if not self._free(model, line, Front(turn.priority, line.moved), now):
                break
            line.waiting.remove(turn)
            line.moved = now
            self._run(line, turn, now)
            turn.granted()
        if not line.running and not line.waiting:
            line.ranks.clear()

    def held_up(self) -> tuple[str, ...]:
        """Models for which somebody waits although none of ours may end soon: ask again in a moment."""
        return tuple(model for model, line in self._lines.items() if line.waiting)

    def _free(self, model: str, line: Line, front: Front, now: float) -> bool:
        if self._slots is not None:
            return self._slots.take(model, line.limit, front, now)
        return line.running < line.limit

    def _withdraw(self, model: str, line: Line) -> None:
        if self._slots is not None and not line.waiting:
            self._slots.withdraw(model)

    def _run(self, line: Line, turn: Turn, now: float) -> None:
        _level(line, turn)
        line.running += 1
        rank = line.ranks[turn.priority]
        rank.level = max(rank.level, rank.turns[turn.key])
        rank.turns[turn.key] += 1
        turn.runs, turn.began = True, now

    def full(self, model: str, waiting: int, longest: int, running: int, expected_s: float) -> Unavailable:
        """Those refused together are told different times, or they would all come back together."""
        soonest_s = min(max(math.ceil(expected_s), SOONEST_S), LATEST_S - SPREAD_S)
        wait_s = soonest_s + self._refused % (SPREAD_S + 1)
        self._refused += 1
        message = (
            f"cannot queue one more request for {model!r}: {waiting} wait already (at most {longest}) and "
            f"{running} run; try again in {wait_s} s"
        )
        return Unavailable(ErrorCode.OVERLOADED, message, retry_after_s=wait_s)

    def _expected_s(self, line: Line) -> float:
        return line.usual_s * (len(line.waiting) + 1) / max(line.limit, 1)


def _first(line: Line) -> Turn:
    return min(
        line.waiting, key=lambda turn: (-turn.priority, line.ranks[turn.priority].turns[turn.key], turn.number)
    )


def _level(line: Line, turn: Turn) -> None:
    """Whoever waits already keeps its count."""
    rank = line.ranks.setdefault(turn.priority, Rank())
    if not any(other.key == turn.key and other.priority == turn.priority for other in line.waiting):
        rank.turns[turn.key] = max(rank.turns.get(turn.key, 0), rank.level)
