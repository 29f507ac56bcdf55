"""The contract of a store, held against all three: in memory, in SQLite, in a real Redis."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from switchyard_proxy.streams.log import Ended, Grown, Opened, Started, Store, Totals
from switchyard_proxy.streams.stream import Kind, Status, Stream
from tests.proxy.streams.benches import SOON_S, StoreMaker, events

CHAT = Stream("stream_1", "ann", "chat", Kind.CHAT, 100.0, "proxy-1", conversation="talk 1")
HEADERS = ((b"content-type", b"text/event-stream"), (b"x-engine", b"caf\xe9"))
ENOUGH = 1_000_000


@pytest.fixture
async def store(store_maker: StoreMaker) -> AsyncIterator[Store]:
    store = store_maker("proxy-1")
    await store.open()
    yield store
    await store.close()


def opened(name: str, **more: object) -> Opened:
    return Opened(replace(CHAT, id=name, **more), b"{}")


def grown(name: str, first: int, count: int, oldest: int = 1) -> Grown:
    kept = tuple(events(first + count - 1)[first - 1 :])
    return Grown(name, first, kept, oldest, sum(map(len, events(first + count - 1)[oldest - 1 :])))


async def test_a_stream_is_found_as_it_was_opened(store: Store) -> None:
    await store.write([Opened(CHAT, b'{"model": "chat"}')])

    assert await store.head(CHAT.id) == CHAT
    assert await store.request(CHAT.id) == b'{"model": "chat"}'


async def test_a_stream_that_nobody_opened_is_nowhere(store: Store) -> None:
    assert await store.head("stream_9") is None
    assert await store.request("stream_9") == b""
    assert await store.read("stream_9", 0, ENOUGH) == []


async def test_the_head_tells_how_the_reply_began_how_far_it_is_and_how_it_ended(store: Store) -> None:
    await store.write([Opened(CHAT, b""), Started(CHAT.id, 200, HEADERS), grown(CHAT.id, 1, 3)])
    await store.write([Ended(CHAT.id, Status.FINISHED, 120.5)])

    head = await store.head(CHAT.id)

    size = sum(map(len, events(3)))
    assert head == replace(
        CHAT, status=Status.FINISHED, code=200, headers=HEADERS, last=3, size=size, ended_at=120.5
    )


async def test_events_are_read_in_order_from_any_number(store: Store) -> None:
    await store.write([Opened(CHAT, b""), grown(CHAT.id, 1, 2), grown(CHAT.id, 3, 2)])

    everything = list(enumerate(events(4), 1))
    assert await store.read(CHAT.id, 0, ENOUGH) == everything
    assert await store.read(CHAT.id, 2, ENOUGH) == everything[2:]
    assert await store.read(CHAT.id, 4, ENOUGH) == []


async def test_a_read_is_bounded_but_brings_at_least_one_event(store: Store) -> None:
    large = tuple(b"data: %b\n\n" % (b"x" * 5000) for _ in range(300))
    await store.write([Opened(CHAT, b""), Grown(CHAT.id, 1, large, 1, sum(map(len, large)))])

    assert len(await store.read(CHAT.id, 0, 1)) >= 1
    assert len(await store.read(CHAT.id, 0, 100_000)) < 300
    assert len(await store.read(CHAT.id, 0, 10_000_000)) == 300


async def test_any_bytes_survive(store: Store) -> None:
    odd = (bytes(range(256)), b"", b"\r\n", b"\xff" * 10)
    await store.write([Opened(CHAT, bytes(range(256))), Grown(CHAT.id, 1, odd, 1, 268)])

    assert [data for _, data in await store.read(CHAT.id, 0, ENOUGH)] == list(odd)
    assert await store.request(CHAT.id) == bytes(range(256))


async def test_changes_given_again_change_nothing_more(store: Store) -> None:
    changes = [Opened(CHAT, b""), Started(CHAT.id, 200, HEADERS), grown(CHAT.id, 1, 3)]
    await store.write(changes)

    await store.write([*changes, grown(CHAT.id, 4, 1), Ended(CHAT.id, Status.FINISHED, 5.0)])

    assert await store.read(CHAT.id, 0, ENOUGH) == list(enumerate(events(4), 1))
    head = await store.head(CHAT.id)
    assert head is not None
    assert (head.last, head.status) == (4, Status.FINISHED)


async def test_what_is_dropped_is_gone_and_the_head_says_so(store: Store) -> None:
    await store.write([Opened(CHAT, b""), grown(CHAT.id, 1, 5)])

    await store.write([grown(CHAT.id, 6, 1, oldest=4)])

    assert await store.read(CHAT.id, 0, ENOUGH) == list(enumerate(events(6), 1))[3:]
    head = await store.head(CHAT.id)
    assert head is not None
    assert (head.first, head.last, head.size) == (4, 6, sum(map(len, events(6)[3:])))


async def test_a_drop_alone_needs_no_new_event(store: Store) -> None:
    await store.write([Opened(CHAT, b""), grown(CHAT.id, 1, 5)])

    await store.write([Grown(CHAT.id, 6, (), 3, 10)])

    assert [number for number, _ in await store.read(CHAT.id, 0, ENOUGH)] == [3, 4, 5]


async def test_a_deleted_stream_does_not_come_back_by_a_late_change(store: Store) -> None:
    await store.write([Opened(CHAT, b""), grown(CHAT.id, 1, 2)])
    await store.delete(CHAT.id)

    await store.write([grown(CHAT.id, 3, 1), Ended(CHAT.id, Status.FINISHED, 5.0)])

    assert await store.head(CHAT.id) is None
    assert await store.read(CHAT.id, 0, ENOUGH) == []
    assert await store.totals() == Totals(0, 0, 0)


async def test_the_newest_stream_of_a_conversation_is_its_owners(store: Store) -> None:
    await store.write([opened("old", created_at=1.0), opened("new", created_at=2.0)])
    await store.write([opened("bobs", owner="bob", created_at=3.0), opened("other", conversation="x")])

    async def named(owner: str | None) -> str | None:
        found = await store.newest("talk 1", owner)
        return None if found is None else found.id

    assert (await named("ann"), await named("bob"), await named("eve")) == ("new", "bobs", None)
    assert await named(None) == "bobs"
    assert await store.newest("talk 2", "ann") is None


async def test_streams_are_listed_newest_first_and_by_owner(store: Store) -> None:
    await store.write([opened("a", created_at=1.0), opened("b", owner="bob", created_at=2.0)])
    await store.write([opened("c", created_at=3.0)])

    async def names(owner: str | None, limit: int) -> list[str]:
        return [stream.id for stream in await store.streams(owner, limit)]

    assert await names(None, 10) == ["c", "b", "a"]
    assert await names("ann", 10) == ["c", "a"]
    assert await names(None, 2) == ["c", "b"]


async def test_news_come_at_once_where_there_are_some(store: Store) -> None:
    await store.write([Opened(CHAT, b""), grown(CHAT.id, 1, 2)])

    async with asyncio.timeout(SOON_S):
        await store.news(CHAT.id, 1, 3600)
        await store.write([Ended(CHAT.id, Status.FINISHED, 5.0)])
        await store.news(CHAT.id, 2, 3600)
        await store.news("stream_9", 0, 3600)


async def test_news_come_while_they_are_waited_for(store: Store) -> None:
    await store.write([Opened(CHAT, b"")])

    async with asyncio.timeout(SOON_S), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(store.news(CHAT.id, 0, 3600))
        await asyncio.sleep(0)
        await store.write([grown(CHAT.id, 1, 1)])
        await waiting


async def test_waiting_for_news_ends_with_its_time(store: Store) -> None:
    await store.write([Opened(CHAT, b"")])

    async with asyncio.timeout(SOON_S):
        await store.news(CHAT.id, 0, 0.01)


async def test_who_wants_a_stream_cancelled_is_heard(store: Store) -> None:
    await store.write([opened("a"), opened("b")])

    await store.ask_cancel("a")

    assert await store.cancel_asked(["a", "b", "c"]) == {"a"}
    assert await store.cancel_asked(["b"]) == set()
    assert await store.cancel_asked([]) == set()


async def test_a_listener_counts_until_its_time_is_up_or_it_leaves(store: Store) -> None:
    await store.write([opened("a"), opened("b")])
    await store.hear("a", "slow", 3, until=50.0)
    await store.hear("a", "fast", 9, until=60.0)
    await store.hear("b", "short", 1, until=20.0)

    assert await store.heard(["a", "b"], 10.0) == {"a": 3, "b": 1}
    assert await store.heard(["a", "b"], 55.0) == {"a": 9}

    await store.hear("a", "fast", 12, until=70.0)
    await store.leave("a", "slow")

    assert await store.heard(["a"], 10.0) == {"a": 12}
    assert await store.heard([], 10.0) == {}


async def test_only_what_has_been_over_for_long_enough_expires(store: Store) -> None:
    await store.write([opened("old"), opened("young"), opened("runs")])
    await store.write([Ended("old", Status.FINISHED, 10.0), Ended("young", Status.CANCELLED, 30.0)])

    await store.expire(20.0)

    assert {stream.id for stream in await store.streams(None, 10)} == {"young", "runs"}


async def test_room_is_made_of_what_ended_first_and_never_of_what_runs(store: Store) -> None:
    for name in ("a", "b", "c"):
        await store.write([opened(name), Grown(name, 1, (b"x" * 98,), 1, 98)])
    await store.write([Ended("b", Status.FINISHED, 10.0), Ended("a", Status.FINISHED, 20.0)])
    assert await store.totals() == Totals(3, 300, 200)

    await store.shrink(250)
    assert {stream.id for stream in await store.streams(None, 10)} == {"a", "c"}

    await store.shrink(0)
    assert {stream.id for stream in await store.streams(None, 10)} == {"c"}


async def test_nothing_of_a_living_process_is_adopted(store: Store) -> None:
    await store.write([Opened(CHAT, b"")])
    await store.present()

    assert await store.adopt() == []


async def test_a_process_sees_what_another_one_writes(shared_store_maker: StoreMaker) -> None:
    first, second = shared_store_maker("proxy-1"), shared_store_maker("proxy-2")
    await first.open()
    await second.open()

    await first.write([Opened(CHAT, b""), grown(CHAT.id, 1, 2)])

    assert await second.read(CHAT.id, 0, ENOUGH) == list(enumerate(events(2), 1))
    assert await second.adopt() == []
    await first.close()
    await second.close()


async def test_the_streams_of_a_dead_process_are_adopted_by_one_other(shared_store_maker: StoreMaker) -> None:
    dead, heir, late = (shared_store_maker(name) for name in ("proxy-1", "proxy-2", "proxy-3"))
    await dead.open()
    await dead.write([Opened(CHAT, b""), opened("over"), Ended("over", Status.FINISHED, 5.0)])
    await dead.close()
    await heir.open()
    await late.open()

    adopted = [stream.id for stream in await heir.adopt()]

    assert (adopted, await late.adopt()) == ([CHAT.id], [])
    await heir.write([grown(CHAT.id, 1, 1), Ended(CHAT.id, Status.INTERRUPTED, 9.0)])
    head = await late.head(CHAT.id)
    assert head is not None
    assert (head.last, head.status) == (1, Status.INTERRUPTED)
    await heir.close()
    await late.close()


async def test_no_process_writes_into_the_stream_of_another(shared_store_maker: StoreMaker) -> None:
    mine, other = shared_store_maker("proxy-1"), shared_store_maker("proxy-2")
    await mine.open()
    await other.open()
    await mine.write([Opened(CHAT, b""), grown(CHAT.id, 1, 2)])

    await other.write([grown(CHAT.id, 3, 1), Ended(CHAT.id, Status.CANCELLED, 9.0)])

    head = await mine.head(CHAT.id)
    assert head is not None
    assert (head.last, head.status) == (2, Status.RUNNING)
    await mine.close()
    await other.close()
