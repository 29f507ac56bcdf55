"""Counting, from events alone."""

from switchyard_contracts.events import EventKind, ManagerEvent
from switchyard_contracts.status import Phase
from switchyard_manager.api.tally import SLOW_S, Spread, Tally


class Told:
    """A life of events, each so many seconds after the one before."""

    def __init__(self, tally: Tally, model: str = "m") -> None:
        self.tally, self.model, self.at, self.phase = tally, model, tally.began, Phase.STOPPED

    def to(self, *phases: Phase, after_s: float = 1.0, why: str = "", waited_s: float | None = None) -> None:
        for phase in phases:
            self.at += after_s
            self.hear(EventKind.PHASE, waited_s, before=self.phase, after=phase, why=why)
            self.phase = phase

    def hear(self, kind: EventKind, waited_s: float | None = None, **data: object) -> None:
        event = ManagerEvent(seq=1, at=self.at, kind=kind, model=self.model, data=data)
        self.tally.hear(event, waited_s)


UP = (Phase.STARTING, Phase.LOADING, Phase.WARMING)


def test_a_load_counts_when_it_is_ready_and_took_all_of_its_phases() -> None:
    tally = Tally(began=100)
    life = Told(tally)

    life.to(*UP)
    before = tally.loads["m"]
    life.to(Phase.READY, waited_s=4.0)

    assert (before, tally.loads["m"], tally.wakes["m"]) == (0, 1, 0)
    assert tally.load_s["m"].total_s == 3.0
    assert tally.wait_s["m"].total_s == 4.0


def test_a_load_that_fails_counts_as_none() -> None:
    tally = Tally(began=100)
    life = Told(tally)

    life.to(*UP, Phase.FAILED)
    life.hear(EventKind.FAILURE, reason="engine_exited", message="")
    life.to(*UP, Phase.READY)

    assert tally.loads["m"] == 1
    assert tally.load_s["m"].total_s == 3.0
    assert tally.failures == {("m", "engine_exited"): 1}


def test_a_sleep_and_a_wake_are_told_apart_from_a_load() -> None:
    tally = Tally(began=100)
    life = Told(tally)
    life.to(*UP, Phase.READY)

    life.to(Phase.DRAINING, after_s=7)
    life.to(Phase.SLEEPING, after_s=5)
    life.to(Phase.ASLEEP, Phase.WAKING, Phase.WARMING, Phase.READY)

    assert (tally.loads["m"], tally.sleeps["m"], tally.wakes["m"]) == (1, 1, 1)
    assert tally.wake_s["m"].total_s == 2.0
    assert tally.drain_s["m"].total_s == 5.0


def test_an_engine_that_was_taken_over_was_not_loaded_nor_put_to_sleep() -> None:
    tally = Tally(began=100)
    awake, asleep = Told(tally, "awake"), Told(tally, "asleep")

    awake.to(Phase.LOADING, Phase.WARMING, Phase.READY)
    asleep.to(Phase.LOADING, Phase.ASLEEP)

    assert (tally.loads["awake"], tally.sleeps["asleep"]) == (0, 0)


def test_moving_out_for_another_is_one_swap_however_it_goes() -> None:
    tally = Tally(began=100)
    stopped, slept, idle = Told(tally, "stopped"), Told(tally, "slept"), Told(tally, "idle")
    room = "room for another model"
    for life in (stopped, slept, idle):
        life.to(*UP, Phase.READY)

    stopped.to(Phase.DRAINING, Phase.STOPPING, Phase.STOPPED, why=room)
    slept.to(Phase.DRAINING, Phase.SLEEPING, Phase.ASLEEP, why=room)
    idle.to(Phase.DRAINING, Phase.STOPPING, Phase.STOPPED, why="idle")

    assert tally.swaps == 2


def test_the_phase_that_goes_on_counts_too_and_nothing_twice() -> None:
    tally = Tally(began=100)
    life = Told(tally)
    life.to(Phase.STARTING, after_s=10)
    life.to(Phase.LOADING, after_s=5)

    seconds = tally.phase_seconds({"m": Phase.LOADING, "n": Phase.STOPPED}, at=120)

    assert seconds == {("m", "stopped"): 10, ("m", "starting"): 5, ("m", "loading"): 5, ("n", "stopped"): 20}


def test_refusals_count_who_was_refused_and_faults_are_those_of_now() -> None:
    tally = Tally(began=100)
    life = Told(tally)

    life.hear(EventKind.REFUSED, message="", waiting=3)
    life.hear(EventKind.CATALOG, faults=["a", "b"])
    faulty = tally.catalog_faults
    life.hear(EventKind.CATALOG, changed=["m"], removed=[])

    assert (tally.refusals["m"], faulty, tally.catalog_faults) == (3, 2, 0)


def test_a_bound_is_in_its_bucket() -> None:
    spread = Spread(SLOW_S)

    for seconds in (0.5, 1.0, 1.1, 5000.0):
        spread.add(seconds)

    assert spread.buckets()[:2] == [("1.0", 2.0), ("2.0", 3.0)]
    assert spread.buckets()[-2:] == [("1200.0", 3.0), ("+Inf", 4.0)]
