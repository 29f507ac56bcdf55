"""The SDKs chat with the image server itself, about pictures and films: each reply is what their types say."""

import asyncio
import math
from typing import Any

import pytest

from tests.clients.image_servers import Servers, faults, stoppable
from tests.clients.programs import Program, Saw
from tests.clients.scenes import COUNTS_TWO, said, scene

pytestmark = pytest.mark.timeout(180)  # the first test waits for the models to be made and loaded

LOOK = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "strict": True,  # the helpers take no other
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
CALL = {"name": "get_weather", "arguments": {"city": "Paris"}}
# Nothing of a film is in OpenAI's counts, and nothing of thoughts in its messages.
OF_A_FILM = {"usage.prompt_tokens_details.video_tokens"}
SHORT = {"max_tokens": 6}
ENDLESS: dict[str, Any] = {"max_tokens": 30_000}


def known_to(sdk: Program, *names: str) -> set[str]:
    """The counts of version 2 have no pictures, nor the words beside them."""
    of_pictures = {"image_tokens", "text_tokens"} if sdk.name != "openai-node" else set()
    newer = {f"usage.prompt_tokens_details.{name}" for name in of_pictures}
    return set(names) | (newer if sdk.name == "openai2" else set())


async def test_sees_two_pictures_and_a_film(servers: Servers, sdk: Program) -> None:
    order = servers.sees.order | {"asks": scene(servers.film)}

    whole = await sdk.does("chat", **order)
    streamed = await sdk.does("chat", **order, stream=True, include_usage=True)

    for saw in (whole, streamed):
        assert faults(saw) == []
        assert set(saw.beyond) == known_to(sdk, *OF_A_FILM)
        assert (saw.text, saw.finish) == ({"0": COUNTS_TWO}, {"0": "stop"})
    usage = whole.bodies[0]["usage"]
    assert streamed.bodies[-1]["usage"] == usage
    parts = usage["prompt_tokens_details"]
    assert sum(parts.values()) == usage["prompt_tokens"]
    assert min(parts.values()) > 0
    assert len({(body["id"], body["created"], body["model"]) for body in streamed.bodies}) == 1


async def test_usage_comes_once_with_the_last_chunk_if_it_is_asked_for(servers: Servers, sdk: Program) -> None:
    order = servers.sees.order | {"stream": True, "asks": said("hi")}

    asked = await sdk.does("chat", **order, include_usage=True)
    unasked = await sdk.does("chat", **order)

    assert faults(asked) == faults(unasked) == []
    assert asked.beyond == unasked.beyond == []
    assert [body["usage"] is None for body in asked.bodies] == [True] * (len(asked.bodies) - 1) + [False]
    assert asked.bodies[-1]["choices"] == []
    assert not any("usage" in body for body in unasked.bodies)


async def test_calls_a_tool(servers: Servers, sdk: Program) -> None:
    order = servers.sees.order | {"asks": said("hi") | {"tools": [LOOK]}}

    whole = await sdk.does("chat", **order)
    streamed = await sdk.does("chat", **order, stream=True)
    put_together = await sdk.does("helper", **order)

    assert faults(whole) == faults(streamed) == []
    assert put_together.error is None, put_together.told
    assert (whole.finish, streamed.finish) == ({"0": "tool_calls"},) * 2
    assert put_together.finish == "tool_calls"
    (call,) = put_together.calls
    assert {name: call[name] for name in CALL} == CALL
    assert call["id"]


async def test_a_result_of_a_tool_goes_back(servers: Servers, sdk: Program) -> None:
    order = servers.sees.order
    called = await sdk.does("chat", **order, asks=said("hi") | {"tools": [LOOK]})
    message = called.bodies[0]["choices"][0]["message"]
    result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "sunny"}

    asks = {"messages": [*said("hi")["messages"], message, result], "tools": [LOOK]}
    saw = await sdk.does("chat", **order, asks=asks)

    assert faults(saw) == []
    assert "read the tool result" in saw.text["0"]


@pytest.mark.parametrize("stream", [False, True])
async def test_what_it_thinks_is_beside_what_it_says(servers: Servers, sdk: Program, *, stream: bool) -> None:
    asks = said("hi") | {"reasoning_effort": "high"}

    saw = await sdk.does("chat", **servers.sees.order, asks=asks, stream=stream, include_usage=stream)

    assert faults(saw) == []
    place = "delta" if stream else "message"
    assert saw.beyond == [f"choices.{place}.reasoning_content"]
    assert saw.text == {"0": "The answer is 42."}
    thought = "".join(
        choice[place].get("reasoning_content") or "" for body in saw.bodies for choice in body["choices"]
    )
    assert "is thinking about it." in thought
    assert saw.bodies[-1]["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0


async def test_an_answer_by_a_schema_is_parsed(servers: Servers, sdk: Program) -> None:
    """The model would say something else."""
    saw = await sdk.does("parse", **servers.sees.order, asks=said("hi") | {"max_tokens": 1500, "seed": 4})

    assert saw.error is None, saw.told
    assert saw.finish == "stop"
    assert 1 <= len(saw.parsed["shades"]) <= 3
    assert {shade["name"] for shade in saw.parsed["shades"]} <= {"red", "green", "blue"}
    assert isinstance(saw.parsed["moving"], bool)


async def test_an_answer_by_a_schema_that_is_cut_off_says_so(servers: Servers, sdk: Program) -> None:
    saw = await sdk.does("parse", **servers.sees.order, asks=said("hi") | {"max_tokens": 5})

    assert saw.error.kind == "LengthFinishReasonError", saw.told


@pytest.mark.parametrize("stream", [False, True])
async def test_gives_several_choices_with_the_odds_of_their_tokens(
    servers: Servers, sdk: Program, *, stream: bool
) -> None:
    asks = said("hi") | SHORT | {"n": 2, "logprobs": True, "top_logprobs": 3, "seed": 3}

    saw = await sdk.does("chat", **servers.sees.order, asks=asks, stream=stream)

    assert faults(saw) == []
    assert saw.beyond == []
    assert saw.finish == {"0": "length", "1": "length"}
    odds: dict[int, list[Any]] = {0: [], 1: []}
    for choice in (choice for body in saw.bodies for choice in body["choices"]):
        odds[choice["index"]] += (choice["logprobs"] or {}).get("content") or []
    for index, told in odds.items():
        assert len(told) == SHORT["max_tokens"]
        assert bytes(byte for one in told for byte in one["bytes"]).decode() == saw.text[str(index)]
        assert all(len(one["top_logprobs"]) == 3 and math.exp(one["logprob"]) <= 1 for one in told)


@pytest.mark.parametrize(
    ("asks", "param", "code"),
    [
        ({"temperature": -1}, "temperature", "invalid_value"),
        ({"top_logprobs": 3}, "top_logprobs", "invalid_value"),
        ({"modalities": ["audio"]}, "modalities", "unsupported_parameter"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "y"}}}},
            "response_format.json_schema",
            "invalid_value",
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}
                ]
            },
            "messages[0].content[0].image_url",
            "invalid_value",
        ),
        (
            {"messages": [{"role": "user", "content": "word " * 40_000}]},
            "messages",
            "context_length_exceeded",
        ),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_refusal_is_a_bad_request_that_names_the_field(
    servers: Servers, sdk: Program, asks: dict[str, Any], param: str, code: str, *, stream: bool
) -> None:
    saw = await sdk.does("chat", **servers.sees.order, asks=said("hi") | asks, stream=stream, retries=2)

    assert (saw.error.kind, saw.error.status) == ("BadRequestError", 400), saw.told
    assert (saw.error.param, saw.error.code) == (param, code), saw.error.told
    assert saw.attempts == 1


async def test_an_unknown_model_is_not_found(servers: Servers, sdk: Program) -> None:
    saw = await sdk.does("chat", **servers.sees.order | {"model": "gpt-9"}, asks=said("hi"))

    assert (saw.error.kind, saw.error.code, saw.error.param) == ("NotFoundError", "model_not_found", "model")


async def test_a_model_that_chats_does_not_draw(servers: Servers, sdk: Program) -> None:
    saw = await sdk.does("picture", **servers.sees.order, asks={"prompt": "a red cat"})

    assert (saw.error.kind, saw.error.code) == ("BadRequestError", "unsupported_endpoint"), saw.error.told


async def test_closing_a_stream_stops_the_writing(servers: Servers, sdk: Program) -> None:
    order = servers.sees.order | {"stream": True, "asks": said("[script:count]") | ENDLESS}

    async with servers.sees.asked() as asked:
        left = await sdk.does("chat", **order, extra={"ignore_eos": True}, leave_after=5)
        gone = await asked.count("work")
        await asked.until(busy=False, waiting=0)
        ended = await asked.count("work")

    assert left.error is None, left.told
    assert len(left.bodies) == 5
    assert ended - gone < ENDLESS["max_tokens"] / 500


async def test_a_server_that_is_stopped_says_so_at_the_end_of_a_stream(
    servers: Servers, sdks: dict[str, Program]
) -> None:
    """Half an answer must not look like a whole one."""
    draw = {"asks": {"prompt": "a red cat", "size": "768x768", "partial_images": 3}, "extra": {"steps": 200}}
    chat = {"asks": said("[script:count]") | ENDLESS, "extra": {"ignore_eos": True}}

    with stoppable(servers.models) as (draws, sees):
        async with asyncio.TaskGroup() as group, draws.asked() as drawing, sees.asked() as seeing:
            begun = await drawing.count("denoising_steps"), await seeing.count("work")
            pictured = group.create_task(sdks["openai3"].does("picture", **draws.order, stream=True, **draw))
            told = [
                group.create_task(sdks[name].does("chat", **sees.order, stream=True, **chat))
                for name in ("openai2", "openai-node")
            ]
            await drawing.until(busy=True)
            async with asyncio.timeout(30):
                while await drawing.count("denoising_steps") < begun[0] + 3:
                    await asyncio.sleep(0.02)
                while await seeing.count("work") < begun[1] + 50:
                    await asyncio.sleep(0.02)
            draws.process.terminate()
            sees.process.terminate()
        saw: list[Saw] = [pictured.result(), *(one.result() for one in told)]

    for one in saw:
        assert one.error is not None, one.told
        assert (one.error.kind, one.error.code) == ("APIError", "stream_broken"), one.error.told
