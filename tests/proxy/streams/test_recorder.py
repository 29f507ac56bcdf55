"""A response that is kept on its way to its client: the client gets the same bytes, kept or not."""

import contextlib
import json

import pytest

from switchyard_proxy.asgi import Header
from switchyard_proxy.errors import ClientGone
from switchyard_proxy.streams.memory import MemoryStore
from switchyard_proxy.streams.recorder import Recorder
from switchyard_proxy.streams.responses import payload_of
from switchyard_proxy.streams.stream import Kind, Order, Status
from tests.proxy.streams.benches import EVENTS, JSON, listen, running, until, until_over
from tests.proxy.streams.replies_of_engines import response, words

ORDER = Order("ann", "chat", Kind.RESPONSES, request=b'{"input": "hi"}')
HELLO = words("Hel", "lo")


class Client:
    """Takes a reply, until it leaves."""

    def __init__(self, leaves_after: int = 1_000_000) -> None:
        self.started = False
        self.complete = False
        self.got = b""
        self._left = leaves_after

    async def start(self, status: int, headers: list[Header]) -> None:
        self.started = True

    async def body(self, data: bytes, *, last: bool) -> None:
        self._left -= 1
        if self._left < 0:
            raise ClientGone
        self.got += data
        self.complete = last

    async def beat(self, data: bytes) -> None:
        self.got += data


async def test_a_streamed_response_is_kept_under_the_engines_id() -> None:
    async with running(MemoryStore()) as streams:
        client = Client()
        with Recorder(client, streams, ORDER) as recorder:
            await recorder.start(200, EVENTS)
            await recorder.beat(b": keepalive\n\n")
            for event in HELLO:
                await recorder.body(event, last=False)
            await recorder.body(b"", last=True)
            assert recorder.complete

        kept = await streams.find("resp_engine", "ann")
        heard = await listen(streams, kept)

    assert client.got == b": keepalive\n\n" + b"".join(HELLO)
    assert heard.events == HELLO
    assert kept.status is Status.FINISHED
    assert not kept.background


@pytest.mark.parametrize("cut", [1, 7, 100])
async def test_it_is_kept_wherever_its_bytes_are_cut(cut: int) -> None:
    text = b"".join(HELLO)
    async with running(MemoryStore()) as streams:
        with Recorder(Client(), streams, ORDER) as recorder:
            await recorder.start(200, EVENTS)
            for at in range(0, len(text), cut):
                await recorder.body(text[at : at + cut], last=False)
            await recorder.body(b"", last=True)

        heard = await listen(streams, await streams.find("resp_engine", "ann"))

    assert heard.events == HELLO


async def test_a_response_in_one_piece_is_kept_as_it_is() -> None:
    text = json.dumps(response("completed")).encode()
    async with running(MemoryStore()) as streams:
        with Recorder(Client(), streams, ORDER) as recorder:
            await recorder.start(200, JSON)
            await recorder.body(text[:20], last=False)
            await recorder.body(text[20:], last=True)

        kept = await streams.find("resp_engine", "ann")
        heard = await listen(streams, kept)

    assert heard.text == text
    assert not kept.has_events


async def test_when_the_client_leaves_the_kept_part_ends_as_cancelled() -> None:
    async with running(MemoryStore()) as streams:
        with contextlib.suppress(ClientGone), Recorder(Client(leaves_after=5), streams, ORDER) as recorder:
            await recorder.start(200, EVENTS)
            for event in HELLO:
                await recorder.body(event, last=False)

        kept = await until_over(streams, await streams.find("resp_engine", "ann"))
        heard = await listen(streams, kept)

    assert kept.status is Status.CANCELLED
    assert heard.events[:-1] == HELLO[:5]
    assert payload_of(heard.events[-1])["response"]["status"] == "cancelled"


async def test_an_error_or_a_reply_without_an_id_is_not_kept() -> None:
    async with running(MemoryStore()) as streams:
        for status, text in ((400, b'{"id": "resp_engine"}'), (200, b"{}"), (200, b'{"id": "../x"}')):
            with Recorder(Client(), streams, ORDER) as recorder:
                await recorder.start(status, JSON)
                await recorder.body(text, last=True)

        assert await streams.listed(None) == []


async def test_an_id_that_somebody_has_already_is_not_taken_over() -> None:
    async with running(MemoryStore()) as streams:
        for owner, said in (("ann", words("a")), ("eve", words("e", "v", "e"))):
            client = Client()
            with Recorder(client, streams, Order(owner, "chat", Kind.RESPONSES)) as recorder:
                await recorder.start(200, EVENTS)
                await recorder.body(b"".join(said), last=True)
            assert client.got == b"".join(said)
            await until(lambda: not streams.shelf.lives)

        (kept,) = await streams.listed(None)
        heard = await listen(streams, kept)

    assert kept.owner == "ann"
    assert heard.events == words("a")


async def test_a_reply_too_large_to_keep_still_reaches_its_client_whole() -> None:
    async with running(MemoryStore(), log_bytes=20_000) as streams:
        client = Client()
        said = words(*["word " * 100] * 200)
        with Recorder(client, streams, ORDER) as recorder:
            await recorder.start(200, EVENTS)
            for event in said:
                await recorder.body(event, last=False)
            await recorder.body(b"", last=True)

        kept = await until_over(streams, await streams.find("resp_engine", "ann"))

    assert client.got == b"".join(said)
    assert kept.status is Status.FAILED
