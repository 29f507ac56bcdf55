"""models.json is edited while people listen: their streams are whole, and what was changed changes then."""

from pathlib import Path

import pytest
from openai import InternalServerError, NotFoundError

from tests.e2e.compose.conftest import demo_models
from tests.e2e.docker.registry import Registry, serving
from tests.e2e.house.conftest import FITS_TWO, A, B, C
from tests.e2e.house.hearing import judge, streaming
from tests.e2e.house.stack import House, until
from tests.e2e.proxy.hearing import Verdict
from tests.vllm_on_cpu.models import text_model
from tests.vllm_on_cpu.script import replies

pytestmark = pytest.mark.timeout(900)

NEW = "demo-chat"
TYPO = "tiny-typo"


def test_an_edit_under_load_adds_one_model_and_replaces_another_and_cuts_no_stream(house: House) -> None:
    house.write(card_mib=FITS_TWO)
    # Awake from an earlier test, it would have one of the two sleep.
    house.do("unload", C)
    until(lambda: house.phase(C) == "stopped")
    house.asks(A)
    house.asks(B)
    of_a, of_b, before = house.container(A), house.container(B), house.seq()
    changed = {NEW: demo_models()[NEW], B: house.entries[B] | {"context_length": 15_000}}

    with of_a.slowed(), of_b.slowed():
        streams = {model: streaming(house, model).speaks() for model in (A, B)}
        house.write({**house.entries, **changed}, card_mib=FITS_TWO)
        by_new = house.asks(NEW)
        assert all(stream.is_running for stream in streams.values())

    assert "demo" in by_new.lower()
    assert [judge(stream.whole(), model) for model, stream in streams.items()] == [Verdict.WHOLE] * 2
    assert house.asks(B) == replies(B)["text"]
    assert house.container(B) != of_b
    assert "15000" in house.container(B).inspect()["Config"]["Cmd"]
    assert (house.container(A), house.moves(before, A)) == (of_a, [])


def test_a_model_that_is_taken_out_while_it_streams_finishes_and_is_gone(house: House) -> None:
    house.asks(A)
    engine = house.container(A)

    with engine.slowed():
        stream = streaming(house, A).speaks()
        house.write({name: entry for name, entry in house.entries.items() if name != A})
        with pytest.raises(NotFoundError) as raised:
            house.asks(A)
        assert stream.is_running

    assert raised.value.code == "model_not_found"
    assert judge(stream.whole(), A) is Verdict.WHOLE
    until(lambda: engine not in house.containers(A))
    assert A not in house.phases()


def test_a_model_whose_image_is_nowhere_says_what_to_do_and_harms_no_other(house: House) -> None:
    house.asks(B)
    engine, before = house.container(B), house.seq()

    with engine.slowed(), serving(Registry()) as registry:
        image = registry.image.replace(":latest", ":lastest")
        typo = text_model(Path("/models", B), image=image)
        stream = streaming(house, B).speaks()
        house.write({**house.entries, TYPO: typo})
        with pytest.raises(InternalServerError) as raised:
            house.asks(TYPO)
        assert stream.is_running

    assert (raised.value.status_code, raised.value.code) == (503, "model_load_failed")
    assert image in raised.value.message
    assert "check `image` of this model in models.json" in raised.value.message
    assert house.model(TYPO)["failure"]["reason"] == "image_missing"
    assert judge(stream.whole(), B) is Verdict.WHOLE
    assert (house.containers(B), house.moves(before, B)) == ([engine], [])
