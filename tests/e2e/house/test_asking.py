"""A model that is cold, then warm, as its clients see it. It takes minutes."""

import json

import pytest

from tests.clients.programs import Program
from tests.e2e.house.conftest import A
from tests.e2e.house.hearing import finish, streaming, text
from tests.e2e.house.stack import QUESTION, House, until
from tests.vllm_on_cpu.script import replies

pytestmark = pytest.mark.timeout(900)

SAYS = replies(A)["text"]
WORDS = len(SAYS.split())


def test_a_cold_model_is_waited_for_with_signs_of_life_and_then_speaks_its_exact_words(house: House) -> None:
    if house.containers(A):
        house.do("unload", A)
        until(lambda: not house.containers(A))
    before = house.seq()

    heard = streaming(house, A, ignore_eos=False).whole()

    assert (heard.status, heard.header("content-type")) == (200, "text/event-stream; charset=utf-8")
    assert heard.ended_properly
    assert (text(heard), finish(heard), heard.events[-1][1]) == (SAYS, "stop", "[DONE]")
    assert house.moves(before, A) == ["starting", "loading", "warming", "ready"]
    chunks = [json.loads(data) for _, data in heard.events[:-1]]
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1
    heartbeats = [chunk for chunk in chunks if chunk["choices"][0]["delta"] == {}]
    assert len(heartbeats) > 2  # one each second, and the last chunk, which has no words either


async def test_a_warm_model_says_the_same_to_every_client(house: House, openai_node: Program) -> None:
    house.asks(A)
    (container,), before = house.containers(A), house.seq()

    by_python = house.asks(A)
    by_node = await openai_node.does("chat", base_url=f"{house.url}/v1", key=house.key, model=A, stream=True)
    message = house.anthropic.messages.create(model=A, max_tokens=100, messages=QUESTION)

    assert by_python == SAYS
    assert (by_node.error, by_node.text, by_node.finish) == (None, SAYS, "stop")
    assert [block.to_dict() for block in message.content] == [{"type": "text", "text": SAYS}]
    assert (message.stop_reason, message.usage.output_tokens) == ("end_turn", WORDS + 1)
    assert (house.containers(A), house.moves(before, A)) == ([container], [])
