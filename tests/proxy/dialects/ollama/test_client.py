"""The real `ollama` client on our translation, with nothing in between but its own transport."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from switchyard_proxy.dialects.ollama import documents
from switchyard_proxy.dialects.ollama.requests import KINDS, Wish, read_request
from switchyard_proxy.dialects.ollama.sink import OllamaSink
from switchyard_proxy.replies import JSON
from tests.proxy.dialects.ollama.kept import NOON, SSE, Clock, Kept, chunk, sse, usage
from tests.proxy.dialects.ollama.test_documents import ALL, CHAT

ollama = pytest.importorskip("ollama")

TOOL = {"index": 0, "id": "1", "function": {"name": "weather", "arguments": '{"city": "Bern"}'}}
STREAM = sse(
    chunk(role="assistant", reasoning_content="hm"),
    chunk(content="Grüezi"),
    chunk("stop", tool_calls=[TOOL]),
    usage(3, 4),
)
MESSAGE = {"role": "assistant", "content": "Grüezi", "reasoning_content": "hm", "tool_calls": [TOOL]}
REPLY = {
    "choices": [{"message": MESSAGE, "finish_reason": "stop"}],
    "data": [{"embedding": [0.5, 1.5]}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 4},
}


class Proxy:
    """Answers as the wire would, with an engine that always says the same."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.fails = False

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path in KINDS:
            return await self._ask(path, request.content)
        known = {
            "/api/tags": lambda: documents.tags(ALL, NOON),
            "/api/ps": lambda: documents.ps(ALL),
            "/api/show": lambda: documents.show(CHAT, NOON),
            "/api/pull": lambda: documents.pulled(streams=json.loads(request.content)["stream"]),
        }
        return httpx.Response(200, content=known[path]())

    async def _ask(self, path: str, content: bytes) -> httpx.Response:
        kept = Kept()
        asked = read_request(path, content)
        sink = OllamaSink(kept, asked, Clock())
        self.asked.append(json.loads(asked.body))
        if self.fails:
            await sink.start(503, [JSON])
            await sink.body(b'{"error": {"message": "cannot load", "code": "overloaded"}}', last=True)
        elif asked.wish is not Wish.ANSWER:
            await sink.idle()
        elif asked.streams:
            await sink.start(200, SSE)
            await sink.beat(b"")
            await sink.body(STREAM, last=True)
        else:
            await sink.start(200, [JSON])
            await sink.body(json.dumps(REPLY).encode(), last=True)
        return httpx.Response(kept.status, content=kept.whole)


@pytest.fixture
def proxy() -> Proxy:
    return Proxy()


@pytest.fixture
async def client(proxy: Proxy) -> AsyncIterator[Any]:
    made = ollama.AsyncClient("http://proxy", transport=httpx.MockTransport(proxy), trust_env=False)
    yield made
    await made._client.aclose()


async def test_it_chats(client: Any) -> None:
    told = await client.chat("chat", [{"role": "user", "content": "hi"}])

    assert (told.message.content, told.message.thinking) == ("Grüezi", "hm")
    assert told.message.tool_calls[0].function.arguments == {"city": "Bern"}
    assert (told.done_reason, told.prompt_eval_count, told.eval_count) == ("stop", 3, 4)


async def test_it_chats_in_a_stream_with_beats(client: Any) -> None:
    told = [one async for one in await client.chat("chat", [{"role": "user", "content": "hi"}], stream=True)]

    assert "".join(one.message.content for one in told) == "Grüezi"
    assert [one.message.tool_calls[0].function.name for one in told if one.message.tool_calls] == ["weather"]
    assert [one.done for one in told] == [False] * (len(told) - 1) + [True]


async def test_it_gives_results_of_calls_back(client: Any, proxy: Proxy) -> None:
    first = await client.chat("chat", [{"role": "user", "content": "hi"}])
    result = {"role": "tool", "tool_name": "weather", "content": "rain"}
    await client.chat("chat", [{"role": "user", "content": "hi"}, first.message, result])

    _, call, answer = proxy.asked[-1]["messages"]
    assert answer["tool_call_id"] == call["tool_calls"][0]["id"]


async def test_it_generates_both_ways(client: Any) -> None:
    whole = await client.generate("chat", "hi", images=[b"\x89PNG\r\n"])
    parts = [one async for one in await client.generate("chat", "hi", stream=True)]

    assert (whole.response, whole.thinking) == ("Grüezi", "hm")
    assert "".join(one.response for one in parts) == "Grüezi"


async def test_it_embeds_both_ways(client: Any) -> None:
    assert (await client.embed("chat", "hi")).embeddings == [[0.5, 1.5]]
    assert (await client.embeddings("chat", "hi")).embedding == [0.5, 1.5]


@pytest.mark.parametrize(("keep_alive", "reason"), [("5m", "load"), (0, "unload")])
async def test_it_loads_and_unloads(client: Any, keep_alive: object, reason: str) -> None:
    assert (await client.generate("chat", keep_alive=keep_alive)).done_reason == reason


async def test_it_lists_and_shows_and_pulls(client: Any) -> None:
    assert [one.model for one in (await client.list()).models] == ["chat", "idle"]
    assert [one.model for one in (await client.ps()).models] == ["chat"]
    assert (await client.show("chat")).capabilities == ["completion"]
    assert (await client.pull("chat")).status == "success"
    assert [one.status async for one in await client.pull("chat", stream=True)][-1] == "success"


@pytest.mark.parametrize("streams", [True, False])
async def test_it_raises_what_went_wrong(client: Any, proxy: Proxy, *, streams: bool) -> None:
    proxy.fails = True

    with pytest.raises(ollama.ResponseError, match="cannot load") as raised:
        await consumed(await client.chat("chat", [{"role": "user", "content": "hi"}], stream=streams))

    assert raised.value.status_code == 503


async def consumed(stream: Any) -> None:
    async for _ in stream:
        pass
