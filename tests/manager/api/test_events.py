"""The stream of events: nothing is told twice, nothing is left out unsaid, and nobody is held up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import httpx
import pytest

from switchyard_contracts.events import EventKind, ManagerEvent
from switchyard_contracts.status import ManagerStatus, Phase
from switchyard_manager.api.events import Feed
from switchyard_manager.api.sse import KEEP_ALIVE, Streams
from tests.manager.api.conftest import Frame, House, Open, Serve, frames


@asynccontextmanager
async def listening(client: httpx.AsyncClient, **more: object) -> AsyncIterator[AsyncIterator[Frame]]:
    async with client.stream("GET", "/api/events", **more) as reply:  # type: ignore[arg-type]
        assert reply.headers["content-type"].startswith("text/event-stream")
        async with aclosing(frames(reply)) as told:  # type: ignore[type-var]
            yield told


def tell(house: House, count: int, kind: EventKind = EventKind.MANAGER) -> None:
    for number in range(count):
        house.world.chronicle.tell(kind, 0, "m", number=number)


def read(frame: bytes) -> ManagerEvent:
    data = next(line for line in frame.decode().splitlines() if line.startswith("data: "))
    return ManagerEvent.model_validate_json(data.removeprefix("data: "))


async def test_first_comes_a_snapshot_and_then_every_event_with_the_next_number(
    open_house: Open, serve: Serve
) -> None:
    house = await open_house({"m": {}})

    async with serve(house) as client, listening(client) as told:
        first = await anext(told)
        await client.post("/api/models/m/load", params={"wait_s": 10})
        then = [await anext(told) for _ in range(5)]

    assert (first.event, first.id) == ("snapshot", str(first.said["seq"]))
    assert ManagerStatus.model_validate(first.said["data"]).models[0].phase is Phase.STOPPED
    assert [int(frame.id) for frame in then] == [first.said["seq"] + n for n in range(1, 6)]
    assert [frame.event for frame in then] == ["operator", "phase", "phase", "phase", "phase"]
    assert then[-1].said["data"]["after"] == "ready"


@pytest.mark.parametrize("how", ["header", "query"])
async def test_whoever_comes_back_goes_on_where_it_was(open_house: Open, serve: Serve, how: str) -> None:
    house = await open_house({"m": {}})
    tell(house, 5)
    last = house.world.chronicle.seq - 3
    asks = {"headers": {"Last-Event-ID": str(last)}} if how == "header" else {"params": {"after": last}}

    async with serve(house) as client, listening(client, **asks) as told:
        missed = [await anext(told) for _ in range(3)]
        tell(house, 1)
        new = await anext(told)

    assert [int(frame.id) for frame in (*missed, new)] == [last + 1, last + 2, last + 3, last + 4]


@pytest.mark.parametrize("header", ["nonsense", "-1", "99999999", ""])
async def test_a_number_that_says_nothing_begins_anew(open_house: Open, serve: Serve, header: str) -> None:
    house = await open_house({"m": {}})

    async with serve(house) as client, listening(client, headers={"Last-Event-ID": header}) as told:
        assert (await anext(told)).event == "snapshot"


async def test_what_is_remembered_no_more_comes_from_the_store(open_house: Open) -> None:
    house = await open_house({"m": {}})
    chronicle = house.world.chronicle
    last = chronicle.seq
    tell(house, 30)
    await house.until(lambda: house.desk.store.last_seq() == chronicle.seq)
    while len(chronicle.recent) > 10:
        chronicle.recent.popleft()

    async with aclosing(Feed(house.desk, Streams()).frames(last)) as frames_told:
        told = [read(await anext(frames_told)).seq for _ in range(30)]
        tell(house, 1)
        told.append(read(await anext(frames_told)).seq)

    assert told == list(range(last + 1, last + 32))


async def test_what_happens_while_the_past_is_looked_up_is_not_told_after_the_snapshot(
    open_house: Open,
) -> None:
    house = await open_house({"m": {}})
    feed = Feed(house.desk, Streams())
    last = house.world.chronicle.seq
    house.world.chronicle._keep = lambda _: None
    tell(house, 30)
    house.world.chronicle.recent.clear()

    async with aclosing(feed.frames(last)) as told, asyncio.TaskGroup() as own:
        coming = own.create_task(anext(told))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        tell(house, 3)
        snapshot = read(await coming)
        tell(house, 1)
        after = read(await anext(told))

    assert (snapshot.kind, after.seq) == (EventKind.SNAPSHOT, snapshot.seq + 1)


async def test_what_is_not_written_down_yet_is_not_passed_over(open_house: Open) -> None:
    house = await open_house({"m": {}})
    feed = Feed(house.desk, Streams())
    last = house.world.chronicle.seq
    house.world.chronicle._keep = lambda _: None
    tell(house, 30)
    house.world.chronicle.recent.clear()

    (told,) = await take(feed, last, 1)

    assert told.kind is EventKind.SNAPSHOT


async def test_too_much_to_catch_up_with_is_told_by_a_snapshot(open_house: Open) -> None:
    house = await open_house({"m": {}})
    chronicle = house.world.chronicle
    last = chronicle.seq
    tell(house, 2500)
    await house.until(lambda: house.desk.store.last_seq() == chronicle.seq)

    (told,) = await take(Feed(house.desk, Streams()), last, 1)

    assert (told.kind, told.seq) == (EventKind.SNAPSHOT, chronicle.seq)


async def take(feed: Feed, after: int | None, count: int) -> list[ManagerEvent]:
    async with aclosing(feed.frames(after)) as told:
        return [read(await anext(told)) for _ in range(count)]


async def test_a_slow_listener_gets_a_fresh_snapshot_and_then_goes_on(open_house: Open) -> None:
    house = await open_house({"m": {}})
    feed = Feed(house.desk, Streams(), backlog=10)

    async with aclosing(feed.frames(None)) as told:
        await anext(told)
        tell(house, 50)
        again = read(await anext(told))
        tell(house, 1)
        next_one = read(await anext(told))

    assert (again.kind, again.seq) == (EventKind.SNAPSHOT, next_one.seq - 1)
    assert next_one.kind is EventKind.MANAGER


async def test_a_listener_that_keeps_up_misses_nothing(open_house: Open) -> None:
    house = await open_house({"m": {}})
    feed = Feed(house.desk, Streams(), backlog=10)
    kinds = []

    async with aclosing(feed.frames(None)) as told:
        for _ in range(50):
            tell(house, 1)
            kinds.append(read(await anext(told)).kind)

    assert kinds == [EventKind.SNAPSHOT] + [EventKind.MANAGER] * 49


async def test_silence_is_kept_alive(open_house: Open) -> None:
    house = await open_house({"m": {}})
    feed = Feed(house.desk, Streams(keep_alive_s=0.01))

    async with aclosing(feed.frames(None)) as told:
        await anext(told)
        assert await anext(told) == KEEP_ALIVE
        tell(house, 1)
        assert read(await anext(told)).kind is EventKind.MANAGER


async def test_a_listener_that_left_is_forgotten(open_house: Open, serve: Serve) -> None:
    house = await open_house({"m": {}})
    before = len(house.world.chronicle._listeners)

    async with serve(house) as client:
        async with listening(client) as told:
            await anext(told)
            assert len(house.world.chronicle._listeners) == before + 1
            text = (await client.get("/metrics")).text
            assert "switchyard_event_listeners 1.0" in text

        await house.until(lambda: len(house.world.chronicle._listeners) == before)


async def test_a_server_that_ends_ends_its_streams_and_need_not_wait_for_them(
    open_house: Open, serve: Serve
) -> None:
    house = await open_house({"m": {}})

    async with asyncio.timeout(4), serve(house) as client, listening(client) as told:  # its grace is 5 s
        await anext(told)
        house.streams.close()
        assert [frame async for frame in told] == []
