"""The chat request: what is understood, what is ignored, and what is refused rather than dropped."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.errors import InvalidValue, Unsupported

Says = Callable[..., dict[str, Any]]


def test_ignores_fields_that_it_does_not_know(user_says: Says) -> None:
    request = ChatRequest.model_validate(user_says("hi", prompt_cache_key="x", verbosity="low", user="me"))

    assert request.messages[0].content == "hi"


def test_null_means_the_default(user_says: Says) -> None:
    nothing = dict.fromkeys(
        ("stream", "stop", "min_tokens", "ignore_eos", "chat_template_kwargs", "temperature", "n")
    )

    request = ChatRequest.model_validate(user_says("hi", **nothing))

    assert request == ChatRequest.model_validate(user_says("hi"))


def test_one_stop_string_is_a_list_of_one(user_says: Says) -> None:
    assert ChatRequest.model_validate(user_says("hi", stop="###")).stop == ["###"]


def test_the_newer_name_of_the_limit_wins(user_says: Says) -> None:
    request = ChatRequest.model_validate(user_says("hi", max_tokens=5, max_completion_tokens=9))

    assert request.answer_limit == 9


def test_tools_are_left_out_when_none_may_be_used(user_says: Says) -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]

    assert ChatRequest.model_validate(user_says("hi", tools=tools)).offered_tools == tools
    assert ChatRequest.model_validate(user_says("hi", tools=tools, tool_choice="none")).offered_tools is None
    assert ChatRequest.model_validate(user_says("hi", tools=[])).offered_tools is None


def test_refuses_to_answer_in_anything_but_text(user_says: Says) -> None:
    with pytest.raises(Unsupported, match="cannot") as refused:
        ChatRequest.model_validate(user_says("hi", modalities=["text", "audio"]))

    assert refused.value.param == "modalities"


def test_refuses_to_search_the_web(user_says: Says) -> None:
    with pytest.raises(Unsupported, match="cannot") as refused:
        ChatRequest.model_validate(user_says("hi", web_search_options={}))

    assert refused.value.param == "web_search_options"


def test_tokens_are_named_in_a_bias_by_their_numbers(user_says: Says) -> None:
    request = ChatRequest.model_validate_json(json.dumps(user_says("hi", logit_bias={"50256": -100})))

    assert request.logit_bias == {50256: -100}


@pytest.mark.parametrize(
    ("param", "value"),
    [
        ("n", 1),
        ("logprobs", False),
        ("logit_bias", {}),
        ("modalities", ["text"]),
        ("response_format", {"type": "text"}),
        ("tool_choice", "auto"),
    ],
)
def test_accepts_the_same_field_where_it_asks_for_nothing(user_says: Says, param: str, value: object) -> None:
    assert ChatRequest.model_validate(user_says("hi", **{param: value}))


@pytest.mark.parametrize(
    ("param", "value"),
    [
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("top_p", 0),
        ("top_p", 1.1),
        ("top_k", -2),
        ("max_tokens", 0),
        ("stop", ["a", "b", "c", "d", "e"]),
        ("stop", [""]),
        ("seed", 2**63),
        ("messages", []),
        ("n", 9),
        ("user", "x" * 513),
        ("n", 0),
        ("top_logprobs", 21),
        ("logit_bias", {"1": 101}),
        ("logit_bias", {"token": 1}),
        ("response_format", {"type": "yaml"}),
    ],
)
def test_refuses_values_out_of_range(user_says: Says, param: str, value: object) -> None:
    with pytest.raises(ValidationError, match=param):
        ChatRequest.model_validate(user_says("hi") | {param: value})


CONTINUES = {"continue_final_message": True, "add_generation_prompt": False}


def test_an_answer_that_broke_off_is_continued_by_whoever_says_both(user_says: Says) -> None:
    assert ChatRequest.model_validate(user_says("hi", **CONTINUES)).continues
    for usual in ({}, {"add_generation_prompt": True}, dict.fromkeys(CONTINUES)):
        assert not ChatRequest.model_validate(user_says("hi", **usual)).continues


def test_a_message_is_not_both_begun_and_continued(user_says: Says) -> None:
    for begins in (None, True):
        with pytest.raises(InvalidValue, match="set add_generation_prompt to false") as refused:
            ChatRequest.model_validate(user_says("hi", **CONTINUES | {"add_generation_prompt": begins}))

        assert refused.value.param == "add_generation_prompt"


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"add_generation_prompt": False}, "add_generation_prompt"),
        (CONTINUES | {"response_format": {"type": "json_object"}}, "response_format"),
        (CONTINUES | {"tool_choice": "required"}, "tool_choice"),
        (CONTINUES | {"tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice"),
    ],
)
def test_refuses_what_cannot_be_continued(user_says: Says, more: dict[str, Any], param: str) -> None:
    with pytest.raises(Unsupported, match="cannot") as refused:
        ChatRequest.model_validate(user_says("hi", **more))

    assert refused.value.param == param
