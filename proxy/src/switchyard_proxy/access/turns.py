"""Turns at models that take only so many requests at a time, for all workers together."""

from switchyard_proxy.access.board import Board
from switchyard_proxy.access.tally import FIRST, IN_FLIGHT
from switchyard_proxy.grants.lines import Front

CELLS_EACH = 3  # of a front
FRESH_S = 1.0  # whoever waits says so fifty times a second; who has not for so long is gone


class SharedTurns:
    """`lines.Slots` on a board: who runs at a model, and who waits first in each worker.

    Beside the places taken, a worker's front lies in the cells that a key would need for its minute.
    """

    def __init__(self, board: Board, worker: int) -> None:
        self._board = board
        self._worker = worker
        self._own = IN_FLIGHT + worker
        self._front = FIRST + CELLS_EACH * worker

    def take(self, model: str, limit: int, front: Front, now: float) -> bool:
        slot = self._board.slot(f"place:{model}")
        since = _micros(front.since)
        slot.lock()
        try:
            cells = slot.cells
            free = limit - sum(cells[IN_FLIGHT:])
            if free > 0 and free > self._ahead(cells, (-front.priority, since, self._worker), _micros(now)):
                cells[self._own] += 1
                cells[self._front + 2] = 0
                return True
            cells[self._front], cells[self._front + 1] = -front.priority, since
            cells[self._front + 2] = _micros(now)
            return False
        finally:
            slot.unlock()

    def give_back(self, model: str) -> None:
        slot = self._board.slot(f"place:{model}")
        slot.lock()
        try:
            slot.cells[self._own] = max(slot.cells[self._own] - 1, 0)
        finally:
            slot.unlock()

    def withdraw(self, model: str) -> None:
        self._board.slot(f"place:{model}").cells[self._front + 2] = 0

    def _ahead(self, cells: memoryview, own: tuple[int, int, int], now: int) -> int:
        oldest = now - _micros(FRESH_S)
        return sum(
            cells[at + 2] > oldest and (cells[at], cells[at + 1], worker) < own
            for worker in range(self._board.workers)
            if (at := FIRST + CELLS_EACH * worker) != self._front
        )


def _micros(seconds: float) -> int:
    return int(seconds * 1_000_000)
