"""What is Redis' own: a server that is away, a process that fell silent, a word cancelled in the middle."""

import asyncio

import pytest

from switchyard_proxy.streams.log import LogTrouble, Opened
from switchyard_proxy.streams.redis_log import LIFE_S, RedisStore
from switchyard_proxy.streams.stream import Kind, Status, Stream
from tests.proxy.streams.benches import (
    CHAT,
    Script,
    StoreMaker,
    event,
    listen,
    running,
    until_over,
    until_written,
)

STREAM = Stream("stream_1", "ann", "chat", Kind.CHAT, 100.0, "proxy-1")


async def test_a_redis_that_is_away_is_told_with_what_to_do() -> None:
    store = RedisStore("redis://127.0.0.1:1/0", "proxy-1")

    for ask in (store.open(), store.head("stream_1"), store.write([Opened(STREAM, b"")])):
        with pytest.raises(LogTrouble, match="--stream-store"):
            await ask
    await store.close()


async def test_streams_run_and_are_heard_though_redis_is_away() -> None:
    async with running(RedisStore("redis://127.0.0.1:1/0", "proxy-1")) as streams:
        script = Script()
        stream = streams.start(CHAT, script)
        script.say(event(1), None)

        heard = await listen(streams, stream)

    assert heard.events == [event(1)]


async def test_a_proxy_that_fell_silent_is_inherited_by_another(redis_store: StoreMaker) -> None:
    silent = redis_store("proxy-1")
    assert isinstance(silent, RedisStore)
    async with running(silent) as lost, running(redis_store("proxy-2"), "proxy-2") as heir:
        script = Script()
        stream = lost.start(CHAT, script)
        script.say(event(1))
        await until_written(lost, stream, 1)
        await silent._redis.delete(silent._key("process", "proxy-1"))

        await heir.sweeper.tidy()
        found = await until_over(heir, await heir.find(stream.id, None))
        script.say(event(2), None)
        await until_over(lost, stream)
        heard = await listen(heir, found)

    assert found.status is Status.INTERRUPTED
    assert heard.events[0] == event(1)
    assert b"stream_broken" in heard.events[1]
    assert len(heard.events) == 3


async def test_everything_of_a_stream_runs_out_by_itself(redis_store: StoreMaker) -> None:
    store = redis_store("proxy-1")
    assert isinstance(store, RedisStore)
    async with running(store) as streams:
        script = Script()
        stream = streams.start(CHAT, script)
        script.say(event(1))
        await until_written(streams, stream, 1)
        await store.hear(stream.id, "reader", 1, 10.0)

        for part in ("stream", "events", "listeners"):
            assert 0 < await store._redis.ttl(store._key(part, stream.id)) <= LIFE_S
        script.say(None)


async def test_a_word_that_is_cancelled_stays_cancelled(redis_store: StoreMaker) -> None:
    for turns in range(12):
        store = redis_store(f"proxy-{turns}")
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(store.head("stream_1"))
            for _ in range(turns):
                await asyncio.sleep(0)
            was_over = asking.done()
            asking.cancel()
            await asyncio.wait([asking])
            assert was_over or asking.cancelled()
        await store.close()
