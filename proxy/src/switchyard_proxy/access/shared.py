"""The same limits for several workers together: tallies and places on a `Board`.

A change is made under its slot's lock, with nothing awaited meanwhile. Reading needs no lock: what is read may
be a request old.
"""

from switchyard_proxy.access.board import Board, Slot
from switchyard_proxy.access.callers import Limits
from switchyard_proxy.access.limits import Meter
from switchyard_proxy.access.tally import DayUse, Limit, Standing, Tally


def shared_meter(board: Board, worker: int) -> Meter:
    return Meter(lambda id_: SharedTally(board.slot(f"key:{id_}"), worker))


class SharedTally:
    """A tally that guards itself."""

    __slots__ = ("_slot", "_tally")

    def __init__(self, slot: Slot, worker: int) -> None:
        self._slot = slot
        self._tally = Tally(slot.cells, worker)

    def begin(self, limits: Limits, now: float) -> Limit | None:
        self._slot.lock()
        try:
            return self._tally.begin(limits, now)
        finally:
            self._slot.unlock()

    def end(self, tokens: int, now: float) -> None:
        self._slot.lock()
        try:
            self._tally.end(tokens, now)
        finally:
            self._slot.unlock()

    def note(self, tokens: int, now: float) -> None:
        self._slot.lock()
        try:
            self._tally.note(tokens, now)
        finally:
            self._slot.unlock()

    def restore(self, use: DayUse, now: float) -> None:
        with self._slot.held():
            self._tally.restore(use, now)

    def day_use(self, now: float) -> DayUse:
        return self._tally.day_use(now)

    def used(self) -> tuple[int, int, int]:
        return self._tally.used()

    def standing(self, limits: Limits, now: float) -> Standing:
        return self._tally.standing(limits, now)
