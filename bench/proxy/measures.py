"""What is measured, and how a run becomes figures. Rounds are interleaved: each measure goes from target to
target before the next begins, and each round begins with another target, so that a slow minute hits all.
"""

import contextlib
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from bench.proxy import processes
from bench.proxy.load import Bench, Counted, Load, Question, Spread
from bench.proxy.targets import Plan, Running, Target

LARGE = Question("fast-1", letters=20_000_000)
SMALL = Question("fast-1")
Figures = dict[str, float]


def _requests(counted: Counted) -> Figures:
    if not counted.answers:
        return {}
    each_us = counted.cpu_s / counted.answers * 1e6
    return {
        "cpu_us": each_us,
        **_spread(counted.took),
        "per_s": counted.answers / counted.lasted_s,
        **_busy(counted),
    }


def _events(counted: Counted) -> Figures:
    if not counted.events:
        return {}
    each = counted.cpu_s / counted.events * 1e5
    return {
        "cpu_s_per_100k": each,
        **_spread(counted.ages),
        "per_s": counted.events / counted.lasted_s,
        **_busy(counted),
    }


def _spread(spread: Spread) -> Figures:
    return {"p50_us": spread.p50_us, "p99_us": spread.p99_us}


def _busy(counted: Counted) -> Figures:
    busy = counted.cpu_s / counted.lasted_s
    return {"busy": busy, "errors": counted.errors, "others": counted.others}


@dataclass(frozen=True, slots=True)
class Measure:
    """One load, and what of it counts."""

    name: str
    load: Load
    figures: Callable[[Counted], Figures]


def _streams(model: str) -> Question:
    return Question(model, streams=True, tokens=500)


MEASURES = (
    Measure("requests-64", Load(SMALL, 64, 2.0, warm_s=1.0), _requests),
    Measure("requests-8", Load(SMALL, 8, 1.0), _requests),
    Measure("requests-1", Load(SMALL, 1, 1.0), _requests),
    Measure("saturated", Load(_streams("fast-1"), 64, 2.0), _events),
    Measure("saturated-16", Load(_streams("fast-16"), 64, 2.0), _events),
    Measure("paced", Load(_streams("paced-20"), 200, 4.0, warm_s=1.5), _events),
    Measure("in-step", Load(_streams("step-20"), 200, 4.0, warm_s=1.5), _events),
    Measure("large", Load(LARGE, 1, 30.0, warm_s=0.0, requests=7), _requests),
)


def shorter(measure: Measure) -> Measure:
    """For a quick look."""
    load = measure.load
    warm_s, requests = min(load.warm_s, 1.0), min(load.requests, 4)
    seconds = load.seconds if load.requests else load.seconds / 2
    return replace(measure, load=replace(load, seconds=seconds, warm_s=warm_s, requests=requests))


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident MiB. None: it refused."""

    idle: float
    streams_500: float | None
    peak: float | None
    after: float | None


Round = dict[str, dict[str, Figures]]


def one_round(bench: Bench, targets: Sequence[Running], measures: Sequence[Measure], number: int) -> Round:
    """Measure → target → figures."""
    turn = number % len(targets)
    order = [*targets[turn:], *targets[:turn]]
    found: Round = {}
    for measure in measures:
        for target in order:
            found.setdefault(measure.name, {})[target.name] = measure.figures(bench.run(target, measure.load))
            processes.settle(target.pids)
    return found


def memory_of(bench: Bench, start: Target, plan: Plan, *, requests: int) -> tuple[str, Memory]:
    """A new process that has served one request, then 500 slow streams, then large bodies, four at a time."""
    streams = Load(_streams("paced-100"), 500, 6.0, warm_s=1.0)
    bodies = Load(LARGE, 4, 120.0, warm_s=0.0, requests=requests)
    with start(plan) as target:
        root = target.root
        assert root is not None, "nothing runs, so nothing holds memory"
        idle = processes.resident_mib(root)
        with bench.loading(target, streams) as process:
            held = max(_looks(process, root), default=None)
        processes.settle(target.pids)
        served = bench.run(target, bodies).answers > 0
        peak = processes.peak_mib(root)
        processes.settle(target.pids, within_s=5.0)
        after = processes.resident_mib(root)
        return target.name, Memory(idle, held, peak if served else None, after if served else None)


def _looks(process: "subprocess.Popen[bytes]", root: int) -> Iterator[float]:
    while process.poll() is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.5)
        yield processes.resident_mib(root)
