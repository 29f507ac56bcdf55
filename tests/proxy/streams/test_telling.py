"""How a stream is told to a client: with numbers or without, to its end or not at all."""

import asyncio
from dataclasses import replace

from switchyard_proxy.replies import Sink
from switchyard_proxy.streams.listening import Pieces
from switchyard_proxy.streams.memory import MemoryStore
from switchyard_proxy.streams.stream import Kind, Order, Status, Stream
from switchyard_proxy.streams.telling import is_whole, tell, text_of
from tests.proxy.streams.benches import (
    CHAT,
    EVENTS,
    JSON,
    Script,
    StoreMaker,
    event,
    events,
    running,
    until,
    until_written,
)
from tests.proxy.streams.replies_of_engines import words
from tests.proxy.streams.test_recorder import Client


class Told(Client):
    """Remembers its head, too."""

    def __init__(self) -> None:
        super().__init__()
        self.head: tuple[int, dict[bytes, bytes]] | None = None

    async def start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.started = True
        self.head = (status, dict(headers))


async def test_a_chat_is_told_with_numbers_and_its_id() -> None:
    async with running(MemoryStore()) as streams:
        script, client = Script(), Told()
        stream = streams.start(CHAT, script)
        script.say(event(1), event(2), None)

        await tell(streams.listening(stream, 0), client)

    assert client.got == b"id: 1\n" + event(1) + b"id: 2\n" + event(2)
    assert client.complete
    assert client.head is not None
    status, headers = client.head
    assert status == 200
    assert headers[b"x-stream-id"] == stream.id.encode()
    assert headers[b"cache-control"] == b"no-cache"


async def test_events_of_responses_get_no_numbers_of_ours() -> None:
    async with running(MemoryStore()) as streams:
        script, client = Script(), Told()
        stream = streams.start(Order("ann", "chat", Kind.RESPONSES, background=True), script)
        script.say(*words("a"), None)

        await tell(streams.listening(stream, 0), client)

    assert b"id: " not in b"\n".join(line for line in client.got.split(b"\n") if line.startswith(b"id"))
    assert client.got.count(b"event: response.") == len(words("a"))


async def test_a_sign_of_life_to_a_numbered_reader_is_a_comment_of_one_line() -> None:
    async with running(MemoryStore(), beat_s=0.01) as streams, asyncio.TaskGroup() as tasks:
        script, client = Script(), Told()
        stream = streams.start(CHAT, script)
        telling = tasks.create_task(tell(streams.listening(stream, 0), client))
        await until(lambda: client.got.count(b": keepalive\n") > 1)

        script.say(event(1), None)
        await telling

    assert client.got.replace(b": keepalive\n", b"") == b"id: 1\n" + event(1)


async def test_a_document_that_broke_off_is_never_ended_politely() -> None:
    async with running(MemoryStore()) as streams:

        async def work(sink: Sink) -> None:
            await sink.start(200, JSON)
            await sink.body(b'{"half":', last=False)

        client = Told()
        stream = streams.start(CHAT, work)

        await tell(streams.listening(stream, 0), client)

    assert client.got == b'{"half":'
    assert not client.complete


async def test_a_reader_whose_log_is_deleted_under_it_is_cut_off(shared_store_maker: StoreMaker) -> None:
    first, second = shared_store_maker("proxy-1"), shared_store_maker("proxy-2")
    async with running(first) as here, running(second, "proxy-2") as there, asyncio.TaskGroup() as tasks:
        script, client = Script(), Told()
        stream = here.start(CHAT, script)
        script.say(*events(2))
        await until_written(here, stream, 2)
        telling = tasks.create_task(tell(there.listening(await there.find(stream.id, None), 0), client))
        await until(lambda: client.got.count(b"id: ") == 2)

        await second.delete(stream.id)
        await telling

        assert not client.complete
        script.say(None)


def test_only_documents_can_be_half() -> None:
    stream = replace(_stream(), headers=tuple(EVENTS), status=Status.CANCELLED, code=200)

    assert is_whole(stream)
    assert not is_whole(replace(stream, headers=tuple(JSON)))
    assert is_whole(replace(stream, headers=tuple(JSON), status=Status.FINISHED))
    assert is_whole(replace(stream, headers=tuple(JSON), code=409))


def test_events_are_numbered_from_the_first_of_the_pieces() -> None:
    assert text_of(Pieces(7, events(2)), numbered=True) == b"id: 7\n" + event(1) + b"id: 8\n" + event(2)


def _stream() -> Stream:
    return Stream("stream_1", "ann", "chat", Kind.CHAT, 1.0, "proxy-1")
