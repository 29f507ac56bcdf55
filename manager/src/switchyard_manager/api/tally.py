"""Count what happens, from the events that tell of it. Pure: no clock, no text format."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from switchyard_contracts.events import EventKind, ManagerEvent
from switchyard_contracts.status import Phase
from switchyard_manager.lifecycle import COMING_UP
from switchyard_manager.scheduler import StopReason

SLOW_S = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0)
QUICK_S = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
IN_USE = frozenset({Phase.READY, Phase.ASLEEP})

Waited = Callable[[str, float], float | None]


@dataclass(slots=True)
class Spread:
    """How many took how long."""

    bounds: tuple[float, ...]
    counts: list[int] = field(init=False)
    total_s: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total_s += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """How many took no longer than each bound."""
        return [
            (name, float(n))
            for name, n in zip((*map(str, self.bounds), "+Inf"), accumulate(self.counts), strict=True)
        ]


@dataclass(slots=True)
class Tally:
    """Since the manager began. Keys are a metric's labels, in their order."""

    began: float  # seconds since 1970, as the events' own
    swaps: int = 0
    loads: Counter[str] = field(default_factory=Counter)
    wakes: Counter[str] = field(default_factory=Counter)
    sleeps: Counter[str] = field(default_factory=Counter)
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    phase_s: dict[tuple[str, str], float] = field(default_factory=dict)  # of phases that are over
    load_s: dict[str, Spread] = field(default_factory=dict)
    wake_s: dict[str, Spread] = field(default_factory=dict)
    drain_s: dict[str, Spread] = field(default_factory=dict)
    wait_s: dict[str, Spread] = field(default_factory=dict)
    catalog_faults: int = 0
    _since: dict[str, float] = field(default_factory=dict)  # when its phase began
    _rising: dict[str, tuple[Phase, float]] = field(default_factory=dict)  # from what, and since when

    def hear(self, event: ManagerEvent, waited_s: float | None = None) -> None:
        """`waited_s`: how long somebody has waited for the model that the event is of."""
        model, said = event.model or "", event.data
        match event.kind:
            case EventKind.PHASE:
                self._moved(model, Phase(said["before"]), Phase(said["after"]), said.get("why"), event.at)
                if Phase(said["after"]) is Phase.READY and waited_s is not None:
                    self._add(self.wait_s, model, waited_s, SLOW_S)
            case EventKind.FAILURE:
                self.failures[model, str(said["reason"])] += 1
            case EventKind.REFUSED:
                self.refusals[model] += said["waiting"]
            case EventKind.CATALOG:
                self.catalog_faults = len(said.get("faults", ()))
            case _:
                pass

    def _moved(self, model: str, before: Phase, after: Phase, why: object, at: float) -> None:
        took_s = max(0.0, at - self._since.get(model, self.began))
        self._since[model] = at
        key = model, str(before)
        self.phase_s[key] = self.phase_s.get(key, 0.0) + took_s
        self.swaps += before in IN_USE and why == StopReason.ROOM
        self.sleeps[model] += before is Phase.SLEEPING and after is Phase.ASLEEP
        if before is Phase.DRAINING:
            self._add(self.drain_s, model, took_s, SLOW_S)
        self._rose(model, before, after, at)

    def _rose(self, model: str, before: Phase, after: Phase, at: float) -> None:
        if after in {Phase.STARTING, Phase.WAKING}:
            self._rising[model] = after, at
        elif after is Phase.READY and model in self._rising:
            how, since = self._rising.pop(model)
            is_load = how is Phase.STARTING
            (self.loads if is_load else self.wakes)[model] += 1
            spreads, bounds = (self.load_s, SLOW_S) if is_load else (self.wake_s, QUICK_S)
            self._add(spreads, model, at - since, bounds)
        elif after not in COMING_UP:
            self._rising.pop(model, None)

    def _add(self, spreads: dict[str, Spread], model: str, seconds: float, bounds: tuple[float, ...]) -> None:
        spreads.setdefault(model, Spread(bounds)).add(max(0.0, seconds))

    def phase_seconds(self, phases: Mapping[str, Phase], at: float) -> dict[tuple[str, str], float]:
        """With the phases that the models are in by now."""
        sums = dict(self.phase_s)
        for model, phase in phases.items():
            key = model, str(phase)
            sums[key] = sums.get(key, 0.0) + max(0.0, at - self._since.get(model, self.began))
        return sums
