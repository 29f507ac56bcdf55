"""Which manager is asked for a model that several have. Who is there, and with what, is handed in."""

from dataclasses import dataclass, field

import pytest

from switchyard_contracts.errors import Reason
from switchyard_contracts.grants import Models
from switchyard_contracts.status import Failure, ModelStatus, Phase
from switchyard_proxy.grants.known_models import KnownModels
from switchyard_proxy.grants.sites import Site, Sites
from tests.proxy.managers import status

FAILURE = Failure(reason=Reason.NO_GPU, message="no GPU", advice="add one")


@dataclass
class Said:
    """All that a site is judged by."""

    connected: bool = True
    running: int | None = None
    waiting: int = 0
    in_flight: int = 0

    def running_on(self, model: str) -> int | None:
        return self.running


@dataclass
class Machine(Said):
    """With one model, or without."""

    phase: Phase | None = Phase.STOPPED
    more: dict[str, object] = field(default_factory=dict)

    @property
    def site(self) -> Site:
        known = KnownModels()
        models: tuple[ModelStatus, ...] = ()
        if self.phase is not None:
            models = (status("chat", phase=self.phase, **self.more),)
        known.replace(Models(models=models))
        return Site(self, self, known)  # type: ignore[arg-type]


HELD, BUSY = Machine(running=0), Machine(running=3)
HELD_BUT_AWAY = Machine(running=1, connected=False)
READY = Machine(phase=Phase.READY)
READY_AND_BUSY = Machine(phase=Phase.READY, more={"in_flight": 4})
LOADING = Machine(phase=Phase.LOADING)
STOPPED, CROWDED = Machine(), Machine(waiting=9)
FAILED = Machine(more={"failure": FAILURE})
WITHOUT, AWAY = Machine(phase=None), Machine(connected=False)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (HELD, BUSY),
        (BUSY, READY),
        (HELD_BUT_AWAY, READY),
        (READY, READY_AND_BUSY),
        (READY_AND_BUSY, LOADING),
        (LOADING, STOPPED),
        (STOPPED, CROWDED),
        (CROWDED, FAILED),
        (FAILED, WITHOUT),
        (WITHOUT, AWAY),
    ],
)
def test_the_less_reluctant_is_asked_wherever_it_stands(better: Machine, worse: Machine) -> None:
    a, b = better.site, worse.site

    assert Sites((a, b)).serving("chat", (0, 1)) is a
    assert Sites((b, a)).serving("chat", (0, 1)) is a


def test_of_equals_the_first_that_the_operator_named_is_asked() -> None:
    sites = Sites((Machine().site, Machine().site))

    assert sites.serving("chat", (0, 1)) is sites.all[0]


def test_only_those_that_have_the_model_are_asked() -> None:
    sites = Sites((HELD.site, AWAY.site))

    assert sites.serving("chat", (1,)) is sites.all[1]


@pytest.mark.parametrize(
    ("machine", "warm"), [(HELD, True), (HELD_BUT_AWAY, True), (READY, True), (LOADING, False), (AWAY, False)]
)
def test_warm_is_what_is_granted_or_ready(machine: Machine, warm: bool) -> None:
    assert Sites((WITHOUT.site, machine.site)).is_warm("chat") is warm


def test_what_runs_and_waits_is_that_of_all() -> None:
    sites = Sites((Machine(in_flight=2, waiting=1).site, Machine(in_flight=3, connected=False).site))

    assert (sites.in_flight, sites.waiting, sites.connected) == (5, 1, 1)
