"""News in, decisions out, everything recorded in the same step."""

from collections.abc import Callable

from switchyard_contracts.catalog import Catalog
from switchyard_contracts.errors import ErrorCode, Reason
from switchyard_contracts.grants import Broken, Drained, Held, Hello, InFlight, Unwant
from switchyard_contracts.status import Failure, Phase
from switchyard_manager.lifecycle import Event
from switchyard_manager.runtimes import Exit
from switchyard_manager.supervise.commands import Command, Verb
from switchyard_manager.supervise.news import (
    Asked,
    CatalogRead,
    EngineCame,
    EngineFaulted,
    EngineGone,
    EngineStands,
    EngineWorked,
    ProxyCame,
    ProxySaid,
    ProxyWent,
    StopDidFail,
)
from switchyard_manager.supervise.work import BringUp, EndRun, LookAt
from switchyard_manager.supervise.world import World
from tests.manager.conftest import ENDPOINT, WritesDown, bring_to_ready, phase, want, world_of

BAD = Failure(reason=Reason.CANARY_FAILED, message="cannot use m", advice="look")


def test_fifty_first_requests_start_one_engine(world: World, session: WritesDown) -> None:
    for number in range(50):
        want(world, session, f"t{number}")

    started = [*world.decide(0), *world.decide(0)]

    assert [type(work) for work in started] == [BringUp]


def test_a_decision_is_recorded_before_it_is_carried_out(world: World, session: WritesDown) -> None:
    want(world, session)
    world.decide(0)

    assert phase(world) is Phase.STARTING
    assert world.decide(0) == ()


def test_ready_means_one_grant_for_everyone_who_waits_at_a_proxy(world: World, session: WritesDown) -> None:
    want(world, session, "another")

    bring_to_ready(world, session)

    (granted,) = session.of_kind("granted")
    assert granted.endpoint == ENDPOINT
    assert world.statuses(0)[0].in_flight == 2
    assert world.statuses(0)[0].waiting == 0


def test_a_grant_is_said_once_even_to_a_ticket_that_crossed_it_on_the_wire(
    world: World, session: WritesDown
) -> None:
    """Said twice, it could reach a proxy that gave it up meanwhile, and be used while nobody counts it."""
    bring_to_ready(world, session)

    want(world, session, "late")
    world.decide(0)

    assert len(session.of_kind("granted")) == 1
    assert world.statuses(0)[0].waiting == 1
    world.hear(ProxySaid(session, Unwant(model="m", ticket="late")), 0)
    assert world.statuses(0)[0].waiting == 0


def test_a_request_that_never_ends_keeps_the_engine(world: World, session: WritesDown) -> None:
    bring_to_ready(world, session)

    assert world.decide(1e6) == ()


def test_idle_is_counted_from_the_end_of_the_last_request(world: World, session: WritesDown) -> None:
    bring_to_ready(world, session)
    (granted,) = session.of_kind("granted")
    world.hear(ProxySaid(session, InFlight(model="m", grant=granted.grant, n=0, idle_s=10)), 1000)

    assert world.decide(1049) == ()
    world.decide(1050)

    (revoked,) = session.of_kind("revoke")
    assert revoked.grant == granted.grant
    assert phase(world, 1050) is Phase.DRAINING


def idle_after_a_request(world: World, session: WritesDown, now: float) -> str:
    instance = bring_to_ready(world, session)
    (granted,) = session.of_kind("granted")
    world.hear(ProxySaid(session, InFlight(model="m", grant=granted.grant, n=0)), now)
    return instance


def test_an_engine_that_works_on_a_job_is_not_idle(world: World, session: WritesDown) -> None:
    instance = idle_after_a_request(world, session, now=100)

    for now, count in ((110, 5.0), (130, 9.0), (145, 14.0)):
        world.hear(EngineWorked("m", instance, count), now)

    assert world.statuses(149)[0].idle_s == 4


def test_what_the_last_request_has_done_is_no_job(world: World, session: WritesDown) -> None:
    instance = bring_to_ready(world, session)
    (granted,) = session.of_kind("granted")
    world.hear(EngineWorked("m", instance, 5.0), 90)
    world.hear(ProxySaid(session, InFlight(model="m", grant=granted.grant, n=0)), 100)

    for now in (110, 130):
        world.hear(EngineWorked("m", instance, 9.0), now)

    assert world.statuses(149)[0].idle_s == 49


def test_it_stops_after_drained_and_not_before(world: World, session: WritesDown) -> None:
    instance = bring_to_ready(world, session)
    (granted,) = session.of_kind("granted")
    world.hear(ProxySaid(session, InFlight(model="m", grant=granted.grant, n=0)), 0)
    assert world.decide(60) == ()

    world.hear(ProxySaid(session, Drained(model="m", grant=granted.grant)), 61)

    assert world.decide(61) == (EndRun("m", instance, 10.0),)


def test_a_request_that_comes_while_it_drains_waits_for_the_next_engine(
    world: World, session: WritesDown
) -> None:
    instance = bring_to_ready(world, session)
    (granted,) = session.of_kind("granted")
    world.hear(ProxySaid(session, InFlight(model="m", grant=granted.grant, n=0)), 0)
    world.decide(60)

    want(world, session, "late", 60)
    world.hear(ProxySaid(session, Drained(model="m", grant=granted.grant)), 60)
    world.decide(60)
    world.hear(EngineGone("m", instance, Exit(0)), 61)

    (work,) = world.decide(61)
    assert isinstance(work, BringUp)
    assert work.errand.instance != instance


def test_a_proxy_that_dies_leaves_nothing_counted(world: World, session: WritesDown) -> None:
    bring_to_ready(world, session)
    want(world, session, "queued", model="m")

    world.hear(ProxyWent(session), 5)
    world.decide(8)

    status = world.statuses(8)[0]
    assert (status.in_flight, status.waiting, len(world.ground.proxies)) == (0, 0, 0)
    world.decide(68)
    assert phase(world, 68) is Phase.STOPPING


def test_a_connection_that_breaks_for_a_moment_costs_no_stream_its_engine(
    world: World, session: WritesDown
) -> None:
    """The model drains; its last stream is that of a proxy which is just coming back."""
    bring_to_ready(world, session)
    (granted,) = session.of_kind("granted")
    world.hear(ProxySaid(session, InFlight(model="m", grant=granted.grant, n=1)), 1)
    world.hear(Asked(Command(Verb.UNLOAD, "m"), lambda _: None), 2)
    world.decide(2)

    world.hear(ProxyWent(session), 3)
    away = world.decide(5.9)
    back = WritesDown(session.proxy)
    held = Held(model="m", grant=granted.grant, in_flight=1)
    world.hear(ProxyCame(back, Hello(proxy=back.proxy, holds=(held,))), 5.95)

    assert away == ()
    assert world.decide(100) == ()
    assert phase(world, 100) is Phase.DRAINING
    world.hear(ProxySaid(back, Drained(model="m", grant=granted.grant)), 101)
    assert [type(work) for work in world.decide(101)] == [EndRun]


def test_the_leader_leaving_does_not_end_the_load(world: World, session: WritesDown) -> None:
    want(world, session, "leader")
    world.decide(0)

    world.hear(ProxySaid(session, Unwant(model="m", ticket="leader")), 1)

    assert world.decide(50) == ()
    assert phase(world) is Phase.STARTING


def test_a_proxy_that_comes_back_keeps_its_grant(
    world: World, session: WritesDown, another_session: WritesDown
) -> None:
    bring_to_ready(world, session)
    (granted,) = session.of_kind("granted")
    world.hear(ProxyWent(session), 1)
    back = WritesDown(session.proxy)

    held = Held(model="m", grant=granted.grant, in_flight=3)
    world.hear(ProxyCame(back, Hello(proxy=back.proxy, holds=(held,))), 2)

    assert back.of_kind("revoke") == []
    assert world.statuses(2)[0].in_flight == 3


def test_a_grant_of_an_engine_that_is_gone_is_revoked_at_reconnect(world: World, session: WritesDown) -> None:
    back = WritesDown("returned")

    held = Held(model="m", grant="m-0.1", in_flight=1)
    world.hear(ProxyCame(back, Hello(proxy=back.proxy, holds=(held,))), 2)

    assert [message.grant for message in back.of_kind("revoke")] == ["m-0.1"]


def test_an_engine_that_exits_with_code_0_unasked_has_failed(world: World, session: WritesDown) -> None:
    instance = bring_to_ready(world, session)

    world.hear(EngineGone("m", instance, Exit(0, ("bye",))), 10)

    failure = world.statuses(10)[0].failure
    assert failure is not None
    assert (phase(world), failure.reason, failure.log_tail) == (Phase.FAILED, Reason.ENGINE_EXITED, ("bye",))
    assert session.of_kind("revoke")


def test_a_proved_engine_that_crashed_is_started_again_for_the_next_request(
    world: World, session: WritesDown
) -> None:
    instance = bring_to_ready(world, session)
    world.hear(EngineGone("m", instance, Exit(-9)), 10)
    world.decide(10)

    want(world, session, "next", 10)

    assert [type(work) for work in world.decide(10)] == [BringUp]


def test_a_storm_of_retries_starts_a_failing_engine_once_in_its_cool_down(
    world: World, session: WritesDown
) -> None:
    want(world, session)
    (work,) = world.decide(0)
    assert isinstance(work, BringUp)
    world.hear(EngineGone("m", work.errand.instance, Exit(1, ("CUDA out of memory. Tried to allocate",))), 1)
    assert world.decide(1) == ()

    started = 0
    for second in range(2, 61, 6):
        want(world, session, f"retry{second}", second)
        started += len(world.decide(second))

    assert started == 0
    refusals = session.of_kind("refused")
    assert len(refusals) == 11
    assert {refused.error.code for refused in refusals} == {ErrorCode.MODEL_LOAD_FAILED}
    assert "CUDA out of memory" in refusals[0].error.message
    want(world, session, "after", 62)
    assert len(world.decide(62)) == 1


def test_a_canary_that_fails_stops_the_engine_and_says_why(world: World, session: WritesDown) -> None:
    want(world, session)
    (work,) = world.decide(0)
    assert isinstance(work, BringUp)
    world.hear(EngineCame("m", work.errand.instance, Event.LAUNCHED, ENDPOINT), 1)
    world.hear(EngineFaulted("m", work.errand.instance, BAD), 2)

    (ending,) = world.decide(2)
    world.hear(EngineGone("m", work.errand.instance, Exit(0)), 3)
    world.decide(3)

    assert isinstance(ending, EndRun)
    assert phase(world) is Phase.FAILED
    assert world.statuses(3)[0].failure == BAD
    assert session.of_kind("refused")


def test_a_load_past_its_limit_is_stopped_and_named_a_timeout(world: World, session: WritesDown) -> None:
    want(world, session)
    (work,) = world.decide(0)
    assert isinstance(work, BringUp)
    world.hear(EngineCame("m", work.errand.instance, Event.LAUNCHED, ENDPOINT), 9)

    (ending,) = world.decide(100)
    world.hear(EngineGone("m", work.errand.instance, Exit(-9)), 101)

    assert isinstance(ending, EndRun)
    failure = world.statuses(101)[0].failure
    assert failure is not None
    assert failure.reason is Reason.STARTUP_TIMEOUT
    assert failure.message == "cannot run m: it was not ready after 100 s"


def test_a_broken_engine_is_looked_at_before_it_is_granted_again(world: World, session: WritesDown) -> None:
    instance = bring_to_ready(world, session)
    (granted,) = session.of_kind("granted")

    world.hear(ProxySaid(session, Broken(model="m", grant=granted.grant)), 5)
    want(world, session, "retry", 5)
    (work,) = world.decide(5)

    assert isinstance(work, LookAt)
    assert len(session.of_kind("granted")) == 1
    world.hear(EngineStands("m", instance), 6)
    world.decide(6)
    assert len(session.of_kind("granted")) == 2


def test_what_still_runs_on_a_doubted_grant_counts_until_it_is_drained(
    world: World, session: WritesDown
) -> None:
    instance = bring_to_ready(world, session)
    (granted,) = session.of_kind("granted")
    world.hear(ProxySaid(session, InFlight(model="m", grant=granted.grant, n=1)), 0)
    world.hear(ProxySaid(session, Broken(model="m", grant=granted.grant)), 5)
    world.decide(5)
    world.hear(EngineStands("m", instance), 6)

    assert world.decide(1e6) == ()
    assert world.statuses(1e6)[0].in_flight == 1

    world.hear(ProxySaid(session, Drained(model="m", grant=granted.grant)), 1e6)
    world.decide(1e6 + 60)
    assert phase(world) is Phase.STOPPING


def test_a_stop_that_fails_blocks_the_model_and_is_tried_again(world: World, session: WritesDown) -> None:
    instance = bring_to_ready(world, session)
    world.hear(ProxyWent(session), 0)
    world.decide(3)
    world.decide(63)
    assert phase(world) is Phase.STOPPING
    world.hear(StopDidFail("m", instance, BAD), 64)

    (again,) = world.decide(94)

    assert isinstance(again, EndRun)
    world.hear(EngineGone("m", instance, Exit(-9)), 92)
    assert phase(world) is Phase.STOPPED


def test_news_of_a_run_that_is_over_changes_nothing(world: World, session: WritesDown) -> None:
    bring_to_ready(world, session)

    world.hear(EngineGone("m", "m-from-before", Exit(1)), 5)
    world.hear(EngineCame("m", "m-from-before", Event.PROVED, "http://elsewhere"), 5)

    assert phase(world) is Phase.READY


def test_an_unknown_model_is_refused_with_where_to_look(world: World, session: WritesDown) -> None:
    want(world, session, model="nope")

    (refused,) = session.of_kind("refused")
    assert refused.error.code is ErrorCode.MODEL_NOT_FOUND
    assert refused.error.message == "cannot find a model named 'nope': see GET /v1/models"


def test_a_new_catalog_leaves_what_it_does_not_change_alone(
    catalog: Callable[..., Catalog], session: WritesDown
) -> None:
    world = world_of(catalog(m={}, other={}))
    world.hear(ProxyCame(session, Hello(proxy=session.proxy)), 0)
    bring_to_ready(world, session)

    world.hear(CatalogRead(catalog(m={"aliases": ["also"], "idle_unload_s": 5}, added={})), 1)
    world.decide(1)

    statuses = {status.name: status for status in world.statuses(1)}
    assert set(statuses) == {"m", "added"}
    assert statuses["m"].phase is Phase.READY
    assert statuses["m"].aliases == ("also",)
    assert session.of_kind("revoke") == []


def test_a_changed_specification_drains_only_that_model(
    catalog: Callable[..., Catalog], session: WritesDown
) -> None:
    world = world_of(catalog(m={}))
    world.hear(ProxyCame(session, Hello(proxy=session.proxy)), 0)
    bring_to_ready(world, session)

    world.hear(CatalogRead(catalog(m={"context_length": 100})), 1)
    world.decide(1)

    assert phase(world) is Phase.DRAINING


def test_who_asks_for_a_model_that_was_taken_out_hears_so_while_others_still_listen_to_it(
    catalog: Callable[..., Catalog], session: WritesDown
) -> None:
    world = world_of(catalog(m={}, other={}))
    world.hear(ProxyCame(session, Hello(proxy=session.proxy)), 0)
    bring_to_ready(world, session)
    (granted,) = session.of_kind("granted")
    world.hear(ProxySaid(session, InFlight(model="m", grant=granted.grant, n=1)), 0)

    world.hear(CatalogRead(catalog(other={})), 1)
    world.decide(1)
    want(world, session, "late", 2)
    world.decide(2)

    (refused,) = session.of_kind("refused")
    assert (refused.ticket, refused.error.code) == ("late", ErrorCode.MODEL_NOT_FOUND)
    assert {status.name: status.phase for status in world.statuses(2)}["m"] is Phase.DRAINING


def test_proxies_hear_of_the_models_when_something_changes_and_only_then(
    world: World, session: WritesDown
) -> None:
    world.decide(0)
    before = len(session.of_kind("models"))

    world.decide(1)
    assert len(session.of_kind("models")) == before

    want(world, session)
    world.decide(2)
    assert session.of_kind("models")[-1].models[0].phase is Phase.STARTING
