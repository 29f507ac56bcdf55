"""Token counts are found in every API's words, in streams and whole replies, and no bytes make it stumble."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchyard_proxy.accounting.account import Usage
from switchyard_proxy.accounting.usage import SMALL, BodyTap, EventTap, Tap

CHAT = {
    "prompt_tokens": 7,
    "completion_tokens": 5,
    "total_tokens": 12,
    "prompt_tokens_details": {"cached_tokens": 3},
}


def event(data: Any, name: str | None = None, end: str = "\n") -> bytes:
    label = f"event: {name}{end}" if name else ""
    return f"{label}data: {json.dumps(data)}{end}{end}".encode()


def seen(tap: Tap, pieces: Iterable[bytes]) -> Usage | None:
    for piece in pieces:
        tap.sees(piece)
    return tap.usage()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_finds_the_usage_chunk_of_a_chat_stream(end: str) -> None:
    stream = (
        event({"choices": [{"delta": {"content": "hi"}}], "usage": None}, end=end),
        event({"choices": [], "usage": CHAT}, end=end),
        f"data: [DONE]{end}{end}".encode(),
    )

    assert seen(EventTap(), stream) == Usage(7, 5, 3)
    assert seen(EventTap(), [b"".join(stream)]) == Usage(7, 5, 3)


def test_the_last_word_of_continuous_usage_counts() -> None:
    counts = ({"prompt_tokens": 7, "completion_tokens": made} for made in range(4))
    stream = [event({"choices": [{"delta": {}}], "usage": usage}) for usage in counts]

    assert seen(EventTap(), stream) == Usage(7, 3)


@pytest.mark.parametrize("kind", ["completed", "incomplete", "failed"])
def test_finds_the_usage_of_a_response_however_it_ends(kind: str) -> None:
    usage = {"input_tokens": 11, "output_tokens": 4, "input_tokens_details": {"cached_tokens": 0}}
    last = {"type": f"response.{kind}", "response": {"id": "r", "output": [], "usage": usage}}
    stream = (
        event({"type": "response.created", "response": {"id": "r", "usage": None}}, "response.created"),
        event(last, f"response.{kind}"),
    )

    assert seen(EventTap(), stream) == Usage(11, 4, 0)


def test_puts_together_what_an_anthropic_stream_says_at_both_ends() -> None:
    stream = (
        event(
            {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 9, "output_tokens": 1}}}
        ),
        event({"type": "content_block_delta", "delta": {"type": "text_delta", "text": '"usage":{"x":1}'}}),
        event({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 30}}),
    )

    assert seen(EventTap(), stream) == Usage(9, 30)


def test_counts_what_anthropic_had_cached_as_part_of_the_prompt() -> None:
    usage = {
        "input_tokens": 9,
        "cache_read_input_tokens": 20,
        "cache_creation_input_tokens": 1,
        "output_tokens": 2,
    }

    assert seen(BodyTap(), [json.dumps({"type": "message", "usage": usage}).encode()]) == Usage(30, 2, 20)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (CHAT, Usage(7, 5, 3)),
        ({"prompt_tokens": 8, "total_tokens": 8}, Usage(8, 0)),
        ({"total_tokens": 56}, Usage(56, 0)),
        ({"input_tokens": 6, "output_tokens": 2}, Usage(6, 2)),
        ({"prompt_tokens": 8, "prompt_tokens_details": None}, Usage(8, 0)),
        ({"prompt_tokens": -8}, None),
        ({"prompt_tokens": True}, None),
        ({"prompt_tokens": "8"}, None),
        ({"prompt_tokens": 10**30}, None),
        ({}, None),
        (None, None),
    ],
)
def test_finds_the_usage_of_a_whole_reply(usage: Any, expected: Usage | None) -> None:
    body = json.dumps({"id": "x", "choices": [{"message": {"content": "a"}}], "usage": usage}).encode()

    assert seen(BodyTap(), [body]) == expected
    assert seen(BodyTap(), [b"\n\n", body[:9], body[9:]]) == expected


def test_what_else_is_called_message_or_response_does_no_harm() -> None:
    body = json.dumps({"message": "hello", "response": [1], "usage": {"prompt_tokens": 1}}).encode()

    assert seen(BodyTap(), [body]) == Usage(1, 0)


PICTURE = "A" * (3 * SMALL)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("size", [1_000, 65_536, 10_000_000])
def test_finds_usage_at_either_end_of_a_reply_full_of_pictures(first: bool, size: int) -> None:
    usage = {
        "input_tokens": 6,
        "output_tokens": 2,
        "input_tokens_details": {"text_tokens": 6, "image_tokens": 0},
    }
    data = [{"b64_json": PICTURE}]
    reply = {"usage": usage, "data": data} if first else {"data": data, "usage": usage, "size": "auto"}
    body = json.dumps(reply).encode()

    assert seen(BodyTap(), (body[at : at + size] for at in range(0, len(body), size))) == Usage(6, 2)


def test_a_large_reply_is_not_kept() -> None:
    tap = BodyTap()

    for _ in range(1_000):
        tap.sees(b"x" * 65_536)

    assert sum(map(len, tap._parts)) + len(tap._head) < SMALL


@pytest.mark.parametrize(
    "reply",
    [
        {"data": [{"b64_json": PICTURE, "usage": CHAT}]},
        {"data": [PICTURE], "more": {"usage": CHAT}},
        {"more": {"usage": CHAT}, "data": [PICTURE]},
        {"text": '"usage":' + json.dumps(CHAT), "data": [PICTURE]},
        {"data": [PICTURE], "text": '"usage":' + json.dumps(CHAT) + "}"},
    ],
)
def test_what_only_looks_like_usage_in_a_large_reply_is_not_taken_for_it(reply: Any) -> None:
    assert seen(BodyTap(), [json.dumps(reply).encode()]) is None


def test_finds_usage_in_an_event_with_a_picture_even_when_it_comes_in_pieces() -> None:
    usage = {"input_tokens": 6, "output_tokens": 2}
    whole = event({"type": "image_generation.completed", "b64_json": PICTURE, "usage": usage}, "x")

    assert seen(EventTap(), [whole]) == Usage(6, 2)
    assert seen(EventTap(), [whole[:400_000], whole[400_000:]]) == Usage(6, 2)


MARKS = b'"usage" "usage":{ data: data:{ \r { } [ " : , \\ "prompt_tokens":1 "message": "response": null'.split(
    b" "
)
PARTS = st.sampled_from([*MARKS, b"\n", b"\r", b"\r\n", b"\xff", b"9" * 5000, b"{" * 3000])


@given(st.lists(st.one_of(PARTS, st.binary(max_size=20)), max_size=30), st.booleans())
def test_no_bytes_make_it_raise(pieces: list[bytes], large: bool) -> None:
    if large:
        pieces = [*pieces, b"x" * SMALL, *pieces]

    for tap in (EventTap(), BodyTap()):
        seen(tap, pieces)
        seen(tap, [b"".join(pieces)])
