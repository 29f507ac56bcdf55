"""Between the event loop and the disk: nobody waits, nothing is lost that need not be."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from switchyard_contracts.events import EventKind, ManagerEvent
from switchyard_manager.store import Fact, Happened, PinSet, Store, Writer
from switchyard_manager.store.writer import BATCH, FAILING_PAUSE_S, LIMIT, PAUSE_S, PRUNE_EVERY


class CountsWrites(Store):
    """A real store that can also be slow, or fail, as its disk would."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self.batches: list[int] = []
        self.prunes = 0
        self.failing = False
        self.may_write = threading.Event()
        self.may_write.set()
        self.writing = threading.Event()

    def write(self, facts: Sequence[Fact]) -> bool:
        self.writing.set()
        assert self.may_write.wait(30)
        if self.failing:
            return False
        self.batches.append(len(facts))
        return super().write(facts)

    def prune(self, keep_events: int = 50_000, keep_runs: int = 5_000, unused_days: float = 180) -> None:
        self.prunes += 1
        super().prune(keep_events, keep_runs, unused_days)


class Pauses:
    """Stands for `asyncio.sleep`: a pause ends when the test says so."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.begun = asyncio.Event()
        self._over = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        self.begun.set()
        await self._over.wait()
        self._over.clear()

    async def next(self) -> None:
        """Until the writer pauses."""
        async with asyncio.timeout(20):
            await self.begun.wait()
        self.begun.clear()

    def end(self) -> None:
        self._over.set()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[CountsWrites]:
    store = await asyncio.to_thread(CountsWrites, tmp_path / "state.db")
    yield store
    await asyncio.to_thread(store.close)


@pytest.fixture
async def pauses() -> Pauses:
    return Pauses()


@contextlib.asynccontextmanager
async def running(writer: Writer) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(writer.run())
        try:
            yield
        finally:
            task.cancel()


def happened(seq: int, kind: EventKind = EventKind.PHASE) -> Fact:
    return Happened(ManagerEvent(seq=seq, at=1.0, kind=kind))


async def seqs(store: Store) -> list[int]:
    return [event.seq for event in await asyncio.to_thread(store.events, 0, 1_000_000)]


async def test_what_is_kept_is_written_soon(store: CountsWrites, pauses: Pauses) -> None:
    writer = Writer(store, pauses)
    async with running(writer):
        writer.keep(happened(1))
        await pauses.next()

        assert await seqs(store) == [1]


async def test_what_comes_during_the_pause_is_written_together_after_it(
    store: CountsWrites, pauses: Pauses
) -> None:
    writer = Writer(store, pauses)
    async with running(writer):
        writer.keep(happened(1))
        await pauses.next()
        for seq in range(2, 12):
            writer.keep(happened(seq))
        assert store.batches == [1]
        pauses.end()
        await pauses.next()

    assert store.batches == [1, 10]
    assert pauses.asked == [PAUSE_S, PAUSE_S]


async def test_what_is_left_when_it_is_cancelled_is_written_first(store: CountsWrites, pauses: Pauses) -> None:
    writer = Writer(store, pauses)
    async with running(writer):
        writer.keep(happened(1))
        await pauses.next()
        for seq in range(2, 6):
            writer.keep(happened(seq))

    assert await seqs(store) == [1, 2, 3, 4, 5]


async def test_a_cancel_in_the_middle_of_a_write_loses_nothing_and_writes_nothing_twice(
    store: CountsWrites, pauses: Pauses
) -> None:
    store.may_write.clear()
    writer = Writer(store, pauses)
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(writer.run())
        writer.keep(happened(1))
        while not store.writing.is_set():
            await asyncio.sleep(0)
        writer.keep(happened(2))
        task.cancel()
        await asyncio.sleep(0)
        store.may_write.set()

    assert await seqs(store) == [1, 2]
    assert sum(store.batches) == 2


async def test_what_could_not_be_written_is_written_later_in_its_order(
    store: CountsWrites, pauses: Pauses
) -> None:
    store.failing = True
    writer = Writer(store, pauses)
    async with running(writer):
        writer.keep(PinSet("m", pinned=True))
        await pauses.next()
        writer.keep(PinSet("m", pinned=False))
        pauses.end()
        await pauses.next()
        store.failing = False
        pauses.end()
        await pauses.next()

    assert pauses.asked == [FAILING_PAUSE_S, FAILING_PAUSE_S, PAUSE_S]
    assert await asyncio.to_thread(store.pins) == {"m": False}
    assert store.batches == [2]


async def test_a_flood_is_written_in_batches_and_pruned_on_the_way(store: CountsWrites, pauses: Pauses) -> None:
    writer = Writer(store, pauses)
    for seq in range(1, PRUNE_EVERY + 2 * BATCH + 2):
        writer.keep(happened(seq))
    async with running(writer):
        await pauses.next()

    assert max(store.batches) == BATCH
    assert sum(store.batches) == PRUNE_EVERY + 2 * BATCH + 1
    assert store.prunes == 2


async def test_fleeting_events_crowd_nothing_out_and_keep_their_numbers(
    store: CountsWrites, pauses: Pauses
) -> None:
    writer = Writer(store, pauses)
    writer.keep(happened(1))
    for seq in range(2, 500):
        writer.keep(happened(seq, EventKind.PROGRESS))
    writer.keep(happened(500))
    writer.keep(happened(501, EventKind.SNAPSHOT))
    async with running(writer):
        await pauses.next()

    assert await seqs(store) == [1, 500]
    assert store.batches == [4]
    assert await asyncio.to_thread(store.last_seq) == 501


async def test_when_too_much_waits_the_oldest_is_lost_and_that_is_said_once(
    store: CountsWrites, pauses: Pauses, caplog: pytest.LogCaptureFixture
) -> None:
    writer = Writer(store, pauses)
    for seq in range(1, LIMIT + 4):
        writer.keep(PinSet(f"m{seq}", pinned=None))

    assert [fact.model for fact in list(writer._waiting)[:1] if isinstance(fact, PinSet)] == ["m4"]
    assert len(writer._waiting) == LIMIT
    assert caplog.text.count("cannot remember all that happens") == 1
