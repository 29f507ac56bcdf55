"""A chat request as it is composed: where its media stand, and what is put in their places for a count."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchyard_contracts.serving import Vision
from switchyard_proxy.budget.prompt import as_pixel, as_text, read_prompt
from switchyard_proxy.errors import Refused
from tests.proxy.wire.test_vision_budget import png

PICTURE = {"type": "image_url", "image_url": {"url": png(64, 64)}}
TEXT = {"type": "text", "text": "one"}


def body(*contents: Any, **more: Any) -> bytes:
    messages = [{"role": "user", "content": content} for content in contents]
    return json.dumps({"model": "m", "messages": messages, **more}).encode()


def test_each_medium_is_named_by_where_it_stands() -> None:
    prompt = read_prompt(body([TEXT, PICTURE], "words", [PICTURE, PICTURE]))

    assert [place.param for place in prompt.places] == [
        "messages[0].content[1]",
        "messages[2].content[0]",
        "messages[2].content[1]",
    ]
    assert [place.medium.index for place in prompt.places] == [1, 2, 3]


def test_what_an_engine_counts_has_no_picture_in_it_and_the_rest_as_it_was() -> None:
    sent = body([TEXT, PICTURE], "words", tools=[{"type": "function"}], labels=False, temperature=1)
    prompt = read_prompt(sent)

    marked, drawn = prompt.spelled(as_text), prompt.spelled(as_pixel)

    assert marked["messages"][0]["content"] == [
        TEXT,
        {"type": "text", "text": "<|vision_start|><|image_pad|><|vision_end|>"},
    ]
    assert len(drawn["messages"][0]["content"][1]["image_url"]["url"]) < 150
    assert marked["messages"][1] == {"role": "user", "content": "words"}
    assert (marked["tools"], marked["labels"]) == ([{"type": "function"}], False)
    assert "temperature" not in marked
    assert prompt.messages == json.loads(sent)["messages"]


def test_a_part_that_is_left_alone_goes_as_it_is() -> None:
    prompt = read_prompt(body([TEXT, PICTURE]))

    assert prompt.spelled(lambda _: None)["messages"] == prompt.messages


def test_words_are_estimated_by_their_bytes() -> None:
    assert read_prompt(body("x" * 400)).words == 104
    assert read_prompt(body("ы" * 400)).words == 204


def test_a_broken_file_is_told_by_its_place() -> None:
    broken = {"type": "image_url", "image_url": {"url": "data:image/png;base64,?"}}

    with pytest.raises(Refused) as refused:
        read_prompt(body([TEXT, broken])).costs(Vision())

    assert refused.value.body.param == "messages[0].content[1]"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["type", "text", "image_url", "url", "content", "source"]), inner)
        ),
        max_leaves=12,
    )
)
def test_whatever_stands_in_a_message_is_counted_or_refused_by_us(content: Any) -> None:
    try:
        prompt = read_prompt(body(content))
        prompt.costs(Vision())
    except Refused:
        return
    assert prompt.words >= 4
    prompt.spelled(as_text)
