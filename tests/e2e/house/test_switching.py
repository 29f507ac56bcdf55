"""Models that do not all fit: they take turns, asleep or stopped, and the card never holds more than it can."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.house.conftest import FITS_TWO, MODEL_MIB, A, B, C
from tests.e2e.house.stack import House, until
from tests.e2e.house.watching import Watch, most_at_once
from tests.vllm_on_cpu.script import replies

pytestmark = pytest.mark.timeout(900)

ROUNDS = 3  # of requests for each model, at the same time


@pytest.fixture
def watch(house: House) -> Iterator[Watch]:
    with Watch(house, (A, B, C)) as watch:
        yield watch


def says(model: str) -> str:
    return replies(model)["text"]


def test_a_model_that_made_room_sleeps_in_its_container_and_wakes_there(house: House) -> None:
    house.asks(A)
    engine, before = house.container(A), house.seq()

    by_b = house.asks(B)
    slept = house.sleeps(A), house.sleeps(B)
    by_a = house.asks(A)

    assert (by_b, by_a) == (says(B), says(A))
    assert slept == (True, False)
    assert (house.sleeps(A), house.sleeps(B)) == (False, True)
    assert house.containers(A) == [engine]
    assert house.moves(before, A) == ["draining", "sleeping", "asleep", "waking", "warming", "ready"]


def test_one_that_is_not_to_sleep_is_gone_when_it_makes_room_and_comes_back_in_a_new_container(
    house: House,
) -> None:
    house.asks(C)
    engine, before = house.container(C), house.seq()

    by_a = house.asks(A)
    left = house.running(C)
    by_c = house.asks(C)

    assert (by_a, by_c) == (says(A), says(C))
    assert left == []
    assert house.container(C) != engine
    moves = ["draining", "stopping", "stopped", "starting", "loading", "warming", "ready"]
    assert house.moves(before, C) == moves


def ask_all(house: House) -> dict[str, set[str]]:
    """Each of the three, several times, all at once."""
    with ThreadPoolExecutor(3 * ROUNDS) as clients:
        asked = {model: [clients.submit(house.asks, model) for _ in range(ROUNDS)] for model in (A, B, C)}
        return {model: {one.result() for one in answers} for model, answers in asked.items()}


def test_three_models_on_a_card_that_fits_one_all_answer_and_are_never_awake_together(
    house: House, watch: Watch
) -> None:
    before, at_first = house.seq(), house.phases()

    answers = ask_all(house)

    assert answers == {model: {says(model)} for model in (A, B, C)}
    assert most_at_once(house, before, at_first) == 1
    assert watch.most_awake() == 1


def test_three_models_on_a_card_that_fits_two_all_answer_and_two_at_most_are_awake(
    house: House, watch: Watch
) -> None:
    house.write(card_mib=FITS_TWO)
    before, at_first = house.seq(), house.phases()

    answers = ask_all(house)

    assert answers == {model: {says(model)} for model in (A, B, C)}
    assert most_at_once(house, before, at_first) == 2
    assert watch.most_awake() == 2
    (card,) = house.status()["gpus"]
    assert 2 * MODEL_MIB <= card["claimed_mib"] <= card["total_mib"] - card["reserve_mib"]


def test_a_model_that_idles_falls_asleep_and_a_request_wakes_it(house: House) -> None:
    house.asks(A)
    engine = house.container(A)

    house.edit(A, idle_unload_s=1)  # no other way to run it: it is not replaced
    until(lambda: house.phase(A) == "asleep")

    assert house.sleeps(A)
    assert house.asks(A) == says(A)
    assert house.containers(A) == [engine]


def test_one_that_is_not_to_sleep_is_gone_when_it_idles_and_a_request_brings_it_back(house: House) -> None:
    house.asks(C)
    engine = house.container(C)

    house.edit(C, idle_unload_s=1)
    until(lambda: not house.containers(C))

    assert house.phase(C) == "stopped"
    assert house.asks(C) == says(C)
    assert house.container(C) != engine
