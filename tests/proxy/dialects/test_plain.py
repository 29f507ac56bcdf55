"""Streams that have no chunk of ours: comments between their events, and an event that says what went wrong."""

import json

import hypothesis.strategies as st
import pytest
from hypothesis import given

from switchyard_proxy.dialects.images import OPENAI_IMAGES
from switchyard_proxy.dialects.plain import OPENAI_PLAIN
from switchyard_proxy.dialects.voice import Dialect
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

COMMENT = b": keepalive\n\n"


@st.composite
def streams(draw: st.DrawFn) -> Performance:
    said = [
        {"type": "image_generation.partial_image", "b64_json": word}
        for word in draw(st.lists(WORDS, max_size=4))
    ]
    return draw(performances(said, done=False))


@given(performance=streams())
def test_the_client_hears_what_the_engine_said_and_nothing_else(performance: Performance) -> None:
    out = b"".join(performed(OPENAI_IMAGES.voice(opening()), performance))

    assert documents(out) == list(performance.said)


@pytest.mark.parametrize("dialect", [OPENAI_IMAGES, OPENAI_PLAIN])
@pytest.mark.parametrize(
    ("mode", "beat"),
    [("chunk", COMMENT), ("reasoning", COMMENT), ("comment", COMMENT), ("off", b"")],
)
def test_a_beat_is_a_comment(dialect: Dialect, mode: str, beat: bytes) -> None:
    assert dialect.voice(opening(mode)).beat(15) == beat


def test_errors_are_events_of_that_name() -> None:
    voice = OPENAI_IMAGES.voice(opening())
    theirs = {"message": "too large", "type": "invalid_request_error", "param": "size", "code": None}

    ours, refused = heard(voice.error(BROKEN) + voice.refused(400, json.dumps({"error": theirs}).encode()))

    assert ours.name == refused.name == "error"
    assert ours.json()["error"]["code"] == "stream_broken"
    assert refused.json() == {"error": theirs}
