"""How tokens are chosen, and how long an answer may be."""

from typing import Any

import pytest

from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.chat.sampling import (
    Choosing,
    SamplingDefaults,
    room_for_answer,
    seeds_of,
    settle_choosing,
)
from switchyard_image_server.errors import ContextTooLong, InvalidValue

MAKERS = SamplingDefaults(temperature=0.7, top_p=0.8, top_k=20, min_p=0.1, repetition_penalty=1.05)


def asked(**said: Any) -> ChatRequest:
    return ChatRequest.model_validate({"messages": [{"role": "user", "content": "hi"}], **said})


def choosing(**said: Any) -> Choosing:
    return settle_choosing(asked(**said), MAKERS, vocabulary=100)


def test_takes_the_makers_values_where_the_request_says_nothing() -> None:
    assert choosing() == Choosing(temperature=0.7, top_p=0.8, top_k=20, min_p=0.1, repetition_penalty=1.05)


def test_the_request_wins() -> None:
    said = {"temperature": 1.5, "top_p": 0.5, "top_k": 3, "min_p": 0.0, "repetition_penalty": 1.0}

    assert choosing(**said) == Choosing(**said)


def test_takes_everything_that_weighs_on_single_tokens() -> None:
    made = choosing(presence_penalty=1, frequency_penalty=-1, logit_bias={"7": 3, "99": -100}, min_tokens=5)

    assert (made.presence_penalty, made.frequency_penalty) == (1, -1)
    assert made.bias == {7: 3, 99: -100}
    assert made.min_tokens == 5


@pytest.mark.parametrize(("temperature", "greedy"), [(0, True), (1e-9, True), (0.01, False)])
def test_temperature_zero_takes_the_likeliest_token(temperature: float, greedy: bool) -> None:
    assert choosing(temperature=temperature).greedy is greedy


def test_top_k_of_minus_one_means_all() -> None:
    assert choosing(top_k=-1).top_k == 0


def test_whoever_ignores_the_end_needs_no_least_length() -> None:
    assert choosing(ignore_eos=True, min_tokens=5).min_tokens == 0


@pytest.mark.parametrize("token", [-1, 100])
def test_refuses_to_weigh_a_token_that_there_is_not(token: int) -> None:
    with pytest.raises(InvalidValue, match="this model has the tokens 0 to 99") as refused:
        choosing(logit_bias={token: 1})

    assert refused.value.param == "logit_bias"


def test_refuses_to_tell_rivals_of_tokens_that_are_not_told() -> None:
    with pytest.raises(InvalidValue, match="send logprobs: true") as refused:
        choosing(top_logprobs=3)

    assert refused.value.param == "top_logprobs"
    assert choosing(top_logprobs=3, logprobs=True).rivals == 3
    assert choosing(top_logprobs=0).odds is False


@pytest.mark.parametrize(
    ("said", "seeds"),
    [({"seed": 7}, (7,)), ({"seed": 7, "n": 3}, (7, 8, 9)), ({}, (1000,)), ({"n": 2}, (1000, 1001))],
)
def test_each_choice_has_a_seed_that_can_be_asked_for_alone(said: Any, seeds: tuple[int, ...]) -> None:
    assert seeds_of(asked(**said), random_seed=1000) == seeds


@pytest.mark.parametrize(
    ("asked_for", "usual", "room"),
    [(None, None, 90), (None, 20, 20), (None, 200, 90), (30, 20, 30), (90, None, 90)],
)
def test_room_for_the_answer(asked_for: int | None, usual: int | None, room: int) -> None:
    assert room_for_answer(10, 100, asked_for, usual) == room


@pytest.mark.parametrize("prompt", [100, 101])
def test_refuses_a_prompt_that_fills_the_context(prompt: int) -> None:
    with pytest.raises(ContextTooLong, match=f"the prompt has {prompt} tokens and the model's context is 100"):
        room_for_answer(prompt, 100, None, None)


def test_refuses_an_answer_that_does_not_fit_with_the_numbers() -> None:
    with pytest.raises(
        ContextTooLong, match=r"10 tokens and 91 more .* context is 100; .* at most 90"
    ) as refused:
        room_for_answer(10, 100, 91, None)

    assert refused.value.param == "max_tokens"
