"""`/v1/responses/{id}`, driven by openai-python: retrieved, followed, cancelled, deleted, listed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx2
import pytest
from openai import AsyncOpenAI, BadRequestError, NotFoundError

from switchyard_proxy.access.callers import Caller, Role
from switchyard_proxy.api import responses
from switchyard_proxy.asgi import Receive, Scope, Send
from switchyard_proxy.errors import ProxyError, tell
from switchyard_proxy.replies import Reply
from switchyard_proxy.request import Request
from switchyard_proxy.streams.hub import Streams
from switchyard_proxy.streams.memory import MemoryStore
from switchyard_proxy.streams.recorder import Recorder
from switchyard_proxy.streams.stream import Kind, Order, Stream
from tests.proxy.streams.benches import EVENTS, JSON, Script, running, until, until_over
from tests.proxy.streams.replies_of_engines import words
from tests.proxy.streams.test_recorder import Client

ORDER = Order("ann", "chat", Kind.RESPONSES, background=True, request=b'{"model": "chat", "input": "hi"}')
HELLO = words("Hel", "lo")


class Routes:
    """The handlers behind ASGI, as the proxy has them."""

    def __init__(self, streams: Streams, caller: Caller) -> None:
        self._streams = streams
        self._caller = caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope | {"switchyard.client": None})
        reply = Reply(send, b"req_1")
        _, _, below = scope["path"].partition("/responses/")
        name, _, action = below.partition("/")
        ask = {
            ("GET", ""): responses.retrieve,
            ("DELETE", ""): responses.delete,
            ("POST", "cancel"): responses.cancel,
            ("GET", "input_items"): responses.input_items,
        }[scope["method"], action]
        try:
            await ask(request, reply, self._caller, self._streams, name)
        except ProxyError as error:
            told = tell(error)
            await reply.whole(told.status, [*told.headers, JSON[0]], told.payload)


@pytest.fixture
async def streams() -> AsyncIterator[Streams]:
    async with running(MemoryStore()) as streams:
        yield streams


@contextlib.asynccontextmanager
async def client_of(streams: Streams, name: str = "ann") -> AsyncIterator[AsyncOpenAI]:
    transport = httpx2.ASGITransport(Routes(streams, Caller(name, Role.USE)))
    async with httpx2.AsyncClient(transport=transport) as http:
        yield AsyncOpenAI(base_url="http://proxy/v1", api_key="k", http_client=http, max_retries=0)


@pytest.fixture
async def openai(streams: Streams) -> AsyncIterator[AsyncOpenAI]:
    async with client_of(streams) as client:
        yield client


async def ended(streams: Streams, *events: bytes) -> Stream:
    script = Script()
    stream = streams.start(ORDER, script)
    script.say(*events, None)
    return await until_over(streams, stream)


async def test_a_background_response_is_queued_then_in_progress_then_completed(
    streams: Streams, openai: AsyncOpenAI
) -> None:
    script = Script()
    stream = streams.start(ORDER, script)
    seen = [(await openai.responses.retrieve(stream.id)).status]
    script.say(*HELLO[:5])
    await until(lambda: script.said == 5)
    half = await openai.responses.retrieve(stream.id)
    script.say(*HELLO[5:], None)
    await until_over(streams, stream)
    whole = await openai.responses.retrieve(stream.id)

    assert [*seen, half.status, whole.status] == ["queued", "in_progress", "completed"]
    assert (half.output_text, whole.output_text) == ("Hel", "Hello")
    assert half.id == whole.id == stream.id
    assert whole.background is True


async def test_u1_the_rest_of_a_stream_follows_starting_after(streams: Streams, openai: AsyncOpenAI) -> None:
    stream = await ended(streams, *HELLO)

    for after in range(-1, len(HELLO)):
        more = {} if after < 0 else {"starting_after": after}
        found = [
            event.sequence_number
            async for event in await openai.responses.retrieve(stream.id, stream=True, **more)
        ]
        assert found == list(range(after + 1, len(HELLO)))


async def test_u2_the_streaming_helper_that_filters_by_itself_works(
    streams: Streams, openai: AsyncOpenAI
) -> None:
    stream = await ended(streams, *HELLO)

    async with openai.responses.stream(response_id=stream.id, starting_after=4) as following:
        numbers = [event.sequence_number async for event in following]
        final = await following.get_final_response()

    assert numbers[0] == 5
    assert final.output_text == "Hello"


@pytest.mark.parametrize("said", [0, 1, 5])
async def test_u3_the_stream_of_a_cancelled_response_terminates(
    said: int, streams: Streams, openai: AsyncOpenAI
) -> None:
    script = Script()
    stream = streams.start(ORDER, script)
    script.say(*HELLO[:said])
    await until(lambda: script.said == said)

    first = await openai.responses.cancel(stream.id)
    again = await openai.responses.cancel(stream.id)
    async with asyncio.timeout(5):
        events = [event async for event in await openai.responses.retrieve(stream.id, stream=True)]

    assert first.status == again.status == "cancelled"
    assert events[-1].type == "response.failed"
    assert events[-1].response.status == "cancelled"
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert first.output_text == ("Hel" if said == 5 else "")


async def test_u3_the_stream_of_a_failed_response_terminates(streams: Streams, openai: AsyncOpenAI) -> None:
    stream = await ended(streams, *HELLO[:5])

    events = [event async for event in await openai.responses.retrieve(stream.id, stream=True)]
    found = await openai.responses.retrieve(stream.id)

    assert events[-1].type == "response.failed"
    assert (found.status, found.output_text) == ("failed", "Hel")
    assert found.error is not None


async def test_an_engine_that_refuses_makes_a_failed_response(streams: Streams, openai: AsyncOpenAI) -> None:
    async def refuse(sink: object) -> None:
        await sink.start(400, JSON)  # type: ignore[attr-defined]
        await sink.body(b'{"error": {"message": "context too long"}}', last=True)  # type: ignore[attr-defined]

    stream = await until_over(streams, streams.start(ORDER, refuse))

    found = await openai.responses.retrieve(stream.id)

    assert found.status == "failed"
    assert found.error is not None
    assert found.error.message == "context too long"


async def test_a_response_that_its_client_got_itself_is_retrieved_and_not_cancelled(
    streams: Streams, openai: AsyncOpenAI
) -> None:
    with Recorder(Client(), streams, Order("ann", "chat", Kind.RESPONSES)) as recorder:
        await recorder.start(200, EVENTS)
        await recorder.body(b"".join(HELLO), last=True)

    found = await openai.responses.retrieve("resp_engine")
    with pytest.raises(BadRequestError, match="background"):
        await openai.responses.cancel("resp_engine")

    assert found.output_text == "Hello"


async def test_a_response_in_one_piece_cannot_be_streamed(streams: Streams, openai: AsyncOpenAI) -> None:
    with Recorder(Client(), streams, Order("ann", "chat", Kind.RESPONSES)) as recorder:
        await recorder.start(200, JSON)
        await recorder.body(b'{"id": "resp_engine", "object": "response", "status": "completed"}', last=True)

    assert (await openai.responses.retrieve("resp_engine")).status == "completed"
    with pytest.raises(BadRequestError):
        await openai.responses.retrieve("resp_engine", stream=True)


async def test_a_deleted_response_is_gone(streams: Streams, openai: AsyncOpenAI) -> None:
    stream = await ended(streams, *HELLO)

    await openai.responses.delete(stream.id)

    with pytest.raises(NotFoundError):
        await openai.responses.retrieve(stream.id)


async def test_its_input_is_listed(streams: Streams, openai: AsyncOpenAI) -> None:
    stream = await ended(streams, *HELLO)

    page = await openai.responses.input_items.list(stream.id)

    assert [item.content[0].text for item in page.data] == ["hi"]  # type: ignore[union-attr, index]


async def test_a_response_is_its_owners_alone(streams: Streams) -> None:
    stream = await ended(streams, *HELLO)

    async with client_of(streams, "bob") as bob:
        for asked in (
            bob.responses.retrieve(stream.id),
            bob.responses.cancel(stream.id),
            bob.responses.delete(stream.id),
            bob.responses.input_items.list(stream.id),
        ):
            with pytest.raises(NotFoundError) as refused:
                await asked
            assert refused.value.code == "stream_not_found"


async def test_a_stream_that_is_no_response_is_not_shown_as_one(streams: Streams, openai: AsyncOpenAI) -> None:
    script = Script()
    stream = streams.start(Order("ann", "chat", Kind.CHAT), script)
    script.say(None)

    with pytest.raises(NotFoundError):
        await openai.responses.retrieve(stream.id)
