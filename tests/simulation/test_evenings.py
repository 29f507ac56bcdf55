"""Thousands of evenings, made up by chance and by hypothesis; the rules of `invariants` hold in each.

`SWITCHYARD_SIMULATIONS=5000 pytest tests/simulation` runs so many of each kind, in place of the usual few.
Seeded chance favours breadth, hypothesis shrinks what it finds to a few steps. A failure names its seed.
"""

import os

import pytest
from hypothesis import HealthCheck, given, settings

from tests.simulation.evenings import Seeded, calm_evening, drawn, rough_evening
from tests.simulation.scenario import Scenario
from tests.simulation.simulator import Simulation

EVENINGS = int(os.environ.get("SWITCHYARD_SIMULATIONS", "40"))
DRAWN = max(15, EVENINGS // 20)
LIMIT_S = 60 + EVENINGS
KINDS = {"calm": calm_evening, "rough": rough_evening}
SEARCH = settings(
    max_examples=DRAWN,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


@pytest.mark.timeout(LIMIT_S)
@pytest.mark.parametrize("kind", KINDS)
def test_no_evening_breaks_a_rule(kind: str) -> None:
    for seed in range(EVENINGS):
        try:
            Simulation(KINDS[kind](Seeded(seed))).run()
        except BaseException as fault:
            fault.add_note(f"on the {kind} evening of seed {seed}")
            raise


@pytest.mark.timeout(LIMIT_S)
@SEARCH
@given(drawn(calm_evening))
def test_hypothesis_finds_no_calm_evening_on_which_anybody_waits_too_long(scenario: Scenario) -> None:
    Simulation(scenario).run()


@pytest.mark.timeout(LIMIT_S)
@SEARCH
@given(drawn(rough_evening))
def test_hypothesis_finds_no_rough_evening_that_breaks_a_rule(scenario: Scenario) -> None:
    Simulation(scenario).run()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_evening_runs_the_same_way_twice(kind: str) -> None:
    scenario = KINDS[kind](Seeded(7))

    first, second = Simulation(scenario).run(), Simulation(scenario).run()

    assert (first.swaps, first.waits, first.lasted_s) == (second.swaps, second.waits, second.lasted_s)


def test_evenings_are_worth_their_name() -> None:
    """Models are swapped, requests are served, and some are refused: the rules are put to the test."""
    outcomes = [Simulation(rough_evening(Seeded(seed))).run() for seed in range(20)]

    assert sum(outcome.swaps for outcome in outcomes) > 60
    assert sum(len(outcome.waits) for outcome in outcomes) > 100
    assert any(request.denied for outcome in outcomes for request in outcome.requests)
