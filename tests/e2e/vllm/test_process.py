"""Real vLLM, started by the real manager and asked through the real proxy: what a client gets."""

import base64
import io
import json
import math
import time
from collections.abc import Iterator

import pytest
from openai import APIError, BadRequestError, OpenAI
from PIL import Image

from tests.e2e.conftest import Yard
from tests.e2e.vllm.conftest import EYES, LATE, THINKER, WORDS
from tests.e2e.vllm.engines import Engine, alive, log, status
from tests.vllm_on_cpu.models import CONTEXT
from tests.vllm_on_cpu.script import replies

pytestmark = pytest.mark.timeout(300)

WITHIN_S = 60
GONE_WITHIN_S = 5

SAYS = replies(THINKER)
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
ANSWER = {
    "type": "object",
    "properties": {"answer": {"type": "integer"}, "model": {"type": "string"}},
    "required": ["answer", "model"],
}


@pytest.fixture(scope="module")
def client(vllm_yard: Yard) -> Iterator[OpenAI]:
    with vllm_yard.client() as client:
        yield client


def asked(said: str = "Who are you?", *, thinking: bool = False, model: str = THINKER, **more: object) -> dict:
    switch = {"chat_template_kwargs": {"enable_thinking": thinking}}
    return {"model": model, "messages": [{"role": "user", "content": said}], "extra_body": switch | more}


def test_the_answer_is_the_engines_own_and_counted(client: OpenAI) -> None:
    reply = client.chat.completions.create(**asked())

    assert reply.model == THINKER
    assert reply.choices[0].message.content == SAYS["text"]
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage is not None
    # One token for each word, and one for the end.
    assert reply.usage.completion_tokens == len(SAYS["text"].split()) + 1
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens


def test_a_stream_is_the_same_in_pieces_and_ends_with_what_it_used(client: OpenAI) -> None:
    usage = {"include_usage": True}

    chunks = list(client.chat.completions.create(**asked(), stream=True, stream_options=usage))

    said = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    pieces = [piece for piece in said if piece]
    assert "".join(pieces) == SAYS["text"]
    assert len(pieces) > 1  # vLLM joins what was ready together
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == len(SAYS["text"].split()) + 1


def test_an_answer_that_is_cut_short_says_so(client: OpenAI) -> None:
    reply = client.chat.completions.create(**asked("[say:count]"), max_tokens=4)

    assert reply.choices[0].message.content == "count: n1 n2 n3"
    assert reply.choices[0].finish_reason == "length"


def test_what_it_thinks_is_apart_from_what_it_says(client: OpenAI) -> None:
    message = client.chat.completions.create(**asked(thinking=True)).choices[0].message

    assert f"<think>{message.reasoning}</think>{message.content}" == SAYS["think"]


def test_what_it_thinks_is_apart_in_a_stream_too(client: OpenAI) -> None:
    chunks = client.chat.completions.create(**asked(thinking=True), stream=True)

    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    thought = "".join(getattr(delta, "reasoning", None) or "" for delta in deltas)
    assert f"<think>{thought}</think>{''.join(delta.content or '' for delta in deltas)}" == SAYS["think"]


def test_it_calls_a_tool_and_reads_what_that_gave(client: OpenAI) -> None:
    question = asked("What is the weather like?")

    first = client.chat.completions.create(**question, tools=[WEATHER])
    (call,) = first.choices[0].message.tool_calls or ()
    result = {"role": "tool", "tool_call_id": call.id, "content": "rain"}
    said = [*question["messages"], first.choices[0].message.model_dump(exclude_none=True), result]
    second = client.chat.completions.create(**question | {"messages": said}, tools=[WEATHER])

    assert first.choices[0].finish_reason == "tool_calls"
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == {"city": "Paris"}
    assert second.choices[0].message.content == SAYS["after_tool"]


def test_it_calls_a_tool_in_a_stream_too(client: OpenAI) -> None:
    chunks = list(client.chat.completions.create(**asked("And there?"), tools=[WEATHER], stream=True))

    calls = [call.function for chunk in chunks for call in chunk.choices[0].delta.tool_calls or ()]
    assert calls[0].name == "get_weather"
    assert json.loads("".join(call.arguments or "" for call in calls)) == {"city": "Paris"}
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


def test_json_is_of_the_shape_that_was_asked_for(client: OpenAI) -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "answer", "schema": ANSWER, "strict": True}}

    reply = client.chat.completions.create(**asked("[say:json]"), response_format=schema)

    assert json.loads(reply.choices[0].message.content or "") == {"answer": 42, "model": THINKER}


def test_a_mistake_is_told_in_the_engines_own_words(client: OpenAI) -> None:
    with pytest.raises(BadRequestError, match="max_tokens") as refused:
        client.chat.completions.create(**asked(), max_tokens=CONTEXT + 1)

    assert str(CONTEXT) in refused.value.message


def test_embeddings_differ_as_the_texts_do(client: OpenAI) -> None:
    texts = ["a cat", "a cat", "the sea at night"]

    reply = client.embeddings.create(model=WORDS, input=texts)

    cat, same, sea = (item.embedding for item in reply.data)
    assert math.isclose(math.hypot(*cat), 1, rel_tol=1e-3)
    assert cat == pytest.approx(same, abs=1e-4)
    assert math.dist(cat, sea) > 0.1
    assert reply.usage.prompt_tokens == sum(map(len, texts))


def test_it_sees_a_picture_and_counts_its_tokens(client: OpenAI) -> None:
    drawn = io.BytesIO()
    Image.new("RGB", (128, 96), "teal").save(drawn, "PNG")
    address = f"data:image/png;base64,{base64.b64encode(drawn.getvalue()).decode()}"
    content = [{"type": "text", "text": "?"}, {"type": "image_url", "image_url": {"url": address}}]

    seen = client.chat.completions.create(model=EYES, messages=[{"role": "user", "content": content}])
    heard = client.chat.completions.create(model=EYES, messages=[{"role": "user", "content": content[:1]}])

    assert seen.choices[0].message.content == replies(EYES)["image"]
    assert heard.choices[0].message.content == replies(EYES)["text"]
    assert seen.usage is not None
    assert heard.usage is not None
    # A token for each 32 by 32 pixels, between one that opens the picture and one that closes it.
    assert seen.usage.prompt_tokens - heard.usage.prompt_tokens == 4 * 3 + 2


def test_it_sleeps_and_a_request_wakes_it(vllm_yard: Yard, client: OpenAI) -> None:
    client.chat.completions.create(**asked())
    engine = Engine.of(vllm_yard, THINKER)

    vllm_yard.setup("sleep", THINKER).check_returncode()
    vllm_yard.until(lambda: status(vllm_yard, THINKER)["phase"] == "asleep", WITHIN_S)
    slept = engine.is_asleep()
    reply = client.chat.completions.create(**asked())

    assert slept
    assert reply.choices[0].message.content == SAYS["text"]
    assert not engine.is_asleep()
    assert Engine.of(vllm_yard, THINKER) == engine


def test_a_core_that_is_killed_breaks_the_stream_and_is_a_failure_although_vllm_ends_with_zero(
    vllm_yard: Yard, client: OpenAI
) -> None:
    client.chat.completions.create(**asked())
    family = Engine.of(vllm_yard, THINKER).family()
    endless = asked(ignore_eos=True) | {"max_tokens": CONTEXT - 100, "stream": True}
    stream = iter(client.chat.completions.create(**endless))
    next(stream)

    Engine.of(vllm_yard, THINKER).core().kill()
    with pytest.raises(APIError, match="EngineCore"):
        list(stream)
    vllm_yard.until(lambda: status(vllm_yard, THINKER)["phase"] == "failed", WITHIN_S)

    failure = status(vllm_yard, THINKER)["failure"]
    assert (failure["reason"], failure["exit_code"]) == ("engine_exited", 0)
    assert alive(family) == []


def test_a_load_that_is_cancelled_is_gone_soon_although_vllm_is_deaf_while_it_loads(vllm_yard: Yard) -> None:
    vllm_yard.setup("load", LATE, "--no-wait").check_returncode()
    vllm_yard.until(lambda: "(EngineCore" in log(vllm_yard, LATE), WITHIN_S)
    family = Engine.of(vllm_yard, LATE).family()

    vllm_yard.setup("cancel", LATE).check_returncode()
    began = time.monotonic()
    vllm_yard.until(lambda: not alive(family), WITHIN_S)

    assert time.monotonic() - began < GONE_WITHIN_S
    assert status(vllm_yard, LATE)["phase"] == "stopped"
