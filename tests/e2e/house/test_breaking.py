"""An engine that is killed, or whose container somebody removes: who listens is told, who asks is served."""

from typing import Any

import pytest
from openai import APIError

from tests.e2e.house.conftest import A, B, C
from tests.e2e.house.hearing import Stream, judge, streaming
from tests.e2e.house.stack import QUESTION, House, until
from tests.e2e.proxy.hearing import Verdict, error_in
from tests.vllm_on_cpu.script import replies

pytestmark = pytest.mark.timeout(900)

LONG: Any = {"max_tokens": 3000, "extra_body": {"ignore_eos": True}}

# A model whose engine dies twice within a minute rests: it is another one's turn in each test.


def test_a_stream_whose_engine_is_killed_ends_with_an_error_and_the_next_one_has_a_new_engine(
    house: House,
) -> None:
    house.asks(A)
    killed = house.container(A)

    with killed.slowed():
        stream = streaming(house, A).speaks()
        listening = iter(house.openai.chat.completions.create(model=A, messages=QUESTION, stream=True, **LONG))
        next(listening)
        killed.kill()
        with pytest.raises(APIError) as raised:
            list(listening)
    said = house.asks(A)

    assert raised.value.code == "stream_broken"
    assert_told(stream, A)
    assert said == replies(A)["text"]
    assert house.container(A) != killed


def assert_told(stream: Stream, model: str) -> None:
    heard = stream.whole()
    assert judge(heard, model) is Verdict.TOLD
    assert error_in(heard)["code"] == "stream_broken"


def test_a_stream_whose_container_is_removed_by_hand_ends_with_an_error_and_the_model_comes_back(
    house: House,
) -> None:
    house.asks(B)
    removed, before = house.container(B), house.seq()

    with removed.slowed():
        stream = streaming(house, B).speaks()
        removed.remove()

    assert_told(stream, B)
    assert house.asks(B) == replies(B)["text"]
    assert house.container(B) != removed
    (failure,) = house.happened(before, "failure", B)
    assert failure["data"]["message"].startswith(f"cannot run {B}: its engine ")  # and not: nobody answers


def test_a_container_that_is_removed_while_nobody_asks_is_missed_and_made_anew(house: House) -> None:
    house.asks(C)
    removed = house.container(C)

    removed.remove()
    until(lambda: house.phase(C) != "ready")
    said = house.asks(C)

    assert said == replies(C)["text"]
    assert house.container(C) != removed
