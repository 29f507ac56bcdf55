"""Back-pressure: what happens when a log is full, and to whom."""

import asyncio
from dataclasses import replace

import pytest

from switchyard_proxy.errors import Refused
from switchyard_proxy.streams.listening import Beat, Listening, Overtaken
from switchyard_proxy.streams.memory import MemoryStore
from switchyard_proxy.streams.room import STALL_S
from switchyard_proxy.streams.shelf import SMALLEST_SHARE
from switchyard_proxy.streams.stream import Kind, Status
from tests.proxy.streams.benches import (
    CHAT,
    Clock,
    Heard,
    Script,
    StoreMaker,
    event,
    events,
    listen,
    running,
    until,
    until_over,
)

KIB = 1024
FULL = 256 * KIB
LARGE = 32 * KIB


async def test_a_log_longer_than_its_limit_passes_whole_to_whoever_keeps_up(store_maker: StoreMaker) -> None:
    async with running(store_maker("proxy-1"), log_bytes=FULL) as streams, asyncio.TaskGroup() as tasks:
        script = Script()
        stream = streams.start(CHAT, script)
        readers = [tasks.create_task(listen(streams, stream)) for _ in range(2)]
        largest = 0

        for number in range(1, 101):
            script.say(event(number, LARGE))
            await until(lambda n=number: script.said == n)
            largest = max(largest, streams.shelf.lives[stream.id].window.size)
        script.say(None)

        for reader in readers:
            assert (await reader).events == events(100, LARGE)
        assert largest <= FULL + 2 * LARGE
        assert (await until_over(streams, stream)).first > 1


async def test_the_engine_waits_for_the_slowest_listener() -> None:
    async with running(MemoryStore(), log_bytes=FULL) as streams, asyncio.TaskGroup() as tasks:
        script = Script()
        stream = streams.start(CHAT, script)
        fast = tasks.create_task(listen(streams, stream))
        async with streams.listening(stream, 0) as slow:
            script.say(*events(40, LARGE))
            await until(lambda: not streams.room.has(streams.shelf.lives[stream.id]))
            stopped_at = script.said
            for _ in range(50):
                await asyncio.sleep(0)
            assert script.said == stopped_at < 40

            heard = 0
            async for said in slow:
                assert not isinstance(said, Beat)
                heard += len(said.events)
                if heard == 40:
                    break
        script.say(None)
        assert (await fast).numbers == list(range(1, 41))


async def test_with_nobody_there_the_engine_waits_and_whoever_comes_misses_nothing() -> None:
    async with running(MemoryStore(), log_bytes=FULL) as streams:
        script = Script()
        stream = streams.start(CHAT, script)
        script.say(*events(40, LARGE), None)
        await until(lambda: not streams.room.has(streams.shelf.lives[stream.id]))

        heard = await listen(streams, stream)

    assert heard.events == events(40, LARGE)


async def test_a_background_stream_that_fills_its_log_ends_with_an_honest_error() -> None:
    async with running(MemoryStore(), log_bytes=FULL) as streams:
        script = Script()
        stream = streams.start(replace(CHAT, kind=Kind.RESPONSES, background=True), script)
        script.say(*events(40, LARGE), None)

        ended = await until_over(streams, stream)
        heard = await listen(streams, ended)

    assert ended.status is Status.FAILED
    assert b"is full" in heard.events[-1]
    assert heard.numbers == list(range(1, len(heard.events) + 1))


async def test_a_listener_that_takes_nothing_is_overtaken_after_a_while() -> None:
    clock = Clock()
    async with (
        running(MemoryStore(), log_bytes=FULL, clock=clock) as streams,
        asyncio.TaskGroup() as tasks,
    ):
        script, heard = Script(), Heard()
        stream = streams.start(CHAT, script)
        async with streams.listening(stream, 0) as stuck:
            script.say(event(1, LARGE))
            await stuck.__anext__()
            script.say(*events(40, LARGE)[1:], None)
            tasks.create_task(listen(streams, stream, heard=heard))
            await until(lambda: not streams.room.has(streams.shelf.lives[stream.id]))

            clock.at += STALL_S + 1
            heard_up_to = len(heard.events)
            await until(lambda: len(heard.events) > heard_up_to or bool(heard.events[39:]))

            with pytest.raises(Overtaken):
                await _read_on(stuck)
        await until(lambda: len(heard.events) == 40)


async def test_a_reader_who_comes_too_late_is_told_where_the_log_begins() -> None:
    async with running(MemoryStore(), log_bytes=FULL) as streams, asyncio.TaskGroup() as tasks:
        script = Script()
        stream = streams.start(CHAT, script)
        reading = tasks.create_task(listen(streams, stream))
        script.say(*events(100, LARGE), None)
        await reading
        await until(lambda: not streams.shelf.lives)
        found = await streams.find(stream.id, None)

        with pytest.raises(Refused, match=f"begins at {found.first} now"):
            streams.listening(found, 0)
        later = await listen(streams, found, found.first - 1)

    assert later.events == events(100, LARGE)[found.first - 1 :]


async def test_all_logs_together_make_room_at_the_cost_of_what_is_over(store_maker: StoreMaker) -> None:
    async with running(store_maker("proxy-1"), logs_bytes=FULL) as streams, asyncio.TaskGroup() as tasks:
        old = Script()
        first = streams.start(CHAT, old)
        old.say(*events(6, LARGE), None)
        await listen(streams, first)
        await until(lambda: not streams.shelf.lives)
        script = Script()
        second = streams.start(CHAT, script)
        reading = tasks.create_task(listen(streams, second))

        script.say(*events(6, LARGE), None)

        assert (await reading).events == events(6, LARGE)
        with pytest.raises(Refused):
            await streams.find(first.id, None)


async def test_running_logs_share_what_room_there_is() -> None:
    async with running(MemoryStore(), logs_bytes=4 * SMALLEST_SHARE) as streams, asyncio.TaskGroup() as tasks:
        scripts = [Script() for _ in range(3)]
        readers = []
        for script in scripts:
            stream = streams.start(CHAT, script)
            readers.append(tasks.create_task(listen(streams, stream)))
            script.say(*events(200, LARGE), None)

        largest = 0
        while not all(reader.done() for reader in readers):
            largest = max(largest, streams.shelf.here)
            await asyncio.sleep(0)

        for reader in readers:
            assert reader.result().events == events(200, LARGE)
        assert largest <= 4 * SMALLEST_SHARE + 3 * (LARGE + SMALLEST_SHARE)


async def _read_on(listening: Listening) -> None:
    async for _ in listening:
        pass
