"""openai-python chats with real models over real HTTP: scripted ones for words, random ones for the rest."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
import openai
import pytest
from pydantic import BaseModel, Field

from tests.image_server.engine.tiny_language import write

Serve = Callable[..., Any]

LOOK = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"days": {"type": "integer"}, "unit": {"enum": ["C", "F"]}},
            "required": ["unit"],
            "additionalProperties": False,
        },
    },
}
OFFERS = "{%- if tools %}{{- '<tool_call>' }}{%- endif %}"
OFFERS_XML = "{%- if tools %}{{- '<tool_call><function=' }}{%- endif %}"


class Shade(BaseModel):
    name: Literal["red", "green", "blue"]
    share: int = Field(ge=0, le=100)


class Picture(BaseModel):
    shades: list[Shade] = Field(min_length=1, max_length=3)
    moving: bool


def video(frames: int = 8) -> bytes:
    content = io.BytesIO()
    with av.open(content, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=4)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for shade in range(frames):
            picture = np.full((64, 64, 3), shade * 20, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return content.getvalue()


def ask(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


@pytest.fixture(scope="module")
def babbler(tmp_path_factory: pytest.TempPathFactory, load_from: Callable[..., Any]) -> Any:
    """A vision model with random weights, whose template offers tools."""
    return load_from(_offering(tmp_path_factory.mktemp("babbler"), "qwen3_vl", OFFERS))


@pytest.fixture(scope="module")
def coder(tmp_path_factory: pytest.TempPathFactory, load_from: Callable[..., Any]) -> Any:
    """A language model with random weights that has learnt to call in XML."""
    return load_from(_offering(tmp_path_factory.mktemp("coder"), "qwen3", OFFERS_XML))


def _offering(folder: Path, architecture: str, offers: str) -> Path:
    template = write(folder, architecture) / "chat_template.jinja"
    template.write_text(offers + template.read_text())
    return folder


@pytest.fixture
def client(serve: Serve) -> Iterator[Callable[[Any], openai.OpenAI]]:
    opened: list[openai.OpenAI] = []

    def around(model: Any) -> openai.OpenAI:
        served = serve(lambda: model).until_ready()
        opened.append(openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0))
        return opened[-1]

    yield around
    for one in opened:
        one.close()


@pytest.fixture
def scene(make_png: Callable[..., bytes], as_data_url: Callable[..., str]) -> list[Any]:
    """Two pictures and a video, with words between."""
    pictures = [make_png((64, 64), "red"), make_png((96, 64), "blue")]
    parts: list[dict[str, Any]] = [
        {"type": "image_url", "image_url": {"url": as_data_url(picture)}} for picture in pictures
    ]
    parts.insert(1, {"type": "text", "text": "and"})
    parts.append({"type": "video_url", "video_url": {"url": as_data_url(video(), "video/mp4")}})
    return [{"role": "user", "content": [*parts, {"type": "text", "text": "What is this?"}]}]


def test_chats_about_two_pictures_and_a_video(
    client: Callable[[Any], openai.OpenAI], babbler: Any, scene: list[Any]
) -> None:
    chat = client(babbler).chat.completions

    whole = chat.create(model="demo", messages=scene, max_tokens=8, temperature=0, seed=1)
    stream = chat.create(
        model="demo",
        messages=scene,
        max_tokens=8,
        temperature=0,
        seed=1,
        stream=True,
        stream_options={"include_usage": True},
    )

    chunks = list(stream)
    assert whole.choices[0].message.content
    said = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(said) == whole.choices[0].message.content
    assert whole.choices[0].finish_reason == "length"
    assert whole.usage == chunks[-1].usage
    assert whole.usage is not None
    assert whole.usage.completion_tokens == 8
    parts = whole.usage.prompt_tokens_details
    assert parts is not None
    assert parts.image_tokens == 4 + 6
    assert (parts.model_extra or {})["video_tokens"] > 0
    assert len({chunk.id for chunk in chunks}) == 1


def test_answers_by_a_schema_whatever_the_weights_say(
    client: Callable[[Any], openai.OpenAI], babbler: Any, scene: list[Any]
) -> None:
    chat = client(babbler).chat.completions

    answers = [
        chat.parse(model="demo", messages=scene, response_format=Picture, max_tokens=1500, seed=seed)
        for seed in range(3)
    ]

    for answer in answers:
        assert answer.choices[0].finish_reason == "stop"
        assert isinstance(answer.choices[0].message.parsed, Picture)


def test_an_answer_by_a_schema_can_be_cut_off(client: Callable[[Any], openai.OpenAI], babbler: Any) -> None:
    chat = client(babbler).chat.completions

    with pytest.raises(openai.LengthFinishReasonError):
        chat.parse(model="demo", messages=ask("hi"), response_format=Picture, max_tokens=5)


@pytest.mark.parametrize("model", ["babbler", "coder"])
@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
def test_calls_when_it_must_whatever_the_weights_say(
    client: Callable[[Any], openai.OpenAI], request: pytest.FixtureRequest, model: str, choice: Any
) -> None:
    chat = client(request.getfixturevalue(model)).chat.completions

    answer = chat.create(
        model="demo",
        messages=ask("hi"),
        tools=[LOOK],  # type: ignore[list-item]
        tool_choice=choice,
        parallel_tool_calls=False,
        max_tokens=800,
        seed=5,
    )

    assert answer.choices[0].finish_reason == "tool_calls"
    assert answer.choices[0].message.content is None
    (call,) = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments)["unit"] in {"C", "F"}


def test_calls_when_it_wants_to(client: Callable[[Any], openai.OpenAI], chat_model: Any) -> None:
    chat = client(chat_model).chat.completions

    whole = chat.create(model="demo", messages=ask("hi"), tools=[LOOK])  # type: ignore[list-item]
    with chat.stream(model="demo", messages=ask("hi"), tools=[LOOK]) as stream:  # type: ignore[list-item]
        streamed = stream.get_final_completion()

    for choice in (whole.choices[0], streamed.choices[0]):
        assert choice.finish_reason == "tool_calls"
        (call,) = choice.message.tool_calls or []
        assert call.type == "function"
        assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Paris"})


def test_a_call_and_its_result_make_a_conversation(
    client: Callable[[Any], openai.OpenAI], chat_model: Any
) -> None:
    chat = client(chat_model).chat.completions
    called = chat.create(model="demo", messages=ask("hi"), tools=[LOOK])  # type: ignore[list-item]
    (call,) = called.choices[0].message.tool_calls or []

    answer = chat.create(
        model="demo",
        messages=[
            *ask("hi"),
            called.choices[0].message.model_dump(exclude_none=True),
            {"role": "tool", "tool_call_id": call.id, "content": "sunny"},
        ],
        tools=[LOOK],  # type: ignore[list-item]
    )

    assert "read the tool result" in (answer.choices[0].message.content or "")


@pytest.mark.parametrize("more", [{"reasoning_effort": "high"}, {"extra_body": {"chat_template_kwargs": {}}}])
def test_thoughts_are_told_apart_and_counted(
    client: Callable[[Any], openai.OpenAI], chat_model: Any, more: dict[str, Any]
) -> None:
    if "extra_body" in more:
        more["extra_body"]["chat_template_kwargs"]["enable_thinking"] = True

    answer = client(chat_model).chat.completions.create(model="demo", messages=ask("hi"), **more)

    message = answer.choices[0].message
    assert message.content == "The answer is 42."
    assert "is thinking about it." in (message.model_extra or {})["reasoning_content"]
    assert answer.usage is not None
    assert answer.usage.completion_tokens_details is not None
    assert 0 < (answer.usage.completion_tokens_details.reasoning_tokens or 0) < answer.usage.completion_tokens


def test_thoughts_can_be_switched_off(client: Callable[[Any], openai.OpenAI], chat_model: Any) -> None:
    answer = client(chat_model).chat.completions.create(
        model="demo", messages=ask("hi"), reasoning_effort="none"
    )

    assert "reasoning_content" not in (answer.choices[0].message.model_extra or {})


def test_gives_several_choices_with_the_odds_of_their_tokens(
    client: Callable[[Any], openai.OpenAI], babbler: Any
) -> None:
    answer = client(babbler).chat.completions.create(
        model="demo", messages=ask("hi"), n=2, max_tokens=4, seed=3, logprobs=True, top_logprobs=3
    )

    assert [choice.index for choice in answer.choices] == [0, 1]
    for choice in answer.choices:
        assert choice.logprobs is not None
        content = choice.logprobs.content or []
        assert [one.token for one in content] != []
        assert all(len(one.top_logprobs) == 3 and one.logprob <= 0 for one in content)


@pytest.mark.parametrize("stream", [False, True])
def test_a_schema_that_cannot_be_kept_is_refused_before_a_word_is_said(
    client: Callable[[Any], openai.OpenAI], babbler: Any, stream: bool
) -> None:
    schema = {"name": "x", "schema": {"type": "nonsense"}}

    with pytest.raises(openai.BadRequestError) as refusal:
        client(babbler).chat.completions.create(  # type: ignore[call-overload]
            model="demo",
            messages=ask("hi"),
            stream=stream,
            response_format={"type": "json_schema", "json_schema": schema},
        )

    assert refusal.value.param == "response_format.json_schema"


def test_an_answer_that_broke_off_is_gone_on_with(
    client: Callable[[Any], openai.OpenAI], chat_model: Any
) -> None:
    api, begun = client(chat_model), "It beg"
    fresh = api.chat.completions.create(model="demo", messages=ask("hi"))

    rest = api.chat.completions.create(
        model="demo",
        messages=[*ask("hi"), {"role": "assistant", "content": begun}],
        extra_body={"continue_final_message": True, "add_generation_prompt": False},
    )

    assert fresh.usage is not None
    assert rest.usage is not None
    # The mark of a new reply is left out, and what was begun stands there, each letter a token.
    assert rest.usage.prompt_tokens == fresh.usage.prompt_tokens - 1 + len(begun)
    assert rest.choices[0].message.content
    assert rest.choices[0].finish_reason == "stop"
