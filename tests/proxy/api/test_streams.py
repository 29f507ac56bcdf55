"""`/v1/streams`, by its handlers: who sees what, from where on, and how it is stopped."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.access.callers import ANYONE, Caller, Role
from switchyard_proxy.api.streams import list_streams, read_stream, stop_stream
from switchyard_proxy.asgi import Message
from switchyard_proxy.errors import Refused
from switchyard_proxy.replies import Reply
from switchyard_proxy.streams.hub import Streams
from switchyard_proxy.streams.memory import MemoryStore
from tests.proxy.streams.benches import CHAT, Script, event, events, request_of, running, until

ANN = Caller("ann", Role.USE)
BOB = Caller("bob", Role.USE)


class Wire:
    """What a client gets."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.body = b""
        self.complete = False
        self.reply = Reply(self._send, b"req_1")

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
        else:
            self.body += message["body"]
            self.complete = not message["more_body"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@pytest.fixture
async def streams() -> AsyncIterator[Streams]:
    async with running(MemoryStore()) as streams:
        yield streams


async def over(streams: Streams, count: int = 3, **more: Any) -> str:
    script = Script()
    stream = streams.start(replace(CHAT, **more), script)
    script.say(*events(count), None)
    await until(lambda: stream.id not in streams.shelf.lives)
    return stream.id


async def test_a_stream_is_read_again_from_any_event(streams: Streams) -> None:
    name, first, later = await over(streams), Wire(), Wire()

    await read_stream(request_of(), first.reply, ANN, streams, name)
    await read_stream(request_of(b"", (b"last-event-id", b"2")), later.reply, ANN, streams, name)

    assert first.body == b"".join(b"id: %d\n%b" % (n, event(n)) for n in (1, 2, 3))
    assert later.body == b"id: 3\n" + event(3)
    assert (first.status, first.complete, first.headers[b"x-stream-id"]) == (200, True, name.encode())


async def test_it_is_followed_until_it_ends(streams: Streams) -> None:
    wire, script = Wire(), Script()
    stream = streams.start(CHAT, script)
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(
            read_stream(request_of(b"starting_after=1"), wire.reply, ANN, streams, stream.id)
        )
        script.say(event(1), event(2))
        await until(lambda: b"id: 2" in wire.body)
        assert not wire.complete

        script.say(event(3), None)
        await reading

    assert wire.body == b"id: 2\n" + event(2) + b"id: 3\n" + event(3)
    assert wire.complete


async def test_a_conversation_stands_for_its_newest_stream(streams: Streams) -> None:
    await over(streams, 1, conversation="talk")
    await over(streams, 2, conversation="talk")
    wire = Wire()

    await read_stream(request_of(b"conv_id=talk&from=2"), wire.reply, ANN, streams, None)

    assert wire.body == b"id: 2\n" + event(2)


async def test_without_any_name_it_is_asked_for_one(streams: Streams) -> None:
    with pytest.raises(Refused) as refused:
        await read_stream(request_of(), Wire().reply, ANN, streams, None)

    assert refused.value.code is ErrorCode.MISSING_REQUIRED_PARAMETER


async def test_a_key_sees_its_own_streams_and_an_admin_all(streams: Streams) -> None:
    mine = await over(streams, conversation="talk")
    listed = {name: Wire() for name in ("ann", "bob", "admin")}

    for caller, wire in ((ANN, listed["ann"]), (BOB, listed["bob"]), (ANYONE, listed["admin"])):
        await list_streams(request_of(), wire.reply, caller, streams)

    assert [one["id"] for one in listed["ann"].json["data"]] == [mine]
    assert listed["bob"].json["data"] == []
    assert [one["id"] for one in listed["admin"].json["data"]] == [mine]
    for ask in (read_stream, stop_stream):
        for query, name in ((b"", mine), (b"conv_id=talk", None)):
            with pytest.raises(Refused) as refused:
                await ask(request_of(query), Wire().reply, BOB, streams, name)
            assert refused.value.code is ErrorCode.STREAM_NOT_FOUND


async def test_the_list_tells_what_there_is_to_know(streams: Streams) -> None:
    name, wire, none = await over(streams, conversation="talk"), Wire(), Wire()

    await list_streams(request_of(b"conv_id=talk"), wire.reply, ANN, streams)
    await list_streams(request_of(b"conv_id=other"), none.reply, ANN, streams)

    (shown,) = wire.json["data"]
    assert (shown["id"], shown["object"], shown["kind"], shown["status"]) == (
        name,
        "stream",
        "chat",
        "finished",
    )
    assert (shown["conversation_id"], shown["first_event"], shown["last_event"]) == ("talk", 1, 3)
    assert shown["ended_at"] >= shown["created_at"]
    assert none.json == {"object": "list", "data": []}


async def test_delete_stops_a_stream_and_then_forgets_it(streams: Streams) -> None:
    script, stopped, forgotten = Script(), Wire(), Wire()
    stream = streams.start(CHAT, script)
    script.say(event(1))
    await until(lambda: script.said == 1)

    await stop_stream(request_of(), stopped.reply, ANN, streams, stream.id)
    await until(lambda: script.was_cancelled)
    await stop_stream(request_of(), forgotten.reply, ANN, streams, stream.id)

    assert (stopped.json["status"], stopped.json["deleted"]) == ("cancelled", False)
    assert forgotten.json["deleted"] is True
    with pytest.raises(Refused):
        await stop_stream(request_of(), Wire().reply, ANN, streams, stream.id)
