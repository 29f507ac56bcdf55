"""The writing of logs: in batches, in order, and again if it failed."""

from collections.abc import Sequence

import pytest

from switchyard_proxy.streams.endings import PlainEvents
from switchyard_proxy.streams.live import Live
from switchyard_proxy.streams.log import Change, LogTrouble
from switchyard_proxy.streams.memory import MemoryStore
from switchyard_proxy.streams.shelf import BACKLOG, Shelf
from switchyard_proxy.streams.stream import Kind, Status, Stream
from tests.proxy.streams.benches import event, events


class FailsOnce(MemoryStore):
    """Cannot be written the first time."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0

    async def write(self, changes: Sequence[Change]) -> None:
        self.writes += 1
        if self.writes == 1:
            raise LogTrouble("cannot write: full")
        await super().write(changes)


def put(shelf: Shelf, name: str) -> Live:
    stream = Stream(name, "ann", "chat", Kind.CHAT, 1.0, "proxy-1")
    live = Live(stream, b"", PlainEvents(Kind.CHAT), shelf.resized)
    shelf.put(live)
    return live


async def test_what_could_not_be_written_is_written_the_next_time() -> None:
    store = FailsOnce()
    shelf = Shelf(store)
    put(shelf, "a").append(events(2))
    with pytest.raises(LogTrouble):
        await shelf.write()
    put(shelf, "b").append([event(1)])

    await shelf.write()

    assert [data for _, data in await store.read("a", 0, 10_000)] == events(2)
    assert [data for _, data in await store.read("b", 0, 10_000)] == [event(1)]


async def test_many_streams_are_written_at_once() -> None:
    store = FailsOnce()
    store.writes = 1
    shelf = Shelf(store)
    for number in range(20):
        put(shelf, f"stream_{number}").append(events(10))

    await shelf.write()

    assert store.writes == 2
    assert (await store.totals()).streams == 20


async def test_a_stream_leaves_once_its_end_is_written_and_its_size_counts_on() -> None:
    shelf = Shelf(MemoryStore())
    live = put(shelf, "a")
    live.append(events(3))
    await shelf.write()
    assert shelf.lives == {"a": live}
    size = shelf.here

    live.end(Status.FINISHED, 2.0)
    await shelf.write()

    assert shelf.lives == {}
    assert (shelf.here, shelf.elsewhere, shelf.over, shelf.size) == (0, size, size, size)
    await shelf.count()
    assert shelf.size == size


async def test_the_store_is_behind_when_too_much_waits_to_be_written() -> None:
    shelf = Shelf(MemoryStore())
    live = put(shelf, "a")
    live.append([b"x" * BACKLOG])
    assert not shelf.is_behind(live)

    live.append([b"x"])
    assert shelf.is_behind(live)

    await shelf.write()
    assert not shelf.is_behind(live)


async def test_trouble_is_told_once_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    shelf = Shelf(MemoryStore())

    for trouble in (LogTrouble("cannot write: full"), LogTrouble("cannot write: full"), ZeroDivisionError()):
        with shelf.told_if_trouble():
            raise trouble

    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]
