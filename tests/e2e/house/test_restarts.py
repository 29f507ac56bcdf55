"""Manager and proxy go away and come back, in every way that there is, while streams run."""

import pytest
from openai import APIConnectionError

from tests.e2e.docker.conftest import docker
from tests.e2e.house.conftest import A
from tests.e2e.house.hearing import judge, streaming
from tests.e2e.house.stack import House, until
from tests.e2e.proxy.hearing import Verdict
from tests.vllm_on_cpu.script import replies

pytestmark = pytest.mark.timeout(900)

SAYS = replies(A)["text"]
SHORT = 5  # rounds
ADOPTED = ["loading", "warming", "ready"]  # and never "starting"


def test_a_manager_that_is_stopped_cuts_no_stream_and_the_next_one_adopts_the_engine(house: House) -> None:
    house.asks(A)
    manager, engine, before = house.service("manager"), house.container(A), house.seq()
    started = engine.inspect()["State"]["StartedAt"]

    with engine.slowed():
        stream = streaming(house, A).speaks()
        docker("stop", "--time", "30", manager)
        meanwhile = house.asks(A)
        docker("start", manager)
        is_there_again(house)
        assert stream.is_running

    assert judge(stream.whole(), A) is Verdict.WHOLE
    assert (meanwhile, house.asks(A)) == (SAYS, SAYS)
    assert (house.containers(A), engine.inspect()["State"]["StartedAt"]) == ([engine], started)
    assert house.moves(before, A) == ADOPTED


def is_there_again(house: House) -> None:
    until(lambda: house.is_healthy("manager"))
    until(lambda: house.phase(A) == "ready" and house.status()["proxies"] == 1)


def test_a_manager_that_is_killed_cuts_no_stream_and_docker_starts_it_again(house: House) -> None:
    house.asks(A)
    engine, before = house.container(A), house.seq()

    with engine.slowed():
        stream = streaming(house, A).speaks()
        house.kill("manager")
        meanwhile = house.asks(A)
        until(lambda: house.inspect("manager")["RestartCount"] > 0)
        is_there_again(house)
        assert stream.is_running

    assert judge(stream.whole(), A) is Verdict.WHOLE
    assert (meanwhile, house.asks(A)) == (SAYS, SAYS)
    assert house.containers(A) == [engine]
    assert house.moves(before, A) == ADOPTED


def test_a_proxy_that_is_killed_breaks_its_streams_and_leaves_nothing_in_the_counts(house: House) -> None:
    house.asks(A)
    engine, before = house.container(A), house.seq()

    with engine.slowed():
        stream = streaming(house, A).speaks()
        until(lambda: house.model(A)["in_flight"] == 1)
        house.kill("proxy")
        heard = stream.whole()

    assert judge(heard, A) is Verdict.BROKEN
    until(lambda: house.model(A)["in_flight"] == 0)
    until(lambda: house.is_healthy("proxy"))
    assert house.asks(A) == SAYS
    assert (house.containers(A), house.moves(before, A)) == ([engine], [])
    until(lambda: (house.status()["proxies"], house.model(A)["in_flight"]) == (1, 0))


def test_a_proxy_that_is_stopped_lets_who_is_quick_finish_and_tells_the_others(house: House) -> None:
    house.asks(A)
    engine, proxy = house.container(A), house.service("proxy")

    with engine.slowed():
        short, long = streaming(house, A, SHORT), streaming(house, A).speaks()
        docker("stop", "--time", "30", proxy)
        with pytest.raises(APIConnectionError):
            house.asks(A)
        docker("start", proxy)

    assert judge(short.whole(), A, SHORT) is Verdict.WHOLE
    assert judge(long.whole(), A) is Verdict.TOLD
    until(lambda: house.is_healthy("proxy"))
    assert house.asks(A) == SAYS
    assert house.containers(A) == [engine]
    until(lambda: (house.status()["proxies"], house.model(A)["in_flight"]) == (1, 0))
