"""Whoever looks on sees each request once, in order, and is told of what it was too slow for."""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path

import msgspec
import pytest

from switchyard_proxy.accounting.entries import Entry, Wanted
from switchyard_proxy.accounting.ledger import Ledger
from switchyard_proxy.accounting.live import KEEP_ALIVE, KEEP_ALIVE_EVERY, Pace, frames
from switchyard_proxy.accounting.opening import set_aside
from switchyard_proxy.accounting.store import Keep, Store
from tests.proxy.accounting.samples import account

FRAME = re.compile(rb"id: (\d+)\nevent: (\w+)\ndata: (.*)\n\n")


class Writing:
    """Between two looks at the file, somebody writes."""

    def __init__(self, store: Store, *batches: list[str]) -> None:
        self._store = store
        self._batches = iter(batches)
        self.looks = 0

    async def __call__(self, _: float) -> None:
        self.looks += 1
        names = next(self._batches, None)
        if names is None:
            await asyncio.Event().wait()
        await asyncio.to_thread(self._store.write, [account(id=name, model=name[0]) for name in names or ()])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "requests.db"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    opened = Store(file, Keep())
    yield opened
    opened.close()


async def read(rows: AsyncGenerator[bytes, None], count: int) -> bytes:
    """So many frames, and what came with them."""
    seen = b""
    async with aclosing(rows), asyncio.timeout(20):
        async for frame in rows:
            seen += frame
            if len(FRAME.findall(seen)) >= count:
                break
    return seen


def told(stream: bytes) -> list[str]:
    """The requests by their ids, and gaps as how many are missing."""
    found = []
    for row, kind, data in FRAME.findall(stream):
        if kind == b"gap":
            found.append(f"-{msgspec.json.decode(data)['missed']}")
        else:
            entry = msgspec.json.decode(data, type=Entry)
            assert entry.id == int(row)
            found.append(entry.request_id)
    return found


async def test_shows_what_is_written_from_now_on(store: Store, file: Path) -> None:
    store.write([account(id="before")])
    pace = Pace(Writing(store, ["a", "b"], [], ["c"]))

    assert told(await read(frames(Ledger(file), Wanted(), None, pace), 3)) == ["a", "b", "c"]


async def test_begins_before_there_is_a_file(file: Path, store: Store) -> None:
    pace = Pace(Writing(store, [], ["a"]))

    assert told(await read(frames(Ledger(file), Wanted(), None, pace), 1)) == ["a"]


async def test_says_at_once_that_it_listens(file: Path) -> None:
    async with aclosing(frames(Ledger(file), Wanted(), None)) as rows:
        assert await anext(rows) == KEEP_ALIVE


async def test_goes_on_where_it_was_left(store: Store, file: Path) -> None:
    store.write([account(id=name) for name in "abc"])

    assert told(await read(frames(Ledger(file), Wanted(), 1, Pace(Writing(store))), 2)) == ["b", "c"]


async def test_shows_only_what_is_wanted_and_does_not_look_twice_at_the_rest(store: Store, file: Path) -> None:
    pace = Pace(Writing(store, ["a1", "b1"], ["b2", "b3"], ["a2"]), at_once=2)

    assert told(await read(frames(Ledger(file), Wanted(model="a"), None, pace), 2)) == ["a1", "a2"]


async def test_many_at_once_come_in_pieces_without_gap_or_repeat(store: Store, file: Path) -> None:
    names = [str(at) for at in range(9)]
    pace = Pace(Writing(store, names), at_once=4)

    assert told(await read(frames(Ledger(file), Wanted(), None, pace), 9)) == names


class WrittenBetween(Ledger):
    """To it somebody writes just before it is asked for rows."""

    def __init__(self, file: Path, store: Store) -> None:
        super().__init__(file)
        self._store = store
        self._names = iter(("between",))

    def after(self, last: int, wanted: Wanted, limit: int) -> list[Entry]:
        self._store.write([account(id=name) for name in self._names])
        return super().after(last, wanted, limit)


async def test_what_is_written_while_it_looks_is_shown_once(store: Store, file: Path) -> None:
    pace = Pace(Writing(store, ["a"], ["b"]))

    seen = told(await read(frames(WrittenBetween(file, store), Wanted(), None, pace), 3))

    assert seen == ["a", "between", "b"]


async def test_a_reader_that_is_too_slow_is_told_of_the_gap(store: Store, file: Path) -> None:
    pace = Pace(Writing(store, [str(at) for at in range(20)]), at_once=4, behind=10)

    assert told(await read(frames(Ledger(file), Wanted(), None, pace), 5)) == ["-16", "16", "17", "18", "19"]


async def test_a_new_file_is_followed_from_its_beginning(store: Store, file: Path) -> None:
    store.write([account(id=name) for name in "abc"])
    rows = frames(Ledger(file), Wanted(), None, Pace(Writing(store, ["x"])))
    await anext(rows)
    set_aside(file)
    store.close()
    fresh = Store(file, Keep())
    await asyncio.to_thread(fresh.write, [account(id="new")])

    assert told(await read(rows, 1)) == ["new"]
    fresh.close()


async def test_a_quiet_stream_shows_life(store: Store, file: Path) -> None:
    writing = Writing(store, *([[]] * (KEEP_ALIVE_EVERY * 2)), ["a"])

    seen = await read(frames(Ledger(file), Wanted(), None, Pace(writing)), 1)

    assert seen.startswith(KEEP_ALIVE * 3)
    assert b": ping" not in seen
