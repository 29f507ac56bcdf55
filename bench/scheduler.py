"""How often models are swapped, and how long people wait: our policy beside LRU and FIFO.

    python -m bench.scheduler [evenings]

Prints a table in Markdown. Simulated, so it is the same on every machine: the world of the manager and the book
of the proxy are the real ones, the engines and the people are not.
"""

import logging
import random
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass

from bench.policies import POLICIES
from bench.workloads import WORKLOADS, sleeping

from switchyard_manager.scheduler import Policy, consider
from tests.simulation.scenario import Scenario
from tests.simulation.simulator import Simulation

EVENINGS = 5
HEAD = ("workload", "policy", "swaps", "of LRU's", "wait p50", "p99", "of LRU's", "mean", "longest", "lasted")


@dataclass(frozen=True, slots=True)
class Score:
    swaps: int
    p50_s: float
    p99_s: float
    longest_s: float
    mean_s: float
    lasted_s: float


def score(policy: Policy, scenarios: list[Scenario]) -> Score:
    outcomes = [Simulation(scenario, policy, examined=False).run() for scenario in scenarios]
    waits = sorted(wait for outcome in outcomes for wait in outcome.waits)
    assert len(waits) == sum(len(outcome.requests) for outcome in outcomes), "somebody was not served"
    hundredths = statistics.quantiles(waits, n=100, method="inclusive")
    return Score(
        swaps=sum(outcome.swaps for outcome in outcomes),
        p50_s=hundredths[49],
        p99_s=hundredths[98],
        longest_s=waits[-1],
        mean_s=statistics.fmean(waits),
        lasted_s=sum(outcome.lasted_s for outcome in outcomes),
    )


def contest(make: Callable[[random.Random], Scenario], evenings: int) -> dict[str, Score]:
    # Chance that can be repeated, and keeps no secret.
    scenarios = [make(random.Random(seed)) for seed in range(evenings)]  # noqa: S311
    asleep = [sleeping(scenario) for scenario in scenarios]
    scores = {"ours, sleep": score(consider, asleep), "ours, no sleep": score(consider, scenarios)}
    return scores | {name: score(policy, scenarios) for name, policy in POLICIES.items()}


def rows(workload: str, scores: dict[str, Score]) -> list[str]:
    lru = scores["LRU"]
    return [f"| {workload} | {name} | {_numbers(one, lru)} |" for name, one in scores.items()]


def _numbers(one: Score, lru: Score) -> str:
    swaps = f"{one.swaps} | {one.swaps / lru.swaps:.2f}"
    waits = f"{one.p50_s:.0f} s | {one.p99_s:.0f} s | {one.p99_s / lru.p99_s:.2f}"
    return f"{swaps} | {waits} | {one.mean_s:.0f} s | {one.longest_s:.0f} s | {one.lasted_s / 3600:.1f} h"


def table(evenings: int = EVENINGS) -> str:
    lines = [f"| {' | '.join(HEAD)} |", "| --- | --- |" + " ---: |" * (len(HEAD) - 2)]
    for workload, make in WORKLOADS.items():
        lines += rows(workload, contest(make, evenings))
    return "\n".join(lines)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    print(table(int(sys.argv[1]) if len(sys.argv) > 1 else EVENINGS))
