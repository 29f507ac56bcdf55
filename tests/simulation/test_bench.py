"""The comparison with naive policies: that it is fair, and that the page shows what it prints."""

import random
from pathlib import Path

import pytest
from bench.policies import POLICIES
from bench.scheduler import HEAD
from bench.workloads import WORKLOADS

from switchyard_manager.scheduler import consider
from tests.simulation.scenario import Client, ModelPlan, Scenario, Turn
from tests.simulation.simulator import Simulation

PAGE = Path(__file__).parents[2] / "docs/scheduling.md"


def conversation(model: str, pause_s: float) -> Client:
    return Client(tuple(Turn(pause_s, model, 5.0) for _ in range(15)))


@pytest.mark.parametrize("name", POLICIES)
def test_a_naive_policy_keeps_the_rules_of_safety_and_serves_everyone(name: str) -> None:
    models = (ModelPlan("a", 14_000, load_s=20.0), ModelPlan("b", 15_000, load_s=20.0))
    scenario = Scenario(models, clients=(conversation("a", 8.0), conversation("b", 30.0)))

    outcome = Simulation(scenario, POLICIES[name], examined=False).run()

    assert len(outcome.waits) == 30


def test_lru_lets_a_model_that_is_never_silent_keep_its_place_and_ours_does_not() -> None:
    models = (ModelPlan("a", 14_000, load_s=20.0), ModelPlan("b", 15_000, load_s=20.0))
    busy = tuple(Client(tuple(Turn(0.0, "a", lasts_s) for _ in range(150))) for lasts_s in (4.0, 5.1, 6.3))
    scenario = Scenario(models, clients=(*busy, Client((Turn(100.0, "b", 1.0),))))

    longest_s = {
        name: Simulation(scenario, policy, examined=False).run().longest_wait_s
        for name, policy in {"ours": consider, "LRU": POLICIES["LRU"]}.items()
    }

    assert longest_s["ours"] < 140.0
    assert longest_s["LRU"] > 500.0


def test_a_workload_is_the_same_for_every_policy() -> None:
    for make in WORKLOADS.values():
        assert make(random.Random(1)) == make(random.Random(1))


def test_the_page_has_the_table_that_the_bench_prints() -> None:
    page = PAGE.read_text()

    assert f"| {' | '.join(HEAD)} |" in page
    for workload in WORKLOADS:
        for policy in ("ours, sleep", "ours, no sleep", *POLICIES):
            assert f"| {workload} | {policy} |" in page
