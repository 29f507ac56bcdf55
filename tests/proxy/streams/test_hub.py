"""Streams as their readers see them: late, together, slow, from any event on; and how each comes to its end."""

import asyncio
import json
from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.errors import ProxyError, Refused, Unavailable
from switchyard_proxy.replies import Sink
from switchyard_proxy.streams.memory import MemoryStore
from switchyard_proxy.streams.shelf import SMALLEST_SHARE
from switchyard_proxy.streams.stream import Kind, Status, Stream
from tests.proxy.streams.benches import (
    CHAT,
    EVENTS,
    JSON,
    SOON_S,
    Heard,
    Script,
    StoreMaker,
    event,
    events,
    listen,
    running,
    until,
    until_over,
    until_written,
)

DONE = b"data: [DONE]\n\n"


async def test_a_reader_gets_every_event_once_and_in_order(store_maker: StoreMaker) -> None:
    async with running(store_maker("proxy-1")) as streams, asyncio.TaskGroup() as tasks:
        script = Script()
        stream = streams.start(CHAT, script)
        reading = tasks.create_task(listen(streams, stream))

        script.say(*events(100), None)
        heard = await reading

    assert heard.events == events(100)
    assert heard.numbers == list(range(1, 101))


async def test_readers_come_together_late_and_from_any_event(store_maker: StoreMaker) -> None:
    async with running(store_maker("proxy-1")) as streams, asyncio.TaskGroup() as tasks:
        script = Script()
        stream = streams.start(CHAT, script)
        early = [tasks.create_task(listen(streams, stream)) for _ in range(3)]
        script.say(*events(50))
        await until(lambda: script.said == 50)
        late = tasks.create_task(listen(streams, stream))
        middle = tasks.create_task(listen(streams, stream, after=20))
        ahead = tasks.create_task(listen(streams, stream, after=60))

        script.say(*events(80)[50:], None)
        whole = [await task for task in (*early, late)]

        assert all(heard.events == events(80) for heard in whole)
        assert (await middle).events == events(80)[20:]
        assert (await ahead).events == events(80)[60:]
        after_the_end = await listen(streams, await until_over(streams, stream), after=79)
        assert after_the_end.events == events(80)[79:]


async def test_what_is_over_is_read_from_the_store_again(store_maker: StoreMaker) -> None:
    async with running(store_maker("proxy-1")) as streams:
        script = Script()
        stream = streams.start(CHAT, script)
        script.say(*events(300, size=1000), None)
        await until(lambda: not streams.shelf.lives)

        found = await streams.find(stream.id, "ann")
        heard = await listen(streams, found)

    assert (found.status, found.last) == (Status.FINISHED, 300)
    assert heard.events == events(300, size=1000)


async def test_a_reader_far_behind_a_running_stream_catches_up_from_the_store(store_maker: StoreMaker) -> None:
    async with running(store_maker("proxy-1")) as streams, asyncio.TaskGroup() as tasks:
        script = Script()
        stream = streams.start(CHAT, script)
        script.say(*events(500, size=1000))
        live = streams.shelf.lives[stream.id]
        await until(lambda: script.said == 500 and live.recent_after(0) is None)
        reading = tasks.create_task(listen(streams, stream))

        script.say(event(501), None)

        assert (await reading).numbers == list(range(1, 502))


async def test_a_reader_in_another_process_follows(shared_store_maker: StoreMaker) -> None:
    async with (
        running(shared_store_maker("proxy-1")) as here,
        running(shared_store_maker("proxy-2"), "proxy-2") as there,
        asyncio.TaskGroup() as tasks,
    ):
        script, heard = Script(), Heard()
        stream = here.start(CHAT, script)
        script.say(*events(5))
        await until_written(here, stream, 5)
        found = await there.find(stream.id, "ann")
        reading = tasks.create_task(listen(there, found, 2, heard))
        await until(lambda: len(heard.events) == 3)

        script.say(*events(9)[5:], None)
        await reading

    assert heard.events == events(9)[2:]


async def test_a_stream_is_cancelled_from_another_process(shared_store_maker: StoreMaker) -> None:
    async with (
        running(shared_store_maker("proxy-1")) as here,
        running(shared_store_maker("proxy-2"), "proxy-2") as there,
    ):
        script = Script()
        stream = here.start(CHAT, script)
        script.say(event(1))
        await until_written(here, stream, 1)

        cancelled = await there.cancel(await there.find(stream.id, None))

        assert cancelled.status is Status.CANCELLED
        assert script.was_cancelled
        heard = await listen(there, cancelled)
        assert heard.events[0] == event(1)
        assert json.loads(heard.events[1][6:])["error"]["code"] == "request_cancelled"
        assert heard.events[2:] == [DONE]


class TellsLate(MemoryStore):
    """What it finds is old by the time it is told."""

    may_tell: asyncio.Event

    async def streams(self, owner: str | None, limit: int) -> list[Stream]:
        found = await super().streams(owner, limit)
        await self.may_tell.wait()
        return found


async def test_what_was_cancelled_is_listed_so_though_the_store_is_slow() -> None:
    store = TellsLate()
    store.may_tell = asyncio.Event()
    async with running(store) as streams, asyncio.TaskGroup() as tasks:
        stream = streams.start(CHAT, Script())
        await until_found(store, stream)

        await streams.cancel(stream)
        listing = tasks.create_task(streams.listed(None))
        await until(lambda: stream.id not in streams.shelf.lives)
        store.may_tell.set()

        assert [one.status for one in await listing] == [Status.CANCELLED]


async def until_found(store: MemoryStore, stream: Stream) -> None:
    async with asyncio.timeout(SOON_S):
        while await store.head(stream.id) is None:
            await asyncio.sleep(0)


async def test_cancelling_ends_the_work_and_tells_every_reader(store_maker: StoreMaker) -> None:
    async with running(store_maker("proxy-1")) as streams, asyncio.TaskGroup() as tasks:
        script = Script()
        stream = streams.start(CHAT, script)
        script.say(*events(3))
        readers = [tasks.create_task(listen(streams, stream)) for _ in range(2)]
        await until(lambda: script.said == 3)

        first = await streams.cancel(stream)
        again = await streams.cancel(first)

        assert (first.status, again.status) == (Status.CANCELLED, Status.CANCELLED)
        for reader in readers:
            heard = await reader
            assert heard.events[:3] == events(3)
            assert b"request_cancelled" in heard.events[3]
            assert heard.events[4:] == [DONE]
        await script.ended.wait()
        assert script.was_cancelled


async def test_a_stream_cancelled_before_it_began_answers_with_an_error() -> None:
    async with running(MemoryStore()) as streams:

        async def wait_for_ever(sink: Sink) -> None:
            await asyncio.Event().wait()

        stream = streams.start(CHAT, wait_for_ever)

        ended = await streams.cancel(stream)
        heard = await listen(streams, ended)

    assert (ended.code, ended.content_type) == (409, b"application/json")
    assert json.loads(heard.text)["error"]["code"] == "request_cancelled"


@pytest.mark.parametrize("at", range(8))
async def test_cancelled_at_any_point_the_log_has_an_honest_end_and_no_task_is_left(at: int) -> None:
    async with running(MemoryStore(), log_bytes=500) as streams, asyncio.TaskGroup() as tasks:
        steps = 0

        async def work(sink: Sink) -> None:
            nonlocal steps
            await sink.start(200, EVENTS)
            for number in range(1, 100):
                await asyncio.sleep(0)
                steps += 1
                await sink.body(event(number), last=False)

        stream = streams.start(CHAT, work)
        reading = tasks.create_task(listen(streams, stream))
        await until(lambda: steps >= at)

        await streams.cancel(stream)
        heard = await reading

        assert heard.numbers == list(range(1, len(heard.events) + 1))
        assert b"request_cancelled" in heard.text
        assert heard.text.endswith(DONE) or len(heard.events) == 1
        task = streams.shelf.lives[stream.id].task if stream.id in streams.shelf.lives else None
        await until(lambda: task is None or task.done())


@pytest.mark.parametrize("at", range(6))
async def test_a_reader_that_is_cancelled_anywhere_leaves_nothing_behind(
    at: int, store_maker: StoreMaker
) -> None:
    async with running(store_maker("proxy-1")) as streams, asyncio.TaskGroup() as tasks:
        script = Script()
        stream = streams.start(CHAT, script)
        live = streams.shelf.lives[stream.id]
        reading = tasks.create_task(listen(streams, stream))
        script.say(*events(at))
        for _ in range(at):
            await asyncio.sleep(0)

        reading.cancel()
        await asyncio.wait([reading])

        assert not live.ears
        assert live.alone_since is not None
        script.say(None)
        await until_over(streams, stream)


async def test_work_that_ends_without_an_end_is_told_as_broken() -> None:
    async with running(MemoryStore()) as streams:

        async def work(sink: Sink) -> None:
            await sink.start(200, EVENTS)
            await sink.body(event(1), last=False)

        stream = streams.start(CHAT, work)
        heard = await listen(streams, stream)

    assert json.loads(heard.events[1][6:])["error"]["code"] == "stream_broken"
    assert heard.events[2] == DONE


@pytest.mark.parametrize(
    ("failure", "code"),
    [(Refused(ErrorCode.INVALID_VALUE, "cannot"), "invalid_value"), (ZeroDivisionError(), "internal_error")],
)
async def test_work_that_fails_is_told_in_the_words_of_its_api(failure: Exception, code: str) -> None:
    async with running(MemoryStore()) as streams:
        script = Script()
        stream = streams.start(replace(CHAT, kind=Kind.MESSAGES), script)
        script.say(event(1), failure)

        heard = await listen(streams, stream)
        ended = await until_over(streams, stream)

    assert ended.status is Status.FAILED
    assert heard.events[1].startswith(b"event: error\ndata: ")
    told = json.loads(heard.events[1].split(b"data: ")[1])
    assert told["type"] == "error"
    assert "cannot" in told["error"]["message"], code


async def test_work_refused_before_it_began_is_the_error_that_it_would_be_for_any_client() -> None:
    async with running(MemoryStore()) as streams:

        async def refuse(sink: Sink) -> None:
            raise Unavailable(ErrorCode.QUEUE_FULL, "cannot take more", retry_after_s=7)

        stream = await until_over(streams, streams.start(CHAT, refuse))
        heard = await listen(streams, stream)

    assert (stream.status, stream.code) == (Status.FAILED, 429)
    assert dict(stream.headers) == {b"content-type": b"application/json", b"retry-after": b"7"}
    assert json.loads(heard.text)["error"]["code"] == "queue_full"


async def test_an_error_frame_of_the_engine_makes_it_a_failed_stream() -> None:
    async with running(MemoryStore()) as streams:
        script = Script()
        stream = streams.start(CHAT, script)
        script.say(event(1), b'data: {"error": {"message": "out of memory"}}\n\n', None)

        ended = await until_over(streams, stream)

    assert ended.status is Status.FAILED


async def test_a_reply_that_is_no_stream_of_events_is_kept_byte_by_byte() -> None:
    async with running(MemoryStore()) as streams:

        async def work(sink: Sink) -> None:
            await sink.start(200, [*JSON, (b"content-length", b"12")])
            await sink.body(b'{"a":\n\n', last=False)
            await sink.body(b'"b" }', last=True)

        stream = streams.start(CHAT, work)
        heard = await listen(streams, stream)
        ended = await until_over(streams, stream)

    assert heard.events == [b'{"a":\n\n', b'"b" }']
    assert (ended.status, ended.headers) == (Status.FINISHED, tuple(JSON))


async def test_a_beat_is_heard_and_never_logged() -> None:
    async with running(MemoryStore()) as streams, asyncio.TaskGroup() as tasks:
        script, heard = Script(), Heard()
        stream = streams.start(CHAT, script)
        reading = tasks.create_task(listen(streams, stream, heard=heard))
        script.say(event(1))
        await until(lambda: len(heard.events) == 1)
        assert script.sink is not None

        await script.sink.beat(b"data: {}\n\n")
        await until(lambda: heard.beats == [b"data: {}\n\n"])
        script.say(event(2), None)
        await reading
        later = await listen(streams, stream)

    assert heard.numbers == [1, 2]
    assert (later.events, later.beats) == (events(2), [])


async def test_silence_is_filled_with_beats_in_this_process_and_in_others(
    shared_store_maker: StoreMaker,
) -> None:
    async with (
        running(shared_store_maker("proxy-1"), beat_s=0.01) as here,
        running(shared_store_maker("proxy-2"), "proxy-2", beat_s=0.01) as there,
        asyncio.TaskGroup() as tasks,
    ):
        script, near, far = Script(), Heard(), Heard()
        stream = here.start(CHAT, script)
        script.say(event(1))
        await until_written(here, stream, 1)
        tasks.create_task(listen(here, stream, heard=near))
        tasks.create_task(listen(there, await there.find(stream.id, None), heard=far))

        await until(lambda: len(near.beats) > 1 and len(far.beats) > 1)
        script.say(None)

    assert {*near.beats, *far.beats} == {b": keepalive\n"}


async def test_when_the_proxy_stops_every_stream_gets_an_honest_end_that_lasts(
    shared_store_maker: StoreMaker,
) -> None:
    async with asyncio.TaskGroup() as tasks, running(shared_store_maker("proxy-1")) as streams:
        script, heard = Script(), Heard()
        stream = streams.start(CHAT, script)
        script.say(event(1))
        tasks.create_task(listen(streams, stream, heard=heard))
        await until(lambda: len(heard.events) == 1)
        streams.stop("the proxy stops")
        await until(lambda: heard.text.endswith(DONE))
        await script.ended.wait()

    async with running(shared_store_maker("proxy-2"), "proxy-2") as streams:
        found = await streams.find(stream.id, None)
        again = await listen(streams, found)

    assert found.status is Status.INTERRUPTED
    assert again.events == heard.events
    assert json.loads(again.events[1][6:])["error"]["code"] == "stream_broken"


async def test_nothing_begins_once_the_proxy_stops() -> None:
    async with running(MemoryStore()) as streams:
        pass

    with pytest.raises(Unavailable):
        streams.start(CHAT, Script())


async def test_a_stream_is_its_owners_alone() -> None:
    async with running(MemoryStore()) as streams:
        script = Script()
        stream = streams.start(replace(CHAT, conversation="talk"), script)

        assert (await streams.find(stream.id, "ann")).id == stream.id
        assert (await streams.find_conversation("talk", None)).id == stream.id
        assert [one.id for one in await streams.listed("ann")] == [stream.id]
        assert await streams.listed("bob") == []
        for asked in (streams.find(stream.id, "bob"), streams.find_conversation("talk", "bob")):
            with pytest.raises(Refused) as refused:
                await asked
            assert refused.value.code is ErrorCode.STREAM_NOT_FOUND
        script.say(None)


async def test_a_deleted_stream_is_gone_for_good(store_maker: StoreMaker) -> None:
    async with running(store_maker("proxy-1")) as streams:
        script = Script()
        stream = streams.start(CHAT, script)
        script.say(event(1))
        await until(lambda: script.said == 1)

        await streams.delete(stream)

        assert script.was_cancelled
        with pytest.raises(Refused):
            await streams.find(stream.id, None)
        assert await streams.listed(None) == []


async def test_no_more_streams_are_begun_than_there_is_room_for() -> None:
    async with running(MemoryStore(), logs_bytes=2 * SMALLEST_SHARE) as streams:
        scripts = [Script(), Script()]
        for script in scripts:
            streams.start(CHAT, script)

        with pytest.raises(ProxyError) as refused:
            streams.start(CHAT, Script())

        assert refused.value.code is ErrorCode.OVERLOADED
        for script in scripts:
            script.say(None)
        await until(lambda: all(live.over for live in streams.shelf.lives.values()))
        streams.start(CHAT, scripts[0])
        scripts[0].say(None)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_a_replay_and_what_follows_are_the_original_at_any_seam(data: st.DataObject) -> None:
    said = data.draw(st.lists(st.binary(max_size=8).map(lambda raw: raw.hex().encode()), max_size=12))
    ends = data.draw(st.sampled_from([b"\n\n", b"\r\n\r\n", b"\r\r"]))
    text = b"".join(b"data: %b%b" % (word, ends) for word in said)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    before = data.draw(st.integers(0, len(pieces)))
    async with asyncio.timeout(SOON_S), running(MemoryStore()) as streams, asyncio.TaskGroup() as tasks:
        script = Script()
        stream = streams.start(CHAT, script)
        script.say(*pieces[:before])
        await until(lambda: script.said == before)
        known = streams.shelf.lives[stream.id].last
        after = data.draw(st.integers(0, known))
        first, seen = Heard(), Heard()
        if after:
            await listen(streams, stream, heard=first, up_to=after)
        joining = tasks.create_task(listen(streams, stream, len(first.events), seen))

        script.say(*pieces[before:], None)
        await joining

    assert first.text + seen.text == text
    assert first.numbers + seen.numbers == list(range(1, len(first.numbers + seen.numbers) + 1))
