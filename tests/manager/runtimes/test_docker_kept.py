"""The last of a container: its end is told as soon as it is certain, and what is slow comes after."""

import io
import queue
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from switchyard_manager.runtimes.docker.kept import Ending, Kept
from switchyard_manager.runtimes.docker.log_copy import LogCopy
from switchyard_manager.runtimes.docker.seen import End, Seen, end
from switchyard_manager.runtimes.protocol import Exit

LONG_S = 20
OVER = Seen(
    id="c1",
    name="one",
    labels={},
    running=False,
    code=3,
    oom_killed=False,
    created="",
    started_ns=0,
    stop_signal="SIGTERM",
    terminal=False,
    ports={},
)


class Silence:
    """A log in which nothing comes any more."""

    def __init__(self) -> None:
        self._cut = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        self._cut.wait(LONG_S)
        return iter(())

    def cut(self) -> None:
        self._cut.set()


class SlowToRemove:
    """An Engine in which a container has just ended."""

    def __init__(self) -> None:
        self.may_remove = threading.Event()

    def inspect(self, container: str) -> Seen:
        return OVER

    def signal(self, container: str, signal: str) -> None:
        pass

    def words(self, container: str, since_ns: int, *, follow: bool, terminal: bool) -> Silence:
        silence = Silence()
        if not follow:
            silence.cut()
        return silence

    def remove(self, container: str) -> None:
        assert self.may_remove.wait(LONG_S)


class ClearsUp(SlowToRemove):
    """An Engine that tells of an end, and answers nothing about what ended until it has cleared up."""

    def __init__(self) -> None:
        super().__init__()
        self.runs, self.is_clear, self.was_asked = True, threading.Event(), threading.Event()
        self.may_remove.set()

    def inspect(self, container: str) -> Seen:
        if self.runs:
            return replace(OVER, running=True)
        self.was_asked.set()
        assert self.is_clear.wait(LONG_S)
        return replace(OVER, oom_killed=True)


def kept_by(engine: SlowToRemove, *, remove: bool = True) -> "tuple[Kept, queue.SimpleQueue[str]]":
    news = queue.SimpleQueue[str]()

    def told(exit_: Exit) -> None:
        news.put(f"ended with {exit_.code}{', out of memory' if exit_.oom_killed else ''}")

    words = LogCopy(engine, "c1", io.BytesIO(), since_ns=0, terminal=False)  # type: ignore[arg-type]
    ending = Ending(remove=remove, tail=tuple, told=told, cleared=lambda: news.put("cleared"))
    return Kept(engine, OVER, words, ending), news  # type: ignore[arg-type]


def test_an_end_is_told_before_the_container_is_removed() -> None:
    engine = SlowToRemove()
    kept, news = kept_by(engine)
    kept.begin()

    kept.look()

    assert news.get(timeout=LONG_S) == "ended with 3"
    assert news.empty()
    engine.may_remove.set()
    assert news.get(timeout=LONG_S) == "cleared"


def test_of_one_that_was_told_to_end_the_event_is_enough() -> None:
    engine = ClearsUp()
    kept, news = kept_by(engine)
    kept.begin()
    kept.signal(kill=False)
    engine.runs = False

    kept.hear(End("c1", 0))

    assert news.get(timeout=LONG_S) == "ended with 0"
    assert kept.gone
    engine.is_clear.set()
    assert news.get(timeout=LONG_S) == "cleared"
    assert news.empty()


@pytest.mark.parametrize(("asked", "remove"), [(False, True), (True, False)], ids=["by itself", "not ours"])
def test_any_other_end_is_looked_at(asked: bool, remove: bool) -> None:
    engine = ClearsUp()
    kept, news = kept_by(engine, remove=remove)
    kept.begin()
    if asked:
        kept.signal(kill=False)
    engine.runs = False

    hearing = threading.Thread(target=lambda: kept.hear(End("c1", 137)))
    hearing.start()

    assert engine.was_asked.wait(LONG_S)
    assert not kept.gone
    engine.is_clear.set()
    hearing.join(LONG_S)
    assert news.get(timeout=LONG_S) == "ended with 3, out of memory"
    assert news.get(timeout=LONG_S) == "cleared"


def test_an_event_tells_how_a_program_ended_and_nothing_of_one_that_was_removed() -> None:
    died = {"id": "c1", "Action": "die", "Actor": {"Attributes": {"exitCode": "137"}}}

    assert end(died) == End("c1", 137)
    assert end(died | {"Action": "destroy"}) == End("c1")
    assert end({"id": "c1", "Action": "die"}) == End("c1")
