"""Responses: beats are events that the API knows, with one id throughout and numbers without a gap."""

import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from openai.types.responses import ResponseErrorEvent, ResponseStreamEvent
from pydantic import TypeAdapter

from switchyard_contracts.errors import ErrorBody, ErrorCode
from switchyard_proxy.dialects.responses import OPENAI_RESPONSES, ResponsesVoice
from tests.proxy.dialects.hearing import (
    BROKEN,
    WORDS,
    Performance,
    documents,
    heard,
    opening,
    performances,
    performed,
)

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
RESPONSE = {
    "id": "resp_e",
    "object": "response",
    "created_at": 170,
    "model": "m",
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [{"type": "function", "name": "f", "parameters": {"id": "resp_e"}, "strict": True}],
}
OURS = {"id": "resp_req_1", "created_at": 1_700_000_000, "model": "chat"}
LIVES = ("response.created", "response.queued", "response.in_progress")


def engine(words: list[str], *, queued: bool = False) -> list[dict[str, Any]]:
    """What vLLM says, shortened."""
    said: list[dict[str, Any]] = []

    def add(kind: str, **more: Any) -> None:
        said.append({"type": kind, **more, "sequence_number": len(said)})

    for event in LIVES if queued else (LIVES[0], LIVES[2]):
        add(event, response=RESPONSE | {"status": event.removeprefix("response.").replace("created", "queued")})
    for word in words:
        add(
            "response.output_text.delta",
            delta=word,
            item_id="msg_1",
            output_index=0,
            content_index=0,
            logprobs=[],
        )
    add(
        "response.completed",
        response=RESPONSE | {"status": "completed", "metadata": {"id": "resp_e", "n": "1"}},
    )
    return said


@st.composite
def responses(draw: st.DrawFn) -> Performance:
    said = engine(draw(st.lists(WORDS, max_size=4)), queued=draw(st.booleans()))
    return draw(performances(said, done=False))


def voice(mode: str = "chunk", body: bytes = b"{}") -> ResponsesVoice:
    return OPENAI_RESPONSES.voice(opening(mode, body))  # type: ignore[return-value]


def wire(*said: dict[str, Any]) -> bytes:
    return b"".join(
        b"event: %b\ndata: %b\n\n" % (one["type"].encode(), json.dumps(one).encode()) for one in said
    )


def plain(said: dict[str, Any]) -> dict[str, Any]:
    """Without what we may give an event."""
    bare = {name: value for name, value in said.items() if name != "sequence_number"}
    return bare | ({"response": bare["response"] | OURS} if "response" in bare else {})


def numbers(stream: bytes) -> list[int]:
    return [one["sequence_number"] for one in documents(stream)]


@given(performance=responses(), mode=st.sampled_from(["chunk", "reasoning", "comment", "off"]))
def test_the_client_hears_what_the_engine_said_in_order_and_one_response_throughout(
    performance: Performance, mode: str
) -> None:
    out = b"".join(performed(voice(mode), performance))

    told = documents(out)
    assert numbers(out) == list(range(len(told)))
    assert len({one["response"]["id"] for one in told if "response" in one}) == 1
    assert [one["type"] for one in told].count("response.created") == 1
    assert [plain(one) for one in told if one["type"] not in LIVES] == [
        plain(one) for one in performance.said if one["type"] not in LIVES
    ]
    for one in told:
        EVENT.validate_python(one, strict=True)


@given(performance=responses())
def test_without_a_beat_no_byte_of_the_engines_is_changed(performance: Performance) -> None:
    silent = Performance(performance.said, performance.pieces, (False,) * len(performance.pieces))

    assert b"".join(performed(voice(), silent)) == b"".join(performance.pieces)


@given(performance=responses())
def test_only_identity_and_number_are_replaced(performance: Performance) -> None:
    speaker = voice()
    speaker.beat(15)

    told = documents(speaker.passes(b"".join(performance.pieces)))

    kept = [one for one in performance.said if one["type"] not in LIVES[:2]]
    assert told == [plain(one) | {"sequence_number": n} for n, one in enumerate(kept, start=2)]


@given(performance=responses(), after=st.integers(0, 9))
def test_a_failure_takes_the_next_numbers_and_the_same_response(performance: Performance, after: int) -> None:
    speaker = voice()
    cut_short = Performance(performance.said, performance.pieces[:after], performance.beats[:after])
    whole = b"".join(performed(speaker, cut_short, ends=False))

    told = documents(whole + speaker.error(BROKEN))

    assert [one["sequence_number"] for one in told] == list(range(len(told)))
    assert len({one["response"]["id"] for one in told if "response" in one}) == 1
    assert [one["type"] for one in told[-2:]] == ["response.failed", "error"]


def test_the_first_beat_creates_a_response_and_later_ones_say_that_it_waits() -> None:
    speaker = voice()

    first, second = speaker.beat(15), speaker.beat(25)

    assert [event.name for event in heard(first + second)] == [*LIVES[:2], "response.queued"]
    assert numbers(first + second) == [0, 1, 2]
    assert documents(first)[0]["response"]["status"] == "queued"


def test_after_the_engine_has_begun_a_beat_says_that_it_goes_on() -> None:
    speaker = voice()
    speaker.beat(15)
    speaker.passes(wire(*engine([])[:2]))

    [beat] = documents(speaker.beat(25))

    assert beat["type"] == "response.in_progress"
    assert beat["response"]["status"] == "in_progress"
    assert beat["sequence_number"] == 3


def test_a_beat_in_the_middle_of_the_engines_own_response_moves_its_numbers_up() -> None:
    said = engine(["a", "b"])
    speaker = voice()

    out = speaker.passes(wire(*said[:3])) + speaker.passes(b": keep-alive\n\n") + speaker.beat(15)
    out += speaker.passes(b": keep-alive\n\n" + wire(*said[3:]))

    assert heard(out)[3].name == "response.in_progress"
    assert numbers(out) == list(range(len(said) + 1))
    assert {one["response"]["id"] for one in documents(out) if "response" in one} == {"resp_e"}


def test_what_the_engine_says_of_its_own_response_is_not_dropped() -> None:
    said = engine([], queued=True)
    speaker = voice()

    out = speaker.passes(wire(said[0])) + speaker.beat(15) + speaker.passes(wire(*said[1:]))

    assert [event.name for event in heard(out)] == [
        LIVES[0],
        LIVES[2],
        LIVES[1],
        LIVES[2],
        "response.completed",
    ]


@pytest.mark.parametrize("beats", [0, 1])
def test_nothing_goes_on_after_the_response_is_complete(beats: int) -> None:
    speaker = voice()
    for _ in range(beats):
        speaker.beat(15)

    speaker.passes(wire(*engine(["a"])))

    assert speaker.beat(25) == b": keepalive\n\n"


def test_where_the_engine_began_in_no_way_we_know_a_beat_is_a_comment() -> None:
    speaker = voice()
    speaker.passes(b'data: {"hello": 1}\n\n')

    assert speaker.beat(15) == b": keepalive\n\n"
    assert [event.name for event in heard(speaker.error(BROKEN))] == ["error"]


def test_the_engines_id_is_kept_for_whoever_must_ask_it_again() -> None:
    speaker = voice()
    speaker.beat(15)

    speaker.passes(wire(*engine(["a"])))

    assert speaker.renamed == ("resp_req_1", "resp_e")


def test_a_new_response_says_again_what_the_request_said() -> None:
    asked = {
        "model": "chat",
        "temperature": 0.5,
        "metadata": {"a": "b"},
        "parallel_tool_calls": False,
        "store": True,
    }

    created, _ = documents(voice(body=json.dumps(asked | {"input": "hi", "top_p": "no"}).encode()).beat(15))

    assert {name: created["response"][name] for name in asked} == asked
    assert created["response"]["top_p"] is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 100_000, b'{"a":"' + b"x" * 300_000 + b'"}'])
def test_a_body_that_cannot_be_read_does_no_harm(body: bytes) -> None:
    for one in documents(voice(body=body).beat(15)):
        EVENT.validate_python(one, strict=True)


def test_an_id_that_would_not_fit_into_a_path_is_made_to() -> None:
    speaker = OPENAI_RESPONSES.voice(opening(id_="a/b:c?"))

    assert documents(speaker.beat(15))[0]["response"]["id"] == "resp_a_b_c_"


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (BROKEN, "server_error"),
        (ErrorBody.of(ErrorCode.RATE_LIMIT_EXCEEDED, "wait"), "rate_limit_exceeded"),
        (ErrorBody.of(ErrorCode.INVALID_VALUE, "no", "top_p"), "invalid_prompt"),
        (ErrorBody.of(ErrorCode.CONTEXT_LENGTH_EXCEEDED, "too long"), "context_length_exceeded"),
    ],
)
def test_a_failure_has_a_word_that_clients_decide_by_and_our_own_code(error: ErrorBody, word: str) -> None:
    created, failed, told = documents(voice().error(error))

    assert created["type"] == "response.created"
    assert failed["response"]["status"] == "failed"
    assert failed["response"]["error"] == {"code": word, "message": error.message}
    assert told["code"] == told["error"]["code"] == error.code
    assert told["param"] == error.param
    ResponseErrorEvent.model_validate(told, strict=True)


def test_an_engines_refusal_keeps_its_error_object() -> None:
    theirs = {"message": "too long", "type": "BadRequestError", "param": None, "code": 400}

    _, failed, told = documents(voice().refused(400, json.dumps({"error": theirs}).encode()))

    assert failed["response"]["error"] == {"code": "invalid_prompt", "message": "too long"}
    assert told["error"] == theirs
    assert told["code"] == "400"
