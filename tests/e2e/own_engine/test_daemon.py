"""The Docker Engine that all of it runs in is restarted, or dies: what a client hears, and what comes back."""

import signal

import pytest

from tests.e2e.house.stack import until
from tests.e2e.own_engine.box import said
from tests.e2e.own_engine.conftest import COUNT, SECOND_COUNT, SPEAKER, Boxes
from tests.e2e.proxy.hearing import Verdict, error_in, judge
from tests.e2e.two_machines.machines import until as until_true
from tests.vllm_on_cpu.script import replies

pytestmark = pytest.mark.timeout(600)

ROUNDS = 1100  # no stream of these tests comes so far: ten seconds and more
TOKENS = ROUNDS * (len(replies(SPEAKER)["text"].split()) + 1)
PIECES = 200  # ten seconds


def restart(boxes: Boxes, *, how: signal.Signals, live_restore: bool) -> None:
    engine = boxes.gpu.engine
    engine._end(how)
    engine.live_restore = live_restore
    engine._launch()
    until_true(engine._answers, engine._told)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=lambda how: how.name)
def test_all_of_it_comes_back_by_itself_after_the_engine(one_box: Boxes, how: signal.Signals) -> None:
    gpu, client = one_box.gpu, one_box.client
    model = SPEAKER if how is signal.SIGKILL else COUNT
    client.asks(model)
    stream = client.streaming(model, TOKENS, ignore_eos=True).speaks()
    before = [engine["Id"] for engine in gpu.engines()]

    restart(one_box, how=how, live_restore=False)
    cut = stream.whole()
    gpu.until_healthy("manager", "proxy")
    gpu.until_met()
    again = client.asks(model)

    assert not cut.ended_properly or error_in(cut) is not None, cut.raw[-600:]  # never as if that had been all
    assert said(again) == (replies(SPEAKER)["text"] if model == SPEAKER else "hi")
    after = {engine["Id"] for engine in gpu.engines()}
    assert after.isdisjoint(before)  # no orphan
    assert len(gpu.engines(model)) == 1


def test_with_live_restore_a_stream_is_whole_though_the_engine_died_and_came_back(one_box: Boxes) -> None:
    gpu, client = one_box.gpu, one_box.client
    restart(one_box, how=signal.SIGTERM, live_restore=True)
    gpu.until_met()
    client.asks(COUNT)
    engines = {engine["Id"] for engine in gpu.engines()}
    stream = client.streaming(COUNT, PIECES).speaks()

    gpu.engine._end(signal.SIGKILL)
    warm, cold = client.asks(COUNT), client.asks(SECOND_COUNT)
    gpu.engine._launch()
    until_true(gpu.engine._answers, gpu.engine._told)

    assert judge(stream.whole(), PIECES) is Verdict.WHOLE
    assert said(warm) == "hi"
    assert (cold.status, error_in(cold)["code"]) == (503, "model_load_failed")
    assert "cannot reach the Docker Engine" in error_in(cold)["message"]
    assert "start Docker" in error_in(cold)["message"]
    until(lambda: client.asks(SECOND_COUNT).status == 200)
    assert engines <= {engine["Id"] for engine in gpu.engines()}
    assert len(gpu.engines(COUNT)) == 1
