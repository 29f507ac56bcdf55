"""What the real clients make of our voices: their own readers, fed through a transport in memory."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import openai
import pytest

from switchyard_proxy.dialects.anthropic import ANTHROPIC
from switchyard_proxy.dialects.images import OPENAI_IMAGES
from switchyard_proxy.dialects.openai_chat import OPENAI_CHAT, OPENAI_COMPLETIONS
from switchyard_proxy.dialects.responses import OPENAI_RESPONSES
from tests.proxy.dialects.hearing import BROKEN, opening

httpx2 = pytest.importorskip("httpx2")

ASK: Any = [{"role": "user", "content": "hi"}]
STREAM = {"content-type": "text/event-stream"}
HELLO = "Hallo, Wörld 🚂"


def event(said: dict[str, Any], name: str | None = None) -> bytes:
    named = f"event: {name}\n" if name else ""
    return f"{named}data: {json.dumps(said, ensure_ascii=False)}\n\n".encode()


def asking(stream: bytes) -> openai.OpenAI:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, headers=STREAM, content=stream))
    http = openai.DefaultHttpxClient(transport=transport)
    return openai.OpenAI(base_url="http://proxy/v1", api_key="none", max_retries=0, http_client=http)


def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return event(
        {"id": "e", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    )


def spoken(mode: str = "chunk") -> bytes:
    voice = OPENAI_CHAT.voice(opening(mode))
    said = voice.beat(15) + voice.beat(25) + voice.passes(chunk({"role": "assistant", "content": ""}))
    said += voice.beat(35) + voice.passes(chunk({"content": HELLO}) + chunk({}, "stop"))
    return said + voice.passes(b"data: [DONE]\n\n")


@pytest.mark.parametrize("mode", ["chunk", "comment", "reasoning", "off"])
def test_openai_hears_one_chat_through_all_beats(mode: str) -> None:
    with asking(spoken(mode)) as client:
        told = list(client.chat.completions.create(model="chat", messages=ASK, stream=True))

    assert "".join(one.choices[0].delta.content or "" for one in told) == HELLO
    assert len({(one.id, one.created, one.model) for one in told}) == 1


def test_openais_accumulator_puts_the_chat_together() -> None:
    with asking(spoken()) as client, client.chat.completions.stream(model="chat", messages=ASK) as stream:
        said = stream.get_final_completion()

    assert said.choices[0].message.content == HELLO
    assert said.id == "chatcmpl-req_1"


def test_openai_raises_what_broke_the_chat() -> None:
    voice = OPENAI_CHAT.voice(opening())
    stream = voice.beat(15) + voice.passes(chunk({"content": "Hal"})) + voice.error(BROKEN)

    with asking(stream) as client, pytest.raises(openai.APIError, match="engine went away") as raised:
        list(client.chat.completions.create(model="chat", messages=ASK, stream=True))

    assert raised.value.code == "stream_broken"


def test_openai_hears_a_completion_through_beats() -> None:
    voice = OPENAI_COMPLETIONS.voice(opening())
    choice = {"index": 0, "text": HELLO, "logprobs": None, "finish_reason": "stop"}
    said = {"id": "e", "object": "text_completion", "created": 1, "model": "m", "choices": [choice]}
    stream = voice.beat(15) + voice.passes(event(said)) + voice.passes(b"data: [DONE]\n\n")

    with asking(stream) as client:
        told = list(client.completions.create(model="chat", prompt="hi", stream=True))

    assert [one.choices[0].text for one in told] == ["", HELLO]
    assert {one.id for one in told} == {"cmpl-req_1"}


RESPONSE = {
    "id": "resp_e",
    "object": "response",
    "created_at": 1,
    "model": "m",
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}
PLACE = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
TEXT = {"type": "output_text", "text": HELLO, "annotations": []}
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [TEXT]}
ENGINE = (
    {"type": "response.created", "response": RESPONSE | {"status": "queued"}},
    {"type": "response.in_progress", "response": RESPONSE | {"status": "in_progress"}},
    {"type": "response.output_item.added", "output_index": 0, "item": MESSAGE | {"content": []}},
    {"type": "response.content_part.added", **PLACE, "part": TEXT | {"text": ""}},
    {"type": "response.output_text.delta", **PLACE, "delta": HELLO, "logprobs": []},
    {"type": "response.output_item.done", "output_index": 0, "item": MESSAGE},
    {"type": "response.completed", "response": RESPONSE | {"status": "completed", "output": [MESSAGE]}},
)
NUMBERED = [event(said | {"sequence_number": n}, str(said["type"])) for n, said in enumerate(ENGINE)]


@pytest.mark.parametrize("beats", [(), (0,), (0, 0, 2), (2, 4), (0, 1, 6)])
def test_openais_accumulator_puts_a_response_together(beats: tuple[int, ...]) -> None:
    voice = OPENAI_RESPONSES.voice(opening())
    stream = b""
    for place, said in enumerate(NUMBERED):
        stream += b"".join(voice.beat(15) for beat in beats if beat == place) + voice.passes(said)

    with asking(stream) as client, client.responses.stream(model="chat", input="hi") as heard:
        numbers = [one.sequence_number for one in heard]
        said = heard.get_final_response()

    assert numbers == list(range(len(numbers)))
    assert said.output_text == HELLO
    assert said.id == ("resp_req_1" if 0 in beats else "resp_e")


def until_it_raised(heard: Iterable[Any]) -> tuple[list[Any], openai.APIError]:
    told: list[Any] = []
    try:
        for one in heard:
            told.append(one)  # noqa: PERF402 - what came before the error counts
    except openai.APIError as error:
        return told, error
    pytest.fail("nothing was raised")


@pytest.mark.parametrize("before", [0, 1, 5])
@pytest.mark.parametrize("beats", [0, 1])
def test_openai_hears_that_a_response_failed_and_raises(before: int, beats: int) -> None:
    voice = OPENAI_RESPONSES.voice(opening())
    stream = b"".join(voice.beat(15) for _ in range(beats)) + b"".join(map(voice.passes, NUMBERED[:before]))

    with (
        asking(stream + voice.error(BROKEN)) as client,
        client.responses.stream(model="chat", input="hi") as heard,
    ):
        told, raised = until_it_raised(heard)

    assert told[-1].type == "response.failed"
    assert told[-1].response.error.message == BROKEN.message
    assert raised.code == "stream_broken"


def test_openai_hears_pictures_through_comments_and_raises_an_error() -> None:
    voice = OPENAI_IMAGES.voice(opening())
    picture = {"type": "image_generation.partial_image", "b64_json": "aGk=", "partial_image_index": 0}
    stream = voice.beat(15) + voice.passes(event(picture, str(picture["type"]))) + voice.error(BROKEN)

    with asking(stream) as client:
        told, raised = until_it_raised(client.images.generate(model="paint", prompt="a cat", stream=True))

    assert [one.b64_json for one in told] == ["aGk="]
    assert raised.code == "stream_broken"


def asking_anthropic(stream: bytes, use: Callable[[Any], Any]) -> Any:
    anthropic = pytest.importorskip("anthropic")
    library = next(base for base in anthropic.DefaultHttpxClient.__mro__ if base.__name__ == "Client")
    http_library = pytest.importorskip(library.__module__.partition(".")[0])
    reply = lambda _: http_library.Response(200, headers=STREAM, content=stream)  # noqa: E731
    http = anthropic.DefaultHttpxClient(transport=http_library.MockTransport(reply))
    with anthropic.Anthropic(
        base_url="http://proxy", api_key="none", max_retries=0, http_client=http
    ) as client:
        return use(client)


BEGINNING = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 0},
}
MESSAGES = [
    {"type": "message_start", "message": BEGINNING},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": HELLO}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}},
    {"type": "message_stop"},
]


def test_anthropic_hears_a_message_through_pings_before_and_between() -> None:
    voice = ANTHROPIC.voice(opening())
    stream = b"".join(voice.beat(15) + voice.passes(event(said, str(said["type"]))) for said in MESSAGES)

    def use(client: Any) -> str:
        with client.messages.stream(model="m", max_tokens=9, messages=ASK) as heard:
            return str(heard.get_final_text())

    assert asking_anthropic(stream, use) == HELLO


def test_anthropic_raises_what_broke_the_message() -> None:
    anthropic = pytest.importorskip("anthropic")
    voice = ANTHROPIC.voice(opening())
    stream = voice.beat(15) + voice.passes(event(MESSAGES[0], "message_start")) + voice.error(BROKEN)

    def use(client: Any) -> None:
        for _ in client.messages.create(model="m", max_tokens=9, messages=ASK, stream=True):
            pass

    with pytest.raises(anthropic.APIStatusError, match="engine went away"):
        asking_anthropic(stream, use)
