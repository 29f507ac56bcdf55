"""openai-python as the client: what it makes of our replies, our streams and our errors."""

import asyncio
from collections.abc import AsyncIterator

import openai
import pytest
from openai import AsyncOpenAI

from switchyard_contracts.errors import ErrorBody, ErrorCode
from tests.proxy.conftest import House
from tests.proxy.engines import DONE, Held, chat_chunk, dies_after, dies_unanswered, says, says_json, streams
from tests.proxy.managers import GrantsWhatIsWanted, RefusesTickets
from tests.proxy.running import TRUST, RunningProxy

ASK = [{"role": "user", "content": "hi"}]
ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "chat",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
}


class Clients:
    """openai-python, pointed at a proxy. Made to wait no longer between attempts than a test may."""

    def __init__(self) -> None:
        self.open: list[AsyncOpenAI] = []

    def at(self, proxy: RunningProxy, *, key: str = "none", retries: int = 0) -> AsyncOpenAI:
        http = openai.DefaultAsyncHttpxClient(trust_env=False, verify=TRUST)
        client = AsyncOpenAI(base_url=f"{proxy.url}/v1", api_key=key, max_retries=retries, http_client=http)
        self.open.append(client)
        return client


@pytest.fixture
async def clients(house: House) -> AsyncIterator[Clients]:
    clients = Clients()
    yield clients
    for client in clients.open:
        await client.close()


async def test_gets_an_answer(house: House, clients: Clients) -> None:
    _, _, proxy = await house.serving(says_json(ANSWER))

    answer = await clients.at(proxy).chat.completions.create(model="gpt-4o", messages=ASK)

    assert answer.choices[0].message.content == "Hello"
    assert answer._request_id is not None


async def test_reads_a_stream(house: House, clients: Clients) -> None:
    _, _, proxy = await house.serving(
        streams([chat_chunk("Hel"), chat_chunk("lo"), chat_chunk(None, "stop"), DONE])
    )

    stream = await clients.at(proxy).chat.completions.create(model="chat", messages=ASK, stream=True)
    words = [chunk.choices[0].delta.content async for chunk in stream]

    assert "".join(word for word in words if word) == "Hello"


async def test_a_broken_stream_is_an_error_and_never_a_short_answer(house: House, clients: Clients) -> None:
    _, _, proxy = await house.serving(dies_after([chat_chunk("Hel"), b'data: {"id": "ha']))
    stream = await clients.at(proxy).chat.completions.create(model="chat", messages=ASK, stream=True)
    chunks = aiter(stream)

    first = await anext(chunks)

    assert first.choices[0].delta.content == "Hel"
    with pytest.raises(openai.APIError, match="cannot finish the reply"):
        await anext(chunks)


async def test_closing_a_stream_stops_the_engine(house: House, clients: Clients) -> None:
    held = Held(first=chat_chunk("Hel"))
    _, _, proxy = await house.serving(held)

    stream = await clients.at(proxy).chat.completions.create(model="chat", messages=ASK, stream=True)
    await anext(aiter(stream))
    await stream.close()

    async with asyncio.timeout(1):
        await held.gone.wait()
    await proxy.until_idle()


async def test_lists_and_retrieves_models(house: House, clients: Clients) -> None:
    _, _, proxy = await house.serving(says_json(ANSWER))
    client = clients.at(proxy)

    listed = [model.id async for model in client.models.list()]
    by_alias = await client.models.retrieve("org/chat")

    assert listed == ["chat", "eyes", "paint"]
    assert by_alias.id == "chat"


async def test_gets_embeddings_and_pictures(house: House, clients: Clients) -> None:
    vectors = {
        "object": "list",
        "model": "chat",
        "data": [{"object": "embedding", "index": 0, "embedding": "AACAPw=="}],
    }
    picture = {"created": 1, "data": [{"b64_json": "iVBORw0="}]}
    engine, _, proxy = await house.serving(says_json(vectors), says_json(picture))
    client = clients.at(proxy)

    embedded = await client.embeddings.create(model="chat", input="hi")
    painted = await client.images.generate(model="paint", prompt="a lighthouse", extra_body={"steps": 4})

    assert embedded.data[0].embedding == [1.0]
    assert painted.data is not None
    assert painted.data[0].b64_json == "iVBORw0="
    assert engine.seen[1].json["steps"] == 4


@pytest.mark.parametrize(
    ("model", "key", "error"),
    [
        ("nobody", "sk-right", openai.NotFoundError),
        ("paint", "sk-right", openai.BadRequestError),
        ("chat", "sk-wrong", openai.AuthenticationError),
    ],
)
async def test_our_refusals_are_the_errors_that_it_knows(
    house: House, clients: Clients, model: str, key: str, error: type[openai.APIStatusError]
) -> None:
    _, _, proxy = await house.serving(says_json(ANSWER), api_key="sk-right")

    with pytest.raises(error) as raised:
        await clients.at(proxy, key=key).chat.completions.create(model=model, messages=ASK)

    assert raised.value.request_id is not None
    assert str(raised.value.body["message"]).startswith("cannot")  # type: ignore[index]


async def test_does_not_ask_again_after_a_refusal_for_good(house: House, clients: Clients) -> None:
    error = ErrorBody.of(ErrorCode.MODEL_LOAD_FAILED, "cannot start chat: no driver")
    manager = await house.manager(kind=RefusesTickets, error=error)
    proxy = await house.proxy(manager)

    with pytest.raises(openai.InternalServerError, match="no driver"):
        await clients.at(proxy, retries=2).chat.completions.create(model="chat", messages=ASK)

    assert len(tickets(manager)) == 1


def tickets(manager: GrantsWhatIsWanted) -> list[str]:
    return [word.ticket for word in manager.heard if word.kind == "want"]


async def test_asks_again_when_we_say_that_it_helps(house: House, clients: Clients) -> None:
    _, _, proxy = await house.serving(dies_unanswered, dies_unanswered, says_json(ANSWER))

    with pytest.raises(openai.InternalServerError) as raised:
        await clients.at(proxy).chat.completions.create(model="chat", messages=ASK)
    answer = await clients.at(proxy).chat.completions.create(model="chat", messages=ASK)

    assert int(raised.value.response.headers["retry-after"]) == 5
    assert answer.choices[0].message.content == "Hello"


async def test_a_body_that_is_cut_short_is_a_connection_error(house: House, clients: Clients) -> None:
    async def cut_short(wire) -> None:  # type: ignore[no-untyped-def]
        await wire.head(content_length="5000")
        await wire.write(b'{"id":')
        wire.close()

    _, _, proxy = await house.serving(cut_short, says(b"{}"))

    with pytest.raises(openai.APIConnectionError):
        await clients.at(proxy).chat.completions.create(model="chat", messages=ASK)
