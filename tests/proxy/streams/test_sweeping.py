"""What is ended because nobody listens, kept because somebody does, and forgotten because it is old."""

import asyncio
from collections.abc import Collection
from dataclasses import replace

import pytest

from switchyard_proxy.errors import Refused
from switchyard_proxy.streams.memory import MemoryStore
from switchyard_proxy.streams.stream import Kind, Status
from tests.proxy.streams.benches import (
    CHAT,
    Clock,
    Heard,
    Script,
    StoreMaker,
    event,
    listen,
    running,
    until,
    until_over,
    until_written,
)


async def test_a_stream_that_nobody_listens_to_is_cancelled_after_its_time() -> None:
    clock = Clock()
    async with running(MemoryStore(), clock=clock, cancel_after_s=300) as streams, asyncio.TaskGroup() as tasks:
        script, heard = Script(), Heard()
        stream = streams.start(CHAT, script)
        script.say(event(1))
        reading = tasks.create_task(listen(streams, stream, heard=heard))
        await until(lambda: len(heard.events) == 1)

        clock.at += 10_000
        await streams.sweeper.sweep()
        assert not (await streams.find(stream.id, None)).status.over

        reading.cancel()
        await asyncio.wait([reading])
        clock.at += 299
        await streams.sweeper.sweep()
        assert not (await streams.find(stream.id, None)).status.over

        clock.at += 1
        await streams.sweeper.sweep()
        assert (await streams.find(stream.id, None)).status is Status.CANCELLED
        await script.ended.wait()


async def test_a_listener_in_another_process_keeps_a_stream_alive(shared_store_maker: StoreMaker) -> None:
    clock = Clock()
    async with (
        running(shared_store_maker("proxy-1"), clock=clock, cancel_after_s=300) as here,
        running(shared_store_maker("proxy-2"), "proxy-2") as there,
        asyncio.TaskGroup() as tasks,
    ):
        script, heard = Script(), Heard()
        stream = here.start(CHAT, script)
        script.say(event(1))
        await until_written(here, stream, 1)
        reading = tasks.create_task(listen(there, await there.find(stream.id, None), heard=heard))
        await until(lambda: len(heard.events) == 1)

        clock.at += 10_000
        await here.sweeper.sweep()
        assert not (await here.find(stream.id, None)).status.over

        reading.cancel()
        await asyncio.wait([reading])
        clock.at += 300
        await here.sweeper.sweep()
        assert (await here.find(stream.id, None)).status is Status.CANCELLED


async def test_a_storm_of_readers_that_leave_anywhere_leaves_nothing_behind(store_maker: StoreMaker) -> None:
    async with running(store_maker("proxy-1")) as streams, asyncio.TaskGroup() as tasks:
        script = Script()
        stream = streams.start(CHAT, script)
        live = streams.shelf.lives[stream.id]
        readers = []
        for number in range(1, 201):
            readers.append(tasks.create_task(listen(streams, stream, after=number // 2)))
            script.say(event(number))
            if number % 3:
                await asyncio.sleep(0)
                readers[number // 2].cancel()
        for reader in readers:
            reader.cancel()
        await asyncio.wait(readers)
        assert not live.ears

        await streams.cancel(stream)
        await until(lambda: not streams.shelf.lives)

        assert streams.shelf.here == 0
        assert (await listen(streams, await streams.find(stream.id, None))).numbers[-1] >= 2


async def test_a_listener_who_comes_at_the_last_moment_saves_a_stream() -> None:
    clock = Clock()

    class SomebodyComes(MemoryStore):
        async def heard(self, ids: Collection[str], now: float) -> dict[str, int]:
            await listening.__aenter__()
            return {}

    async with running(SomebodyComes(), clock=clock, cancel_after_s=300) as streams:
        script = Script()
        stream = streams.start(CHAT, script)
        listening = streams.listening(stream, 0)
        clock.at += 300

        await streams.sweeper.sweep()

        assert not (await streams.find(stream.id, None)).status.over
        script.say(None)
        await until_over(streams, stream)
        await listening.__aexit__(None, None, None)


async def test_a_background_stream_needs_no_listener() -> None:
    clock = Clock()
    async with running(MemoryStore(), clock=clock, cancel_after_s=0) as streams:
        script = Script()
        stream = streams.start(replace(CHAT, kind=Kind.RESPONSES, background=True), script)
        clock.at += 10_000

        await streams.sweeper.sweep()

        assert not (await streams.find(stream.id, None)).status.over
        script.say(None)
        await until_over(streams, stream)


async def test_old_streams_are_forgotten(store_maker: StoreMaker) -> None:
    now = Clock()
    async with running(store_maker("proxy-1"), now=now, keep_s=3600) as streams:
        script = Script()
        stream = streams.start(CHAT, script)
        script.say(None)
        await until(lambda: not streams.shelf.lives)
        now.at += 3599
        await streams.sweeper.tidy()
        assert (await streams.find(stream.id, None)).status is Status.FINISHED

        now.at += 2
        await streams.sweeper.tidy()

        with pytest.raises(Refused):
            await streams.find(stream.id, None)
