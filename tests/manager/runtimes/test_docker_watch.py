"""K23: an event is a hint, and its absence no proof: after each gap in the listening all is looked at anew."""

import queue
import threading
from collections.abc import Iterator

from switchyard_manager.runtimes import RuntimeAway
from switchyard_manager.runtimes.docker.seen import End
from switchyard_manager.runtimes.docker.watch import Watch

LONG_S = 20
A, B = End("a", 0), End("b")


class ComesAndGoes:
    """An Engine whose next answers are given: a list of ends to tell before it goes away, or None for away."""

    def __init__(self, *answers: list[End] | None) -> None:
        self.answers = list(answers)

    def ends(self) -> "Listening":
        answer = self.answers.pop(0) if self.answers else []
        if answer is None:
            raise RuntimeAway("cannot reach the Docker Engine")
        return Listening(answer, stays=not self.answers)


class Listening:
    def __init__(self, ends: list[End], *, stays: bool) -> None:
        self._ends = ends
        self._stays = stays
        self._cut = threading.Event()

    def __iter__(self) -> Iterator[End]:
        yield from self._ends
        if self._stays:
            self._cut.wait(LONG_S)

    def cut(self) -> None:
        self._cut.set()


def looked_at(engine: ComesAndGoes, count: int) -> list[End | None]:
    looks: queue.SimpleQueue[End | None] = queue.SimpleQueue()
    watch = Watch(engine, looks.put)  # type: ignore[arg-type]
    watch.begin()
    try:
        return [looks.get(timeout=LONG_S) for _ in range(count)]
    finally:
        watch.end()


def test_all_are_looked_at_first_and_then_those_that_are_named() -> None:
    assert looked_at(ComesAndGoes([A, B]), 3) == [None, A, B]


def test_when_the_engine_is_back_all_are_looked_at_anew() -> None:
    assert looked_at(ComesAndGoes([A], None, None, [B]), 4) == [None, A, None, B]


def test_its_threads_end_with_it_even_while_the_engine_is_away() -> None:
    before = threading.active_count()

    looked_at(ComesAndGoes([A], *[None] * 50), 2)

    assert threading.active_count() == before
