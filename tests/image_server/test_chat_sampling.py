"""How tokens are chosen, and how long an answer may be."""

from typing import Any

import pytest

from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.chat.sampling import SamplingDefaults, room_for_answer, sampling_options
from switchyard_image_server.errors import ContextTooLong

MAKERS = SamplingDefaults(temperature=0.7, top_p=0.8, top_k=20)


def options(**said: Any) -> dict[str, Any]:
    request = ChatRequest.model_validate({"messages": [{"role": "user", "content": "hi"}], **said})
    return sampling_options(request, MAKERS)


def test_takes_the_makers_values_where_the_request_says_nothing() -> None:
    assert options() == {"do_sample": True, "temperature": 0.7, "top_p": 0.8, "top_k": 20}


def test_the_request_wins() -> None:
    assert options(temperature=1.5, top_p=0.5, top_k=3) == {
        "do_sample": True,
        "temperature": 1.5,
        "top_p": 0.5,
        "top_k": 3,
    }


def test_temperature_zero_takes_the_likeliest_token() -> None:
    assert options(temperature=0, top_p=0.5)["do_sample"] is False


def test_top_k_of_minus_one_means_all() -> None:
    assert options(top_k=-1)["top_k"] == 0


@pytest.mark.parametrize(
    ("asked", "usual", "room"),
    [(None, None, 90), (None, 20, 20), (None, 200, 90), (30, 20, 30), (90, None, 90)],
)
def test_room_for_the_answer(asked: int | None, usual: int | None, room: int) -> None:
    assert room_for_answer(10, 100, asked, usual) == room


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
