"""Anthropic's words: pings that may come at any time, errors of its own types, streams untouched."""

import json

import hypothesis.strategies as st
import pytest
from hypothesis import given

from switchyard_contracts.errors import CODES, ErrorBody, ErrorCode
from switchyard_proxy.dialects.anthropic import ANTHROPIC, TYPES
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

PING = {"type": "ping"}


@st.composite
def messages(draw: st.DrawFn) -> Performance:
    said = [
        {"type": "content_block_delta", "delta": {"text": word}} for word in draw(st.lists(WORDS, max_size=5))
    ]
    return draw(performances(said, done=False))


@given(performance=messages())
def test_the_client_hears_what_the_engine_said_and_pings_between(performance: Performance) -> None:
    out = b"".join(performed(ANTHROPIC.voice(opening()), performance))

    assert [one for one in documents(out) if one != PING] == list(performance.said)
    assert [one for one in documents(out) if one == PING] == [PING] * sum(performance.beats)


@pytest.mark.parametrize(
    ("mode", "beat"),
    [
        ("chunk", b'event: ping\ndata: {"type":"ping"}\n\n'),
        ("reasoning", b'event: ping\ndata: {"type":"ping"}\n\n'),
        ("comment", b": keepalive\n\n"),
        ("off", b""),
    ],
)
def test_a_beat_is_a_ping_unless_the_mode_says_otherwise(mode: str, beat: bytes) -> None:
    assert ANTHROPIC.voice(opening(mode)).beat(15) == beat


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_code_of_ours_has_a_type_that_anthropic_knows(code: ErrorCode) -> None:
    told = json.loads(ANTHROPIC.error(ErrorBody.of(code, "cannot", "model")))

    assert told["type"] == "error"
    assert told["error"]["type"] in TYPES.values()
    assert told["error"]["code"] == code
    assert told["error"]["param"] == "model"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (ErrorCode.MODEL_NOT_FOUND, "not_found_error"),
        (ErrorCode.INVALID_API_KEY, "authentication_error"),
        (ErrorCode.PERMISSION_DENIED, "permission_error"),
        (ErrorCode.REQUEST_TOO_LARGE, "request_too_large"),
        (ErrorCode.OVERLOADED, "overloaded_error"),
        (ErrorCode.MODEL_LOAD_FAILED, "api_error"),  # nobody should hammer on it
        (ErrorCode.MODEL_LOAD_TIMEOUT, "timeout_error"),
        (ErrorCode.REQUEST_CANCELLED, "invalid_request_error"),
    ],
)
def test_the_type_follows_from_the_status(code: ErrorCode, kind: str) -> None:
    assert json.loads(ANTHROPIC.error(ErrorBody.of(code, "cannot")))["error"]["type"] == kind


def test_a_broken_stream_ends_with_an_event_of_its_own() -> None:
    [event] = heard(ANTHROPIC.voice(opening()).error(BROKEN))

    assert event.name == "error"
    assert event.json() == {
        "type": "error",
        "error": {"type": "api_error", "message": BROKEN.message, "code": "stream_broken"},
        "request_id": "req_1",
    }


@pytest.mark.parametrize(
    ("theirs", "kind"),
    [
        ({"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}}, "rate_limit_error"),
        (
            {"error": {"message": "slow", "type": "BadRequestError", "param": None, "code": 400}},
            "invalid_request_error",
        ),
    ],
)
def test_an_engines_refusal_is_told_in_its_words_with_a_type_that_anthropic_knows(
    theirs: dict, kind: str
) -> None:
    payload = json.dumps(theirs).encode()

    [event] = heard(ANTHROPIC.voice(opening()).refused(400, payload))

    assert event.json()["error"] == theirs["error"] | {"type": kind}
    assert json.loads(ANTHROPIC.foreign(400, payload))["error"] == theirs["error"] | {"type": kind}


def test_only_anthropics_own_shape_passes_as_it_is() -> None:
    assert ANTHROPIC.is_error(b'{"type":"error","error":{"type":"api_error","message":"x"}}')
    for payload in (
        b'{"error":{"message":"x"}}',
        b"<html>",
        b"[]",
        b'{"type":"error","error":"x"}',
        b"[" * 99_999,
    ):
        assert not ANTHROPIC.is_error(payload)


def test_every_status_of_ours_is_known() -> None:
    assert all(facts.status >= 500 or facts.status in (*TYPES, 405, 408, 409, 412) for facts in CODES.values())
