"""All rows of all answers, and what each wants next. One round computes everything that is wanted."""

import copy
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before transformers

# isort: split
import torch

from switchyard_image_server.chat.batch.bench import Bench, Row, Seating, Stool
from switchyard_image_server.chat.batch.layers import can_join
from switchyard_image_server.chat.batch.passes import Passes, Prompt
from switchyard_image_server.errors import ServerError, as_server_error, is_out_of_memory

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """What an answer yields: one pass over the token of each of its rows. Answered with rows x vocabulary."""

    rows: tuple[Row, ...]


class Benches:
    def __init__(self, passes: Passes, free_memory: Callable[[], None]) -> None:
        self._passes = passes
        self._free_memory = free_memory
        self._benches: list[Seating] = []

    @property
    def rows(self) -> int:
        return sum(len(bench.rows) for bench in self._benches)

    def enter(self, prompt: Prompt, copies: int, *, alone: bool) -> list[Row]:
        """A row for each copy. `alone` rows share no pass: others must not change a bit of what they get."""
        if not can_join(prompt.cache):
            return self._apart([(Stool(), one) for one in _copies(prompt, copies)])
        if alone:
            return self._apart([(Bench(prompt, private=True), prompt) for _ in range(copies)])
        taking = next((bench for bench in self._benches if bench.takes(prompt, copies)), None)
        rows = None if taking is None else self._joined(taking, prompt, copies)
        return self._seated(Bench(prompt), prompt, copies) if rows is None else rows

    def _apart(self, seats: Sequence[tuple[Seating, Prompt]]) -> list[Row]:
        rows: list[Row] = []
        try:
            for bench, prompt in seats:
                rows += self._seated(bench, prompt, 1)
        except BaseException:
            self.leave(rows)
            raise
        return rows

    def _joined(self, bench: Seating, prompt: Prompt, copies: int) -> list[Row] | None:
        """`None` where memory does not suffice: those who are there would have to be moved for a newcomer."""
        try:
            return self._seated(bench, prompt, copies)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        self._free_memory()
        return None

    def _seated(self, bench: Seating, prompt: Prompt, copies: int) -> list[Row]:
        with torch.inference_mode():
            rows = bench.admit(prompt, copies)
        if bench not in self._benches:
            self._benches.append(bench)
        return rows

    def leave(self, rows: Sequence[Row]) -> None:
        """Whoever left already is passed over."""
        for row in rows:
            bench = self._bench_of(row)
            if bench is None:
                continue
            with torch.inference_mode():
                bench.dismiss(row)
            if not bench.rows:
                self._benches.remove(bench)

    def _bench_of(self, row: Row) -> Seating | None:
        return next((bench for bench in self._benches if row in bench.rows), None)

    def compute(self, steps: Sequence[Step | None]) -> list[Any]:
        """For each step its rows' logits, or the error that is its own. `None` wanted nothing but a turn."""
        wanted = {id(row) for step in steps if step is not None for row in step.rows}
        results: dict[int, Any] = {}
        for bench in list(self._benches):
            rows = [row for row in bench.rows if id(row) in wanted]
            if rows:
                self._step(bench, rows, results)
        with torch.inference_mode():
            return [
                None if step is None else _gathered([results[id(row)] for row in step.rows]) for step in steps
            ]

    def _step(self, bench: Seating, rows: list[Row], results: dict[int, Any]) -> None:
        """Together; else, or where that fails, one by one, so that each row's failure is its own."""
        rows = self._with_room(bench, rows, results)
        alone = len(rows) == 1
        if rows and (alone or len(rows) == len(bench.rows)):
            outcome = self._tried(bench, rows)
            if alone or not isinstance(outcome, ServerError):
                _keep(rows, outcome, results)
                return
            logger.warning("%d rows could not share a pass: %s; one by one", len(rows), outcome)
            self._free_memory()
        for row in rows:
            _keep([row], self._tried(bench, [row]), results)

    def _with_room(self, bench: Seating, rows: list[Row], results: dict[int, Any]) -> list[Row]:
        """Where memory does not suffice for all, the newest gives way."""
        while rows and (failure := self._tried_to_make_room(bench)) is not None:
            newest = max(rows, key=lambda row: row.entered)
            results[id(newest)] = failure
            self.leave([newest])
            rows = [row for row in bench.rows if row in rows]
            self._free_memory()
        return rows

    def _tried_to_make_room(self, bench: Seating) -> ServerError | None:
        try:
            with torch.inference_mode():
                bench.make_room()
        except Exception as error:
            return _told(error)
        return None

    def _tried(self, bench: Seating, rows: list[Row]) -> Any:
        try:
            with torch.inference_mode():
                logits = bench.step(self._passes, rows)
        except Exception as error:
            return _told(error)
        for row in rows:
            row.length += 1
            row.position += 1
        return logits


def _told(error: Exception) -> ServerError:
    """The error without its traceback, which holds tensors."""
    if not is_out_of_memory(error):
        logger.error("a pass failed", exc_info=error)
    return as_server_error(error)


def _keep(rows: list[Row], outcome: Any, results: dict[int, Any]) -> None:
    for index, row in enumerate(rows):
        results[id(row)] = outcome if isinstance(outcome, ServerError) else outcome[index]


def _gathered(results: list[Any]) -> Any:
    error = next((result for result in results if isinstance(result, ServerError)), None)
    if error is not None:
        return error
    return results[0][None] if len(results) == 1 else torch.stack(results)


def _copies(prompt: Prompt, copies: int) -> list[Prompt]:
    return [
        Prompt(copy.deepcopy(prompt.cache) if i else prompt.cache, prompt.length, prompt.position, None)
        for i in range(copies)
    ]
