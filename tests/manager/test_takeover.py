"""A manager that comes back: what a former one left running is taken over, and nothing is guessed about."""

from collections.abc import Callable

import pytest

from switchyard_contracts.catalog import Catalog
from switchyard_contracts.grants import Broken, Drained, Held, Hello, InFlight, Want
from switchyard_contracts.status import ModelStatus, Phase
from switchyard_manager.gpu import Reading
from switchyard_manager.lifecycle import Event
from switchyard_manager.runtimes import Exit, Found
from switchyard_manager.supervise.chronicle import Chronicle
from switchyard_manager.supervise.news import (
    EngineCame,
    EngineGone,
    EngineSlept,
    EngineStands,
    Measured,
    ProxyCame,
    ProxySaid,
    ProxyWent,
    Recovered,
)
from switchyard_manager.supervise.work import BringUp, EndRun, EndStray, TakeOver
from switchyard_manager.supervise.workshop import Workshop
from switchyard_manager.supervise.world import Beginning, World
from tests.manager.conftest import WritesDown, gpu, workshop_of

ENDPOINT = "http://127.0.0.1:1"
PROVED = (Event.ANSWERING, Event.PROVED)
ONE_GPU = Reading((gpu("GPU-0"),), 64_000, 60_000)


@pytest.fixture
def models(catalog: Callable[..., Catalog]) -> Catalog:
    return catalog(m={"idle_unload_s": 5}, other={})


def left(model: str, workshop: Workshop, catalog: Catalog, *, spec_hash: str | None = None) -> Found:
    same = workshop.hash_of(catalog.models[model]) if model in catalog.models else "?"
    return Found(f"{model}-old", model, spec_hash or same, ("GPU-0",), ENDPOINT)


def come_back(models: Catalog, *found: Found, before: Callable[[World], None] = lambda _: None) -> World:
    world = World(Beginning("manager", models, workshop_of(), Chronicle(lambda _: None)))
    world.hear(Measured(ONE_GPU), 0)
    before(world)
    world.hear(Recovered(found), 0)
    return world


def prove(world: World, model: str, now: float = 0) -> None:
    for event in PROVED:
        world.hear(EngineCame(model, f"{model}-old", event, ENDPOINT), now)
    world.decide(now)


def status(world: World, model: str, now: float = 0) -> ModelStatus:
    return next(one for one in world.statuses(now) if one.name == model)


def test_nothing_is_decided_before_it_is_known_what_runs(models: Catalog, session: WritesDown) -> None:
    world = World(Beginning("manager", models, workshop_of(), Chronicle(lambda _: None)))
    world.hear(ProxyCame(session, Hello(proxy=session.proxy)), 0)
    world.hear(ProxySaid(session, Want(model="m", ticket="t")), 0)
    world.hear(Measured(ONE_GPU), 0)

    assert world.decide(0) == ()

    world.hear(Recovered(()), 1)
    assert [type(work) for work in world.decide(1)] == [BringUp]


def test_nothing_is_decided_before_the_machine_was_measured(models: Catalog, session: WritesDown) -> None:
    world = World(Beginning("manager", models, workshop_of(), Chronicle(lambda _: None)))
    world.hear(Recovered(()), 0)
    world.hear(ProxyCame(session, Hello(proxy=session.proxy)), 0)
    world.hear(ProxySaid(session, Want(model="m", ticket="t")), 0)

    assert world.decide(0) == ()


def test_an_engine_with_the_same_specification_is_taken_over_and_proved_again(models: Catalog) -> None:
    world = come_back(models, left("m", workshop_of(), models))

    (work,) = world.decide(0)

    assert isinstance(work, TakeOver)
    assert (work.errand.instance, work.errand.endpoint, work.errand.gpus) == ("m-old", ENDPOINT, ("GPU-0",))
    assert status(world, "m").phase is Phase.LOADING
    prove(world, "m")
    assert status(world, "m").phase is Phase.READY


def test_f9_an_engine_that_is_taken_over_is_not_started_a_second_time(
    models: Catalog, session: WritesDown
) -> None:
    world = come_back(models, left("m", workshop_of(), models))
    world.hear(ProxyCame(session, Hello(proxy=session.proxy)), 0)
    world.hear(ProxySaid(session, Want(model="m", ticket="t")), 0)

    works = world.decide(0)
    prove(world, "m")

    assert [type(work) for work in works] == [TakeOver]
    assert len(session.of_kind("granted")) == 1


def test_a_look_is_granted_where_the_model_is_ready_and_loads_nothing_where_it_is_not(
    models: Catalog, session: WritesDown
) -> None:
    world = come_back(models, left("m", workshop_of(), models))
    world.hear(ProxyCame(session, Hello(proxy=session.proxy)), 0)
    look = ProxySaid(session, Want(model="m", ticket="t", looks=True))

    world.hear(look, 0)
    while_it_comes_up = [one.error.code for one in session.of_kind("refused")], session.of_kind("granted")
    works = world.decide(0)
    prove(world, "m")
    world.hear(look, 1)
    world.hear(look, 1)  # which crossed the grant: what that proxy holds serves it

    assert while_it_comes_up == (["not_possible_now"], [])
    assert [type(work) for work in works] == [TakeOver]
    assert [one.model for one in session.of_kind("granted")] == ["m"]
    assert status(world, "m").waiting == 0


def test_a_look_is_granted_anew_while_what_that_proxy_gave_up_still_drains(
    models: Catalog, session: WritesDown
) -> None:
    world = come_back(models, left("m", workshop_of(), models))
    world.hear(ProxyCame(session, Hello(proxy=session.proxy)), 0)
    prove(world, "m")
    look = ProxySaid(session, Want(model="m", ticket="t", looks=True))
    world.hear(look, 1)
    (given_up,) = session.of_kind("granted")
    world.hear(ProxySaid(session, InFlight(model="m", grant=given_up.grant, n=1)), 2)
    world.hear(ProxySaid(session, Broken(model="m", grant=given_up.grant)), 2)

    world.hear(look, 3)
    while_in_doubt = len(session.of_kind("refused")), len(session.of_kind("granted"))
    world.hear(EngineStands("m", "m-old"), 4)
    world.hear(look, 5)

    assert while_in_doubt == (1, 1)
    assert [one.grant for one in session.of_kind("granted")] == [given_up.grant, "m-old.2"]
    assert status(world, "m", 5).in_flight == 1


def test_a_proxy_that_was_quicker_than_the_manager_keeps_its_grant(
    models: Catalog, session: WritesDown
) -> None:
    held = Held(model="m", grant="m-old.7", in_flight=3)

    def hello(world: World) -> None:
        world.hear(ProxyCame(session, Hello(proxy=session.proxy, holds=(held,))), 0)

    world = come_back(models, left("m", workshop_of(), models), before=hello)

    assert session.of_kind("revoke") == []
    assert status(world, "m").in_flight == 3


def test_a_proxy_that_came_and_went_before_leaves_nothing(models: Catalog, session: WritesDown) -> None:
    held = Held(model="m", grant="m-old.7", in_flight=3)

    def come_and_go(world: World) -> None:
        world.hear(ProxyCame(session, Hello(proxy=session.proxy, holds=(held,))), 0)
        world.hear(ProxyWent(session), 0)

    world = come_back(models, left("m", workshop_of(), models), before=come_and_go)
    world.decide(3)

    assert status(world, "m").in_flight == 0


def test_a_grant_is_never_given_a_number_that_a_former_manager_gave(
    models: Catalog, session: WritesDown, another_session: WritesDown
) -> None:
    world = come_back(models, left("m", workshop_of(), models))
    held = Held(model="m", grant="m-old.7", in_flight=1)
    world.hear(ProxyCame(session, Hello(proxy=session.proxy, holds=(held,))), 0)
    world.hear(ProxyCame(another_session, Hello(proxy=another_session.proxy)), 0)
    world.hear(ProxySaid(another_session, Want(model="m", ticket="t")), 0)
    prove(world, "m")

    (granted,) = another_session.of_kind("granted")
    assert granted.grant == "m-old.8"


def test_until_the_proxies_are_back_an_engine_that_was_taken_over_counts_as_busy(
    models: Catalog, session: WritesDown
) -> None:
    """It may have streams of a proxy that has not come back yet."""
    world = come_back(models, left("m", workshop_of(), models))
    world.decide(0)
    prove(world, "m")
    world.hear(ProxyCame(session, Hello(proxy=session.proxy)), 1)
    world.hear(ProxySaid(session, Want(model="other", ticket="t")), 1)

    world.decide(9.9)
    kept = status(world, "m", 9.9).phase
    world.decide(10.1)

    assert kept is Phase.READY
    assert status(world, "m", 10.1).phase is Phase.STOPPING


def test_k13_an_engine_of_another_specification_is_drained_and_replaced_and_its_streams_go_on(
    models: Catalog, session: WritesDown
) -> None:
    world = come_back(models, left("m", workshop_of(), models, spec_hash="as it was"))
    held = Held(model="m", grant="m-old.1", in_flight=1)
    world.hear(ProxyCame(session, Hello(proxy=session.proxy, holds=(held,))), 0)

    assert [type(work) for work in world.decide(1)] == [TakeOver]
    prove(world, "m", 1)
    assert status(world, "m", 1).phase is Phase.DRAINING
    assert world.decide(1000) == ()
    world.hear(ProxySaid(session, InFlight(model="m", grant="m-old.1", n=0)), 1000)
    world.hear(ProxySaid(session, Drained(model="m", grant="m-old.1")), 1000)
    (ending,) = world.decide(1000)

    assert isinstance(ending, EndRun)


def test_an_engine_of_a_model_that_the_catalog_no_longer_has_is_removed(models: Catalog) -> None:
    found = left("gone", workshop_of(), models)
    world = come_back(models, found)

    assert world.decide(0) == (EndStray(found),)


def test_of_two_engines_of_one_model_one_is_kept(models: Catalog) -> None:
    one = left("m", workshop_of(), models)
    another = Found("m-older", "m", one.spec_hash, ("GPU-0",), ENDPOINT)
    world = come_back(models, one, another)

    works = world.decide(0)

    assert sorted(type(work).__name__ for work in works) == ["EndStray", "TakeOver"]


def test_an_engine_that_was_asleep_is_taken_over_asleep(models: Catalog) -> None:
    world = come_back(models, left("m", workshop_of(), models))
    world.decide(0)

    world.hear(EngineSlept("m", "m-old"), 1)

    assert status(world, "m", 1).phase is Phase.ASLEEP


def test_an_engine_that_dies_while_it_is_taken_over_is_started_anew_for_whoever_waits(
    models: Catalog, session: WritesDown
) -> None:
    world = come_back(models, left("m", workshop_of(), models))
    world.decide(0)
    world.hear(ProxyCame(session, Hello(proxy=session.proxy)), 0)
    world.hear(EngineGone("m", "m-old", Exit(0)), 1)
    world.decide(1)
    world.hear(Measured(ONE_GPU), 69)
    world.hear(ProxySaid(session, Want(model="m", ticket="t")), 70)

    assert [type(work) for work in world.decide(70)] == [BringUp]


def test_what_runs_is_taken_over_late_when_its_runtime_was_away_at_first(models: Catalog) -> None:
    world = come_back(models)
    assert world.decide(0) == ()

    world.hear(Recovered((left("m", workshop_of(), models),)), 60)

    assert [type(work) for work in world.decide(60)] == [TakeOver]
