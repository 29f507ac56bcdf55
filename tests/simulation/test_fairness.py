"""What the policy promises to whoever waits, under traffic that is made to break the promise."""

import pytest

from switchyard_contracts.catalog import Settings
from tests.simulation.calm import longest_wait_s
from tests.simulation.scenario import ENDLESS, Ask, Client, ModelPlan, Scenario, Turn
from tests.simulation.simulator import Simulation

WHOLE_MIB = 20_000
AN_HOUR = 3_600.0


def pair(load_s: float = 20.0) -> tuple[ModelPlan, ModelPlan]:
    """Two models, of which one at a time fits."""
    return ModelPlan("a", WHOLE_MIB, load_s=load_s), ModelPlan("b", WHOLE_MIB, load_s=load_s)


def never_silent(model: str, turns: int) -> tuple[Client, ...]:
    """Clients who ask again at once, and out of step: the model is busy at every moment."""
    return tuple(Client(tuple(Turn(0.0, model, lasts_s) for _ in range(turns))) for lasts_s in (3.0, 4.1, 5.3))


@pytest.mark.parametrize("min_resident_s", [10.0, 30.0, 60.0])
def test_two_models_under_saturation_are_not_swapped_more_often_than_their_residence_allows(
    min_resident_s: float,
) -> None:
    settings = Settings(min_resident_s=min_resident_s)
    clients = (*never_silent("a", 150), *never_silent("b", 150))

    outcome = Simulation(Scenario(pair(), settings=settings, clients=clients)).run()

    assert outcome.swaps <= outcome.lasted_s / min_resident_s + 2
    assert outcome.swaps >= 4


def test_a_model_that_is_never_silent_does_not_keep_another_waiting_beyond_the_bound() -> None:
    asks = tuple(Ask(at, "b", 4.0) for at in (100.0, 700.0, 1_500.0))
    scenario = Scenario(pair(), steps=asks, clients=never_silent("a", 400))

    outcome = Simulation(scenario).run()

    waits = [one.began_at - one.asked_at for one in outcome.requests if one.model == "b" and one.began_at]
    assert len(waits) == len(asks)
    assert max(waits) <= scenario.settings.max_wait_s + 5.3 + 10.0  # the last request, the stop, and the words
    assert longest_wait_s(scenario) >= max(waits)


def test_fifty_first_requests_start_one_engine() -> None:
    asks = tuple(Ask(1.0 + place / 100, "a", 2.0, proxy=place) for place in range(50))

    outcome = Simulation(Scenario(pair(), steps=asks, proxies=2)).run()

    assert outcome.swaps == 1
    assert len(outcome.waits) == 50


def test_a_load_goes_on_for_those_who_follow_when_the_first_one_leaves() -> None:
    asks = (Ask(1.0, "a", 2.0, patience_s=1.0), Ask(1.5, "a", 2.0), Ask(5.0, "a", 2.0))

    outcome = Simulation(Scenario(pair(), steps=asks)).run()

    assert outcome.swaps == 1
    assert [one.denied is not None for one in outcome.requests] == [True, False, False]


def test_behind_a_stream_that_never_ends_a_request_waits_until_its_own_deadline() -> None:
    asks = (Ask(1.0, "a", ENDLESS), Ask(60.0, "b", 2.0, patience_s=AN_HOUR), Ask(4_000.0, "a", 1.0))

    outcome = Simulation(Scenario(pair(), steps=asks)).run()

    stream, behind, _ = outcome.requests
    assert stream.cut is None
    assert behind.denied is not None


def test_a_drain_limit_lets_the_next_one_in() -> None:
    hasty = ModelPlan("a", WHOLE_MIB, drain_limit_s=30.0)
    asks = (Ask(1.0, "a", ENDLESS), Ask(100.0, "b", 2.0), Ask(400.0, "b", 1.0))

    outcome = Simulation(Scenario((hasty, pair()[1]), steps=asks)).run()

    stream, behind, _ = outcome.requests
    assert stream.cut == "drain limit"
    assert behind.began_at is not None
    assert behind.began_at - behind.asked_at <= 120 + 30 + 45


@pytest.mark.parametrize(("pause_s", "swaps"), [(4.0, 2), (25.0, 3)])
def test_a_model_is_left_alone_between_requests_that_follow_soon_and_gives_way_where_they_do_not(
    pause_s: float, swaps: int
) -> None:
    """A conversation with pauses; in one of them another model is asked for."""
    first, other = pair(load_s=40.0)
    conversation = Client(tuple(Turn(pause_s, first.name, 3.0) for _ in range(12)))
    in_a_pause = Ask(46.0 + 6 * (pause_s + 3.0) + pause_s / 4, other.name, 1.0)

    outcome = Simulation(Scenario((first, other), steps=(in_a_pause,), clients=(conversation,))).run()

    assert outcome.swaps == swaps
