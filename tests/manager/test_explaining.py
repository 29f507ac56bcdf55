"""Why a model is where it is: the scheduler's own answer, with the numbers, for people and programs."""

from typing import Any

import pytest

from switchyard_contracts.admin import Authority, Explanation, Outcome
from switchyard_contracts.errors import Reason
from switchyard_contracts.grants import Hello, InFlight, Want
from switchyard_contracts.status import Failure, Phase
from switchyard_manager.gpu import GpuReading, Reading
from switchyard_manager.gpu.reading import Holder
from switchyard_manager.lifecycle import Event
from switchyard_manager.supervise.commands import Command, Verb
from switchyard_manager.supervise.explaining import explain
from switchyard_manager.supervise.news import Asked, EngineCame, EngineGone, Measured, ProxyCame, ProxySaid
from switchyard_manager.supervise.work import BringUp
from switchyard_manager.supervise.world import World
from tests.manager.conftest import WritesDown, catalog_of, gpu, world_of

LONG = 1000.0  # seconds after which a model has long been idle


class Town:
    """A world with one proxy, whose time is told."""

    def __init__(self, models: dict[str, dict[str, Any]], *gpus: GpuReading) -> None:
        self.reading = Reading(gpus)
        self.world: World = world_of(catalog_of(**models), reading=self.reading)
        self.proxy = WritesDown()
        self.world.hear(ProxyCame(self.proxy, Hello(proxy=self.proxy.proxy)), 0)

    def want(self, model: str, now: float = 0) -> None:
        self.world.hear(ProxySaid(self.proxy, Want(model=model, ticket=f"t {model}")), now)

    def load(self, model: str, now: float = 0, *, in_flight: int = 0) -> None:
        self.want(model, now)
        (work,) = self.world.decide(now)
        assert isinstance(work, BringUp)
        for event in (Event.LAUNCHED, Event.ANSWERING, Event.PROVED):
            self.world.hear(EngineCame(model, work.errand.instance, event, "http://x"), now)
        self.world.decide(now)
        granted = self.proxy.of_kind("granted")[-1]
        said = InFlight(model=model, grant=granted.grant, n=in_flight)
        self.world.hear(ProxySaid(self.proxy, said), now)
        self.world.hear(Measured(self.reading), now + 1)

    def explain(self, model: str, now: float = LONG) -> Explanation:
        found = explain(self.world.ground, model, now)
        assert found is not None
        return found


def test_what_may_be_moved_out_is_named_with_what_it_frees() -> None:
    town = Town({"old": {"vram_mib": 15_000}, "new": {"vram_mib": 12_000}}, gpu())
    town.load("old")

    found = town.explain("new")

    (card,) = found.gpus
    (old,) = card.models
    assert (found.outcome, found.victims, found.site) == (Outcome.EVICT, ("old",), ("GPU-0",))
    assert (old.may_leave, old.stays_because, old.frees_mib) == (True, None, 15_000)
    assert (card.free_mib, card.need_mib, card.authority) == (24_000 - 512 - 15_000, 12_000, Authority.DECLARED)
    assert card.shortfall_mib == 12_000 - card.free_mib


def test_it_says_what_the_plan_then_does() -> None:
    town = Town({"old": {"vram_mib": 15_000}, "new": {"vram_mib": 12_000}}, gpu())
    town.load("old")
    said = town.explain("new").victims

    town.want("new", LONG)
    town.world.decide(LONG)

    leaving = [one.name for one in town.world.statuses(LONG) if one.phase is Phase.DRAINING]
    assert tuple(leaving) == said == ("old",)


@pytest.mark.parametrize(
    ("old", "in_flight", "now", "because"),
    [
        ({"pinned": True}, 0, LONG, "it is pinned"),
        ({}, 1, 5.0, "it has served for 5 s, and stays for at least 30"),
        ({}, 1, 35.0, "it serves requests, and nobody has waited long enough to end its turn"),
    ],
)
def test_who_stays_stays_for_a_reason(old: dict[str, Any], in_flight: int, now: float, because: str) -> None:
    town = Town({"old": {"vram_mib": 15_000, **old}, "new": {"vram_mib": 12_000}}, gpu())
    town.load("old", in_flight=in_flight)

    found = town.explain("new", now)

    (occupant,) = found.gpus[0].models
    assert (occupant.may_leave, occupant.stays_because) == (False, because)
    assert found.outcome is (Outcome.SHORT if old else Outcome.BLOCKED)
    assert found.victims == ()


def test_what_loads_for_somebody_stays() -> None:
    town = Town({"old": {"vram_mib": 15_000}, "new": {"vram_mib": 12_000}}, gpu())
    town.want("old")
    town.world.decide(0)

    (occupant,) = town.explain("new", 1.0).gpus[0].models

    assert occupant.phase is Phase.STARTING
    assert occupant.stays_because == "it is being loaded for somebody, or was asked for by hand"


def test_strangers_are_told_by_process_and_ours_are_not() -> None:
    holders = (Holder(7, "game", 9_000), Holder(8, "engine", 100), Holder(9, "secretive", None))
    town = Town({"m": {"vram_mib": 20_000}}, gpu())
    reading = Reading((GpuReading("GPU-0", "Card", 24_000, 9_100, holders),))
    town.world.hear(Measured(reading, owners={8: "m-1"}), 0)

    found = town.explain("m")

    assert [(one.pid, one.name, one.used_mib) for one in found.gpus[0].strangers] == [
        (7, "game", 9_000),
        (9, "secretive", None),
    ]
    assert found.outcome is Outcome.SHORT
    assert found.gpus[0].shortfall_mib == 20_000 - (24_000 - 512 - 9_100)
    assert "- game (process 7) holds 9000 MiB, and is no engine of Switchyard's." in found.sentences


@pytest.mark.parametrize(
    ("said", "need", "authority"),
    [
        ({"vram_mib": 700}, 700, Authority.DECLARED),
        ({"engine_args": {"gpu_memory_utilization": 0.5}}, 12_000, Authority.SHARE),
        ({}, None, Authority.UNKNOWN),
    ],
)
def test_a_need_has_its_authority(said: dict[str, Any], need: int | None, authority: Authority) -> None:
    (card,) = Town({"m": said}, gpu()).explain("m").gpus

    assert (card.need_mib, card.authority) == (need, authority)
    assert (card.shortfall_mib is None) is (need is None)


def test_what_was_measured_is_said_to_be_measured() -> None:
    town = Town({"m": {}}, gpu())
    workshop = town.world.ground.workshop
    spec = town.world.ground.lives["m"].spec_hash
    workshop.learn_memory(spec, "Card", 4_321, asleep=False)

    (card,) = town.explain("m").gpus

    assert (card.need_mib, card.authority) == (4_321, Authority.MEASURED)


def test_a_gpu_that_it_may_not_use_is_shown_as_such() -> None:
    town = Town({"m": {"vram_mib": 100, "gpus": ["GPU-1"]}}, gpu(), gpu("GPU-1"))

    found = town.explain("m")

    assert [card.eligible for card in found.gpus] == [False, True]
    assert (found.outcome, found.site) == (Outcome.NOW, ("GPU-1",))


def test_gpus_that_are_not_there_are_named() -> None:
    found = Town({"m": {"gpus": ["GPU-9"]}}, gpu()).explain("m")

    assert found.outcome is Outcome.NO_GPU
    assert "GPU-9" in found.sentences[-1]


@pytest.mark.parametrize(
    ("said", "sentence"), [({"gpus": 1}, "It asks for 1 GPU."), ({}, "It runs without a GPU.")]
)
def test_where_there_is_no_gpu_only_who_insists_on_one_asks_for_it(said: dict[str, Any], sentence: str) -> None:
    assert Town({"m": said}).explain("m").sentences[1] == sentence


def test_a_failure_is_why_and_says_when_it_is_tried_again() -> None:
    town = Town({"m": {}})
    town.want("m")
    (work,) = town.world.decide(0)
    assert isinstance(work, BringUp)
    failure = Failure(reason=Reason.GATED_REPO, message="cannot load m", advice="accept the licence")
    town.world.hear(EngineGone("m", work.errand.instance, exit=None, failure=failure), 0)

    found = town.explain("m", 0)

    assert (found.phase, found.failure, found.outcome) == (Phase.FAILED, failure, Outcome.NOW)
    assert found.retry_in_s is not None
    assert "accept the licence" in found.why
    assert f"after {found.retry_in_s:.0f} s" in found.why


def test_who_waits_is_told_for_what() -> None:
    town = Town({"old": {"vram_mib": 15_000}, "new": {"vram_mib": 12_000}}, gpu())
    town.load("old", in_flight=1)
    town.want("new", 10)
    town.world.decide(12)

    found = town.explain("new", 12)

    assert (found.waiting, found.waited_s) == (1, 2.0)
    assert found.why == "1 request for it waits, 2 s by now; waits for its turn after old"


def test_what_runs_is_not_explained_as_if_it_were_to_load() -> None:
    town = Town({"m": {"vram_mib": 15_000}}, gpu())
    town.load("m")

    found = town.explain("m", 40)

    assert (found.outcome, found.site, found.victims) == (Outcome.LOADED, ("GPU-0",), ())
    assert found.why == "it has been idle for 40 s, and leaves after 900"


@pytest.mark.parametrize("phase", list(Phase))
def test_every_phase_has_a_why_of_its_own(phase: Phase) -> None:
    town = Town({"m": {"vram_mib": 15_000}}, gpu())
    town.load("m")
    town.world.ground.lives["m"].phase = phase

    found = town.explain("m")

    assert found.why
    assert found.sentences[0] == f"m is {phase}: {found.why}."
    assert all(line.endswith(".") for line in found.sentences)


def test_to_explain_changes_nothing() -> None:
    town = Town({"old": {"vram_mib": 15_000}, "new": {"vram_mib": 12_000}}, gpu())
    town.load("old")
    before = town.world.status(LONG, "x")

    town.explain("new")

    assert town.world.status(LONG, "x") == before


def test_what_nobody_knows_is_not_explained() -> None:
    town = Town({"m": {}})
    town.world.hear(Asked(Command(Verb.PIN, "m"), lambda _: None), 0)

    assert explain(town.world.ground, "nobody", 0) is None


def test_what_a_model_has_itself_is_not_in_its_way() -> None:
    town = Town({"m": {"vram_mib": 15_000}, "other": {"vram_mib": 2_000}}, gpu())
    town.load("m")
    town.load("other", 60)
    town.world.hear(Measured(Reading((gpu(used_mib=17_000),))), 61)

    (card,) = town.explain("m").gpus

    assert (card.free_mib, card.shortfall_mib) == (24_000 - 512 - 2_000, 0)


def test_beside_a_model_that_has_a_whole_gpu_nothing_is_left() -> None:
    town = Town({"whole": {}, "m": {"vram_mib": 1_000}}, gpu())
    town.load("whole")

    (card,) = town.explain("m").gpus

    assert (card.free_mib, card.shortfall_mib) == (0, 1_000)
    assert (card.models[0].claim_mib, card.models[0].frees_mib) == (None, 24_000)


def test_a_model_that_ran_out_beside_others_is_said_to_get_a_gpu_to_itself() -> None:
    town = Town({"m": {"vram_mib": 1_000}}, gpu())
    town.world.ground.lives["m"].tried_alone = True

    found = town.explain("m")

    assert found.gpus[0].need_mib is None
    assert "beside others" in found.sentences[1]
