"""`/v1/chat/completions` over real HTTP, around models that misbehave on purpose: no torch, no weights."""

import threading
from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest

from switchyard_image_server.chat.conversation import Conversation
from switchyard_image_server.chat.counted import Counted, CountedItem, ItemKind
from switchyard_image_server.chat.events import ChatEvent, Ended, Finished, Piece, Started, TokenOdds
from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.chat.scribe import FinishReason
from switchyard_image_server.engine import Sleeping
from switchyard_image_server.settings import BudgetSettings
from switchyard_image_server.worker import Ticket
from tests.image_server.stand_ins import (
    BreaksOff,
    NeverStopsTalking,
    RefusesPrompt,
    RunsOutOfMemory,
    SilentUntilLeft,
    Talker,
    ThreeTokens,
)

Serve = Callable[..., Any]
Says = Callable[..., dict[str, Any]]
Frames = Callable[[str], list[Any]]

CHAT = "/v1/chat/completions"
HYBRID = "{% if tools %}<tool_call>{% endif %}{% if enable_thinking %}<think></think>{% endif %}"
LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
CALL = '<tool_call>\n{"name": "look", "arguments": {"city": "Paris"}}\n</tool_call>'


class Thinker(Talker):
    """Thinks and calls, as its words say; every choice is the same, with even odds for each word."""

    template = HYBRID

    def __init__(self, *words: str, note: str | None = None) -> None:
        super().__init__(*words)
        self.note = note
        self.asked: list[ChatRequest] = []
        self.spelled: list[list[int] | None] = []

    def answer(self, request: ChatRequest, conversation: Conversation, ticket: Ticket[ChatEvent]) -> None:
        self.asked.append(request)
        self.spelled.append(conversation.spelled)
        ticket.send(Started(3))
        for word in self.words:
            odds = TokenOdds(word, tuple(word.encode()), -0.5)
            for choice in range(request.n):
                ticket.send(Piece(word, choice, (odds,) if request.logprobs else (), tokens=1))
        for choice in range(request.n):
            ticket.send(Ended(choice, FinishReason.STOP))
        ticket.send(Finished(3, request.n * len(self.words), self.note))


class ManyTokens(ThreeTokens):
    def __init__(self, tokens: int) -> None:
        self.tokens = tokens

    def spell(self, request: ChatRequest, conversation: Conversation) -> tuple[Counted, list[int]]:
        return Counted((CountedItem(ItemKind.TEXT, self.tokens),), 100), list(range(self.tokens))


def error_of(answer: httpx.Response) -> dict[str, Any]:
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"].startswith("cannot ")
    assert "Traceback" not in answer.text
    told: dict[str, Any] = error
    return told


def test_answers_whole(serve: Serve, user_says: Says) -> None:
    client = serve(Talker).until_ready().client

    answer = client.post(CHAT, json=user_says("hi", model="demo")).json()

    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"] == {
        "role": "assistant",
        "content": "one two",
        "refusal": None,
    }
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"] == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def test_streams_the_role_first_and_one_id_throughout(
    serve: Serve, user_says: Says, read_frames: Frames
) -> None:
    client = serve(Talker).until_ready().client

    answer = client.post(CHAT, json=user_says("hi", stream=True))

    *chunks, done = read_frames(answer.text)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert done == "[DONE]"
    assert [chunk["choices"][0]["delta"] for chunk in chunks] == [
        {"role": "assistant", "content": ""},
        {"content": "one"},
        {"content": " two"},
        {},
    ]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None, None, None, "stop"]
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1
    assert not any("usage" in chunk for chunk in chunks)


def test_sends_the_usage_once_and_last_when_asked(serve: Serve, user_says: Says, read_frames: Frames) -> None:
    client = serve(Talker).until_ready().client

    answer = client.post(CHAT, json=user_says("hi", stream=True, stream_options={"include_usage": True}))

    *chunks, last, _ = read_frames(answer.text)
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == 5
    assert all(chunk["usage"] is None for chunk in chunks)


def test_a_stream_that_breaks_says_so(serve: Serve, user_says: Says, read_frames: Frames) -> None:
    client = serve(BreaksOff).until_ready().client

    answer = client.post(CHAT, json=user_says("hi", stream=True))

    *_, half, error, _ = read_frames(answer.text)
    assert half["choices"][0]["delta"] == {"content": "half of"}
    assert error["error"]["code"] == "internal_error"
    assert 'finish_reason":"stop' not in answer.text


def test_a_broken_stream_is_an_exception_for_openai_python(serve: Serve) -> None:
    served = serve(BreaksOff).until_ready()

    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0) as client:
        stream = client.chat.completions.create(
            model="demo", messages=[{"role": "user", "content": "hi"}], stream=True
        )
        with pytest.raises(openai.APIError, match="the engine failed with RuntimeError: device-side assert"):
            list(stream)


@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_of_the_worker_has_its_own_status(serve: Serve, user_says: Says, stream: bool) -> None:
    client = serve(RefusesPrompt).until_ready().client

    answer = client.post(CHAT, json=user_says("hi", stream=stream))

    assert answer.status_code == 400
    assert error_of(answer)["code"] == "context_length_exceeded"


def test_running_out_of_memory_is_an_error_and_not_the_end(serve: Serve, user_says: Says) -> None:
    client = serve(RunsOutOfMemory).until_ready().client

    answers = [client.post(CHAT, json=user_says("hi")) for _ in range(2)]

    assert [error_of(answer)["code"] for answer in answers] == ["cuda_out_of_memory"] * 2
    assert answers[0].headers["x-should-retry"] == "false"
    assert client.get("/health").status_code == 200


@pytest.mark.parametrize(
    ("kind", "stream"), [(NeverStopsTalking, False), (SilentUntilLeft, False), (SilentUntilLeft, True)]
)
def test_stops_when_the_client_leaves(
    serve: Serve, user_says: Says, kind: type[NeverStopsTalking], stream: bool
) -> None:
    model = kind()
    served = serve(lambda: model).until_ready()

    impatient = httpx.Client(base_url=served.url, timeout=httpx.Timeout(30, read=0.2))
    with impatient, pytest.raises(httpx.ReadTimeout):
        impatient.post(CHAT, json=user_says("hi", stream=stream))

    served.until(model.left.is_set)
    served.until(lambda: not served.worker.busy)


def test_stops_when_a_client_leaves_in_the_middle_of_a_stream(serve: Serve, user_says: Says) -> None:
    model = NeverStopsTalking()
    served = serve(lambda: model).until_ready()

    with served.client.stream("POST", CHAT, json=user_says("hi", stream=True)) as answer:
        next(answer.iter_lines())

    served.until(model.left.is_set)


def test_tells_a_listener_that_the_engine_stops(serve: Serve, user_says: Says, read_frames: Frames) -> None:
    model = NeverStopsTalking()
    served = serve(lambda: model).until_ready()
    text: list[str] = []
    listener = threading.Thread(
        target=lambda: text.append(served.client.post(CHAT, json=user_says("hi", stream=True)).text)
    )
    listener.start()
    assert model.begun.wait(30)

    served.close()
    listener.join(30)

    *_, error, done = read_frames(text[0])
    assert (error["error"]["code"], done) == ("stream_broken", "[DONE]")


def test_thoughts_have_a_field_of_their_own_and_are_counted(serve: Serve, user_says: Says) -> None:
    client = serve(lambda: Thinker("<think>", "hm", "</think>", "\n\n", "42")).until_ready().client

    answer = client.post(CHAT, json=user_says("hi")).json()

    assert answer["choices"][0]["message"] == {
        "role": "assistant",
        "content": "42",
        "refusal": None,
        "reasoning_content": "hm",
    }
    assert answer["usage"]["completion_tokens_details"] == {"reasoning_tokens": 3}


def test_streams_thoughts_before_the_answer(serve: Serve, user_says: Says, read_frames: Frames) -> None:
    client = serve(lambda: Thinker("<think>", "hm", "</think>", "\n\n", "42")).until_ready().client

    *chunks, _ = read_frames(client.post(CHAT, json=user_says("hi", stream=True)).text)

    assert [chunk["choices"][0]["delta"] for chunk in chunks] == [
        {"role": "assistant", "content": ""},
        {"reasoning_content": "hm"},
        {"content": "42"},
        {},
    ]


def test_openai_python_reads_calls(serve: Serve) -> None:
    served = serve(lambda: Thinker("I'll look.\n", CALL, "\n", CALL)).until_ready()

    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0) as client:
        answer = client.chat.completions.create(
            model="demo", messages=[{"role": "user", "content": "hi"}], tools=[LOOK]
        )

    (choice,) = answer.choices
    assert (choice.message.content, choice.finish_reason) == ("I'll look.", "tool_calls")
    assert choice.message.tool_calls is not None
    assert [(call.function.name, call.function.arguments) for call in choice.message.tool_calls] == [
        ("look", '{"city": "Paris"}')
    ] * 2
    assert len({call.id for call in choice.message.tool_calls}) == 2


def test_openai_python_puts_streamed_calls_together(serve: Serve) -> None:
    served = serve(lambda: Thinker("I'll look.\n", CALL[:9], CALL[9:], CALL)).until_ready()

    with (
        openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0) as client,
        client.chat.completions.stream(
            model="demo", messages=[{"role": "user", "content": "hi"}], tools=[LOOK]
        ) as stream,
    ):
        answer = stream.get_final_completion()

    (choice,) = answer.choices
    assert (choice.message.content, choice.finish_reason) == ("I'll look.", "tool_calls")
    assert choice.message.tool_calls is not None
    assert [call.function.arguments for call in choice.message.tool_calls] == ['{"city": "Paris"}'] * 2


def test_calls_at_most_once_where_the_client_wants_that(serve: Serve, user_says: Says) -> None:
    client = serve(lambda: Thinker(CALL, CALL)).until_ready().client

    answer = client.post(CHAT, json=user_says("hi", tools=[LOOK], parallel_tool_calls=False)).json()

    assert len(answer["choices"][0]["message"]["tool_calls"]) == 1


def test_openai_python_reads_several_choices_and_their_odds(serve: Serve) -> None:
    served = serve(lambda: Thinker("a", "b")).until_ready()

    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0) as client:
        answer = client.chat.completions.create(
            model="demo", messages=[{"role": "user", "content": "hi"}], n=2, logprobs=True
        )

    assert [(choice.index, choice.message.content) for choice in answer.choices] == [(0, "ab"), (1, "ab")]
    for choice in answer.choices:
        assert choice.logprobs is not None
        assert choice.logprobs.content is not None
        assert [(one.token, one.logprob, one.bytes) for one in choice.logprobs.content] == [
            ("a", -0.5, [97]),
            ("b", -0.5, [98]),
        ]


def test_streams_several_choices_side_by_side(serve: Serve, user_says: Says, read_frames: Frames) -> None:
    client = serve(lambda: Thinker("a", "b")).until_ready().client

    *chunks, _ = read_frames(client.post(CHAT, json=user_says("hi", stream=True, n=2)).text)

    told = [(chunk["choices"][0]["index"], chunk["choices"][0]["delta"].get("content")) for chunk in chunks]
    assert [one for one in told if one[1]] == [(0, "a"), (1, "a"), (0, "b"), (1, "b")]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[-2:]] == ["stop", "stop"]


def test_the_effort_reaches_the_template(serve: Serve, user_says: Says) -> None:
    model = Thinker("42")
    client = serve(lambda: model).until_ready().client

    assert client.post(CHAT, json=user_says("hi", reasoning_effort="none")).status_code == 200

    assert model.asked[0].chat_template_kwargs == {"enable_thinking": False}


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"tools": [LOOK]}, "tools", "unsupported_parameter"),
        ({"tool_choice": "required"}, "tool_choice", "invalid_value"),
        ({"reasoning_effort": "high"}, "reasoning_effort", "unsupported_parameter"),
        ({"reasoning_effort": "much"}, "reasoning_effort", "invalid_value"),
        (
            {"response_format": {"type": "json_schema"}},
            "response_format.json_schema",
            "missing_required_parameter",
        ),
        ({"top_logprobs": 3}, "top_logprobs", "invalid_value"),
        ({"functions": [LOOK["function"]]}, "functions", "unsupported_parameter"),
        ({"n": 9}, "n", "invalid_value"),
        ({"max_tokens": 98}, "max_tokens", "context_length_exceeded"),
    ],
)
def test_refuses_what_it_cannot_honour(
    serve: Serve, user_says: Says, body: dict[str, Any], param: str, code: str
) -> None:
    client = serve(Talker).until_ready().client

    answer = client.post(CHAT, json=user_says("hi", **body))

    assert (answer.status_code, error_of(answer)["param"], error_of(answer)["code"]) == (400, param, code)


def test_a_prompt_that_does_not_fit_never_reaches_the_model(serve: Serve, user_says: Says) -> None:
    model = Thinker("42")
    model.counter = ManyTokens(100)
    client = serve(lambda: model).until_ready().client

    answer = client.post(CHAT, json=user_says("hi", stream=True))

    assert (answer.status_code, error_of(answer)["code"]) == (400, "context_length_exceeded")
    assert model.asked == []


@pytest.mark.parametrize(("tokens", "level"), [(10, None), (11, "warning"), (21, "critical")])
@pytest.mark.parametrize("stream", [False, True])
def test_says_that_a_prompt_is_large(
    serve: Serve, user_says: Says, tokens: int, level: str | None, stream: bool
) -> None:
    model = Talker()
    model.counter = ManyTokens(tokens)
    client = serve(lambda: model, budget=BudgetSettings(10, 20)).until_ready().client

    answer = client.post(CHAT, json=user_says("hi", stream=stream))

    assert answer.headers.get("x-switchyard-token-level") == level


def test_says_what_running_out_of_memory_has_led_to(serve: Serve, user_says: Says, read_frames: Frames) -> None:
    client = serve(lambda: Thinker("42", note="pictures were read smaller")).until_ready().client

    whole = client.post(CHAT, json=user_says("hi"))
    *_, last, _ = read_frames(client.post(CHAT, json=user_says("hi", stream=True)).text)

    assert whole.headers["x-switchyard-memory"] == "pictures were read smaller"
    assert last["switchyard"] == {"memory": "pictures were read smaller"}


def test_a_prompt_of_words_is_spelled_once(serve: Serve, user_says: Says) -> None:
    model = Thinker("42")
    served = serve(lambda: model).until_ready()

    served.client.post(CHAT, json=user_says("hi"))

    assert model.spelled == [[1, 2, 3]]


def test_a_model_that_fell_asleep_meanwhile_is_not_asked(serve: Serve, user_says: Says) -> None:
    model = Thinker("42")
    served = serve(lambda: model).until_ready()

    class PutsToSleep(ThreeTokens):
        def spell(self, request: ChatRequest, conversation: Conversation) -> tuple[Counted, list[int]]:
            served.engine.phase = Sleeping(model)
            return super().spell(request, conversation)

    model.counter = PutsToSleep()
    answer = served.client.post(CHAT, json=user_says("hi"))

    assert (answer.status_code, error_of(answer)["code"]) == (503, "model_asleep")
    assert model.asked == []
