"""Chat and completions: beats anywhere, one identity throughout, and not a byte touched where none need be."""

import json
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from openai.types.chat import ChatCompletionChunk

from switchyard_proxy.dialects.openai_chat import OPENAI_CHAT, OPENAI_COMPLETIONS, ChunkVoice
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

IDENTITY = {"id": "chatcmpl-e", "object": "chat.completion.chunk", "created": 170, "model": "m"}
OURS = {"id": "chatcmpl-req_1", "created": 1_700_000_000, "model": "chat"}


def chunk(number: int, text: str, keys: list[str] | None = None) -> dict[str, Any]:
    call = {"index": 0, "id": "chatcmpl-e", "function": {"name": "f", "arguments": text}}
    choice = {"index": 0, "delta": {"content": text, "tool_calls": [call]}, "finish_reason": None}
    members = IDENTITY | {"choices": [choice], "created_n": 1700, "n": number, "usage": {"id": "chatcmpl-e"}}
    return {key: members[key] for key in keys or members}


@st.composite
def chats(draw: st.DrawFn) -> Performance:
    keys = draw(st.permutations([*IDENTITY, "choices", "created_n", "n", "usage"]))
    keys = keys if draw(st.booleans()) else None
    said = [chunk(n, text, keys) for n, text in enumerate(draw(st.lists(WORDS, min_size=1, max_size=5)))]
    return draw(performances(said))


def voice(mode: str = "chunk") -> ChunkVoice:
    return OPENAI_CHAT.voice(opening(mode))  # type: ignore[return-value]


def wire(*chunks: dict[str, Any]) -> bytes:
    return b"".join(b"data: %b\n\n" % json.dumps(chunk, separators=(",", ":")).encode() for chunk in chunks)


@given(performance=chats(), mode=st.sampled_from(["chunk", "reasoning", "comment", "off"]))
def test_the_client_hears_what_the_engine_said_in_order_and_beats_between(
    performance: Performance, mode: str
) -> None:
    out = b"".join(performed(voice(mode), performance))

    told = documents(out)
    identities = {(one["id"], one["created"], one["model"]) for one in told}
    assert len(identities) == 1
    assert [one | IDENTITY for one in told if "n" in one] == [one | IDENTITY for one in performance.said]
    assert heard(out)[-1].data == "[DONE]"
    for beat in (one for one in told if "n" not in one):
        assert ChatCompletionChunk.model_validate(beat, strict=True).choices[0].delta.content is None


@given(performance=chats())
def test_without_a_beat_before_the_engine_speaks_no_byte_of_its_is_changed(performance: Performance) -> None:
    speaker, sent = voice(), b""

    for out in performed(
        speaker, Performance(performance.said, performance.pieces, (False,) * len(performance.pieces))
    ):
        sent += out

    assert sent == b"".join(performance.pieces)


@given(performance=chats())
def test_only_the_three_members_are_replaced(performance: Performance) -> None:
    stream = b"".join(performance.pieces)
    speaker = voice()
    speaker.beat(15)

    told = documents(speaker.passes(stream))

    assert told == [one | OURS for one in performance.said]


@given(data=st.data(), words=st.lists(WORDS, min_size=1, max_size=3))
def test_an_event_too_large_to_be_held_is_renamed_at_its_head_only(
    data: st.DataObject, words: list[str]
) -> None:
    large, rest = wire(chunk(0, '"id":"chatcmpl-e"')), wire(*(chunk(n, text) for n, text in enumerate(words)))
    place = data.draw(st.integers(100, len(large) - 1))
    speaker = voice()
    speaker.beat(15)

    out = speaker.passes(large[:place]) + speaker.passes(large[place:] + rest)

    assert documents(out) == [one | OURS for one in (*documents(large), *documents(rest))]


def test_beats_after_the_engine_spoke_have_its_identity() -> None:
    speaker = voice()

    speaker.passes(wire(chunk(0, "hi"), chunk(1, "ho")))
    [beat] = documents(speaker.beat(15))

    assert beat == IDENTITY | {"choices": [{"index": 0, "delta": {}, "finish_reason": None}]}


def test_chunks_that_begin_otherwise_are_renamed_too_wherever_they_come() -> None:
    speaker = voice()
    speaker.beat(15)
    usual, other = chunk(0, "hi"), dict(sorted(chunk(1, "ho").items()))
    speaker.passes(wire(usual))

    told = documents(
        speaker.passes(wire(usual, other)) + speaker.passes(wire(other)) + speaker.passes(wire(usual))
    )

    assert [{name: one[name] for name in OURS} for one in told] == [OURS] * 4


def test_after_an_event_too_large_to_be_held_all_are_renamed_again() -> None:
    speaker = voice()
    speaker.beat(15)
    usual, other = chunk(0, "hi"), dict(sorted(chunk(1, "ho").items()))
    speaker.passes(wire(usual))
    large = wire(usual)

    out = speaker.passes(large[:-9]) + speaker.passes(large[-9:] + wire(usual)) + speaker.passes(wire(other))

    assert [one["id"] for one in documents(out)] == [OURS["id"]] * 3


def test_after_the_last_word_there_is_nothing_left_to_say() -> None:
    speaker = voice()
    speaker.passes(wire(chunk(0, "hi")))
    speaker.passes(b"data: [DONE]\n\n")

    assert speaker.beat(15) == b""


def test_a_note_of_the_engines_is_not_yet_its_voice() -> None:
    speaker = voice()

    assert speaker.passes(b": keep-alive\n\n") == b": keep-alive\n\n"
    [beat] = documents(speaker.beat(15))
    [renamed] = documents(speaker.passes(wire(chunk(0, "hi"))))

    assert beat["id"] == renamed["id"] == "chatcmpl-req_1"


def test_an_error_in_the_engines_stream_passes_as_it_is() -> None:
    speaker = voice()
    speaker.beat(15)
    error = b'data: {"error": {"message": "out of memory", "code": 500}}\n\n'

    assert speaker.passes(error) == error


def test_a_model_whose_name_ends_the_head_is_told_from_a_longer_one() -> None:
    speaker = voice()
    speaker.beat(15)
    first, second = (
        chunk(0, "a", ["id", "model", "created", "n"]),
        chunk(1, "b", ["id", "model", "created", "n"]),
    )
    second["created"] = 1701  # begins with the first one's

    told = documents(speaker.passes(wire(first)) + speaker.passes(wire(second)))

    assert [one["created"] for one in told] == [1_700_000_000, 1_700_000_000]
    assert [one["n"] for one in told] == [0, 1]


def test_reasoning_tells_how_long_it_takes_until_the_engine_speaks() -> None:
    speaker = voice("reasoning")

    [first] = documents(speaker.beat(15.4))
    speaker.passes(wire(dict(sorted(chunk(0, "hi").items()))))
    [second] = documents(speaker.beat(25))

    ChatCompletionChunk.model_validate(first, strict=True)
    assert first["choices"][0]["delta"] == {"reasoning_content": "waiting for the model (15 s)…\n"}
    assert second["choices"][0]["delta"] == {}


def test_reasoning_tells_how_far_the_model_is_where_that_is_known() -> None:
    far = iter(["downloading 3.1 of 8.2 GB, 38 %", None])
    speaker = OPENAI_CHAT.voice(replace(opening("reasoning"), progress=lambda: next(far)))

    told = [documents(speaker.beat(seconds))[0]["choices"][0]["delta"] for seconds in (15, 25)]

    assert [one["reasoning_content"] for one in told] == [
        "waiting for the model (15 s; downloading 3.1 of 8.2 GB, 38 %)…\n",
        "waiting for the model (25 s)…\n",
    ]


@pytest.mark.parametrize(("mode", "beat"), [("comment", b": keepalive\n\n"), ("off", b"")])
def test_other_modes_say_no_chunk(mode: str, beat: bytes) -> None:
    assert voice(mode).beat(15) == beat


def test_a_completion_is_silent_in_its_own_shape() -> None:
    speaker = OPENAI_COMPLETIONS.voice(opening())

    [beat] = documents(speaker.beat(15))

    assert beat["id"] == "cmpl-req_1"
    assert beat["object"] == "text_completion"
    assert beat["choices"] == [{"index": 0, "text": "", "logprobs": None, "finish_reason": None}]


def test_a_broken_stream_ends_with_an_error_and_then_with_done() -> None:
    error, done = heard(voice().error(BROKEN))

    assert error.json()["error"]["code"] == "stream_broken"
    assert done.data == "[DONE]"


def test_an_engines_refusal_keeps_its_error_object() -> None:
    theirs = {"message": "too long", "type": "BadRequestError", "param": None, "code": 400}

    error, done = heard(voice().refused(400, json.dumps({"error": theirs}).encode()))

    assert error.json() == {"error": theirs}
    assert done.data == "[DONE]"


@pytest.mark.parametrize("mode", ["chunk", "comment", "reasoning", "off"])
def test_no_field_is_sent_that_makes_clients_fall_over(mode: str) -> None:
    speaker = voice(mode)

    said = speaker.beat(15) + speaker.error(BROKEN) + speaker.refused(500, b"id: 3\n\nretry: 1\n\n")

    assert not any(line.startswith((b"id:", b"retry:", b": ping")) for line in said.split(b"\n"))
