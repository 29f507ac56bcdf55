"""An OpenAI reply that goes in comes out as Ollama's: lines for a stream, one object for the rest."""

import json
from typing import Any

import pytest

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.dialects.ollama.dialect import OLLAMA
from switchyard_proxy.dialects.ollama.requests import read_request
from switchyard_proxy.dialects.ollama.sink import OllamaSink
from switchyard_proxy.replies import JSON
from tests.proxy.dialects.hearing import BROKEN, opening
from tests.proxy.dialects.ollama.kept import SSE, Clock, Kept, chunk, sse, usage

HI = [{"role": "user", "content": "hi"}]


class Served:
    """One request, and the sink that its answer goes through."""

    def __init__(self, path: str = "/api/chat", **asked: Any) -> None:
        self.clock = Clock()
        self.kept = Kept()
        body = {"model": "qwen3:latest", "messages": HI, "prompt": "hi", "input": "hi", **asked}
        self.asked = read_request(path, json.dumps(body).encode())
        self.sink = OllamaSink(self.kept, self.asked, self.clock)

    async def streams(self, *pieces: bytes) -> list[dict[str, Any]]:
        await self.sink.start(200, SSE)
        for piece in pieces:
            await self.sink.body(piece, last=False)
        await self.sink.body(b"", last=True)
        return self.kept.lines

    async def answers(self, reply: object, status: int = 200) -> dict[str, Any]:
        payload = json.dumps(reply).encode()
        await self.sink.start(status, [JSON, (b"content-length", b"%d" % len(payload)), (b"x-other", b"1")])
        await self.sink.body(payload[:5], last=False)
        await self.sink.body(payload[5:], last=True)
        [line] = self.kept.lines
        return line


async def test_a_chat_comes_as_lines_and_ends_with_its_counts_and_times() -> None:
    served = Served()
    served.clock.passes(2)  # the load
    await served.sink.start(200, SSE)
    served.clock.passes(1)  # the prompt
    await served.sink.body(
        sse(chunk(role="assistant", content=""), chunk(content="Grüezi "), done=False), last=False
    )
    served.clock.passes(3)
    await served.sink.body(sse(chunk(content="🚂"), chunk("stop"), usage(5, 7)), last=True)

    first, second, end = served.kept.lines
    assert served.kept.headers[b"content-type"] == b"application/x-ndjson"
    assert [line["message"]["content"] for line in (first, second, end)] == ["Grüezi ", "🚂", ""]
    assert [line["done"] for line in (first, second, end)] == [False, False, True]
    assert {line["model"] for line in (first, second, end)} == {"qwen3:latest"}
    assert first["created_at"] == "2023-11-14T22:13:23.000000000Z"
    assert end["done_reason"] == "stop"
    assert (end["prompt_eval_count"], end["eval_count"]) == (5, 7)
    assert (end["total_duration"], end["load_duration"]) == (6_000_000_000, 2_000_000_000)
    assert (end["prompt_eval_duration"], end["eval_duration"]) == (1_000_000_000, 3_000_000_000)


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
async def test_thoughts_are_told_apart_from_words(name: str) -> None:
    told = await Served().streams(sse(chunk(**{name: "hm"}), chunk("stop", content="yes")))

    assert told[0]["message"] == {"role": "assistant", "content": "", "thinking": "hm"}
    assert told[1]["message"]["content"] == "yes"


async def test_calls_come_in_fragments_and_go_out_whole_with_objects() -> None:
    def fragment(index: int, arguments: str, name: str | None = None) -> dict[str, Any]:
        return chunk(tool_calls=[{"index": index, "function": {"name": name, "arguments": arguments}}])

    told = await Served().streams(
        sse(fragment(0, "", "weather"), fragment(0, '{"city": "Zü'), fragment(1, "{}", "time"), done=False),
        sse(fragment(0, 'rich"}'), chunk("tool_calls"), usage(1, 2)),
    )

    assert len(told) == 2
    assert told[0]["message"]["tool_calls"] == [
        {"function": {"name": "weather", "arguments": {"city": "Zürich"}}},
        {"function": {"name": "time", "arguments": {}}},
    ]
    assert told[1]["done_reason"] == "stop"


async def test_calls_are_told_once_whatever_comes_after_them() -> None:
    call = [{"index": 0, "function": {"name": "f", "arguments": "{}"}}]

    told = await Served().streams(sse(chunk("tool_calls", tool_calls=call), chunk(content="more"), usage(1, 2)))

    assert ["tool_calls" in line["message"] for line in told] == [True, False, False]


async def test_a_prompts_answer_has_its_own_shape() -> None:
    told = await Served("/api/generate").streams(sse(chunk(content="yes"), chunk("length"), usage(1, 2)))

    assert told[0]["response"] == "yes"
    assert "message" not in told[0]
    assert told[-1]["done_reason"] == "length"


async def test_a_completion_is_a_prompts_answer_too() -> None:
    text = {"choices": [{"index": 0, "text": "yes", "finish_reason": "stop"}]}

    told = await Served("/api/generate", raw=True).streams(sse(text))

    assert [line["response"] for line in told] == ["yes", ""]


async def test_a_beat_is_a_line_that_says_nothing() -> None:
    served = Served()
    await served.sink.start(200, SSE)

    await served.sink.beat(OLLAMA.voice(opening()).beat(15))

    [line] = served.kept.lines
    assert line["message"] == {"role": "assistant", "content": ""}
    assert line["done"] is False


async def test_no_empty_line_is_ever_sent() -> None:
    served = Served()
    await served.streams(b": keepalive\n\n", b"data: 3\n\n", sse({"choices": [3]}, chunk(), done=False))

    assert b"\n\n" not in served.kept.whole
    assert served.kept.whole.strip() != b""


@pytest.mark.parametrize("last", [True, False])
async def test_a_stream_that_breaks_ends_with_an_error_and_never_politely(*, last: bool) -> None:
    served = Served()
    voice = OLLAMA.voice(opening())
    end = [voice.error(BROKEN)] if last else []

    told = await served.streams(voice.passes(sse(chunk(content="half"), done=False)), *end)

    assert "error" in told[-1]
    assert told[-1]["error"] == BROKEN.message if last else "cannot finish" in told[-1]["error"]
    assert not any(line.get("done") for line in told)


async def test_an_engines_refusal_after_the_stream_began_is_told() -> None:
    refused = OLLAMA.voice(opening()).refused(400, b'{"error": {"message": "too long", "code": 400}}')

    assert await Served().streams(refused) == [{"error": "too long"}]


async def test_a_chat_that_is_not_streamed_is_one_object() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    message = {"role": "assistant", "content": "yes", "reasoning_content": "hm", "tool_calls": [call]}
    reply = {"choices": [{"message": message, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3}}
    served = Served(stream=False)

    told = await served.answers(reply)

    assert told["message"] == {
        "role": "assistant",
        "content": "yes",
        "thinking": "hm",
        "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}],
    }
    assert (told["done"], told["done_reason"], told["prompt_eval_count"], told["eval_count"]) == (
        True,
        "stop",
        3,
        0,
    )
    assert served.kept.headers == {b"content-type": b"application/json", b"x-other": b"1"}
    assert served.sink.complete


async def test_embeddings_come_in_both_shapes() -> None:
    reply = {"data": [{"embedding": [0.5]}, {"embedding": [1.5]}], "usage": {"prompt_tokens": 4}}

    many = await Served("/api/embed").answers(reply)
    one = await Served("/api/embeddings").answers(reply)

    assert many["embeddings"] == [[0.5], [1.5]]
    assert many["prompt_eval_count"] == 4
    assert one == {"embedding": [0.5]}


@pytest.mark.parametrize(
    "error", [{"error": {"message": "too long"}}, {"error": "too long"}, {"detail": "too long"}]
)
async def test_an_error_is_a_sentence_and_keeps_its_status(error: dict) -> None:
    served = Served()

    assert await served.answers(error, 404) == {"error": "too long"}
    assert served.kept.status == 404


async def test_an_error_that_calls_itself_a_stream_is_an_error_all_the_same() -> None:
    served = Served()
    await served.sink.start(500, SSE)

    await served.sink.body(b'{"error": {"message": "no"}}', last=True)

    assert served.kept.lines == [{"error": "no"}]
    assert served.kept.headers[b"content-type"] == b"application/json"


async def test_a_reply_that_is_none_is_an_error() -> None:
    assert "error" in await Served(stream=False).answers({"data": 3, "choices": 7})


@pytest.mark.parametrize(("keep_alive", "reason"), [(None, "load"), (0, "unload")])
async def test_a_request_that_only_loads_is_answered_with_the_reason(keep_alive: object, reason: str) -> None:
    served = Served(messages=[], keep_alive=keep_alive)

    await served.sink.idle()

    [line] = served.kept.lines
    assert (line["done"], line["done_reason"]) == (True, reason)
    assert served.kept.headers[b"content-length"] == b"%d" % len(served.kept.whole)


def test_an_error_before_the_stream_is_a_sentence() -> None:
    assert json.loads(OLLAMA.error(BROKEN)) == {"error": BROKEN.message}
    assert json.loads(OLLAMA.foreign(400, b'{"error": {"message": "no"}}')) == {"error": "no"}
    assert OLLAMA.is_error(b'{"error": "no"}')
    assert not OLLAMA.is_error(b'{"error": {"message": "no"}}')
    assert BROKEN.code is ErrorCode.STREAM_BROKEN
