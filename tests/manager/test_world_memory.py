"""What the world remembers of its engines: faults and whose they were, times, memory, use."""

from collections.abc import Callable

import pytest

from switchyard_contracts.catalog import Catalog, GpuOverride
from switchyard_contracts.errors import Reason
from switchyard_contracts.events import EventKind
from switchyard_contracts.grants import Drained, Hello, InFlight
from switchyard_contracts.status import Failure, Phase
from switchyard_manager.gpu import Reading
from switchyard_manager.gpu.overrides import overridden
from switchyard_manager.lifecycle import Event
from switchyard_manager.runtimes import Exit
from switchyard_manager.store.facts import (
    Fact,
    Happened,
    MemoryBesideCache,
    MemoryMeasured,
    RunWas,
    Span,
    SpanMeasured,
)
from switchyard_manager.supervise.commands import Command, Verb
from switchyard_manager.supervise.news import (
    Asked,
    EngineCame,
    EngineFaulted,
    EngineGone,
    EngineMeasured,
    EngineProgress,
    EngineSlept,
    Measured,
    ProxyCame,
    ProxySaid,
    ProxyWent,
)
from switchyard_manager.supervise.work import BringUp, EndRun
from switchyard_manager.supervise.world import World
from tests.manager.conftest import ENDPOINT, WritesDown, bring_to_ready, gpu, phase, want, world_of

BAD = Failure(reason=Reason.CANARY_FAILED, message="cannot use m", advice="look")


def test_k6_what_is_not_the_models_fault_never_counts_against_it(world: World, session: WritesDown) -> None:
    """A missing image, a full disk, Docker away: its own back-off, and no failure on the model's record."""
    now = 0.0
    for _ in range(20):
        want(world, session, f"t{now}", now)
        (work,) = world.decide(now)
        assert isinstance(work, BringUp)
        away = Failure(reason=Reason.RUNTIME_UNAVAILABLE, message="cannot reach Docker", advice="start it")
        world.hear(EngineGone("m", work.errand.instance, None, away), now + 1)
        world.decide(now + 1)
        retry_in = world.statuses(now + 1)[0].retry_in_s
        assert retry_in is not None
        assert retry_in <= 60
        now += 1 + retry_in

    want(world, session, "last", now)
    (work,) = world.decide(now)
    assert isinstance(work, BringUp)
    world.hear(EngineGone("m", work.errand.instance, Exit(1)), now + 1)
    assert world.statuses(now + 1)[0].retry_in_s == 60  # its first own failure


def test_a_start_is_told_how_a_container_gets_its_gpus(
    session: WritesDown, catalog: Callable[..., Catalog]
) -> None:
    told = (
        GpuOverride(uuid="GPU-A", vram_mib=8_000, devices=("/dev/dri/card1",)),
        GpuOverride(uuid="GPU-b", vram_mib=8_000),
    )
    reading = overridden(Reading((gpu("GPU-b"),)), told)
    world = world_of(catalog(m={"gpus": ["GPU-A", "GPU-b"]}).model_copy(update={"gpus": told}), reading=reading)
    world.hear(ProxyCame(session, Hello(proxy=session.proxy)), 0)

    want(world, session)
    (work,) = world.decide(0)

    assert isinstance(work, BringUp)
    assert set(work.errand.gpus) == {"GPU-A", "GPU-b"}
    assert work.errand.devices == {"GPU-A": ("/dev/dri/card1",)}


def test_a_slow_load_that_makes_progress_is_not_stopped_at_its_limit(world: World, session: WritesDown) -> None:
    want(world, session)
    (work,) = world.decide(0)
    assert isinstance(work, BringUp)
    world.hear(EngineProgress("m", work.errand.instance, "weights 80 %"), 90)

    assert world.decide(110) == ()
    assert world.statuses(110)[0].progress == "weights 80 %"
    (ending,) = world.decide(150)
    assert isinstance(ending, EndRun)


@pytest.mark.parametrize("asked_for", [True, False])
def test_f20_a_model_that_was_loaded_and_never_used_is_unloaded_too(
    catalog: Callable[..., Catalog], session: WritesDown, *, asked_for: bool
) -> None:
    world = world_of(catalog(m={"idle_unload_s": 60, "preload": not asked_for}))
    if asked_for:
        world.hear(Asked(Command(Verb.LOAD, "m"), lambda _: None), 0)
    (work,) = world.decide(0)
    assert isinstance(work, BringUp)
    for event in (Event.LAUNCHED, Event.ANSWERING, Event.PROVED):
        world.hear(EngineCame("m", work.errand.instance, event, ENDPOINT), 10)
    world.decide(10)

    world.decide(69.9)
    kept = phase(world, 69.9)
    world.decide(70)

    assert kept is Phase.READY
    assert phase(world, 70) is Phase.STOPPING


def test_what_was_learned_of_a_load_is_handed_to_whoever_keeps_it(
    catalog: Callable[..., Catalog], session: WritesDown
) -> None:
    kept: list[Fact] = []
    world = world_of(catalog(m={}), kept=kept)
    world.hear(ProxyCame(session, Hello(proxy=session.proxy)), 0)
    want(world, session)
    (work,) = world.decide(0)
    assert isinstance(work, BringUp)
    for event in (Event.LAUNCHED, Event.ANSWERING, Event.PROVED):
        world.hear(EngineCame("m", work.errand.instance, event, ENDPOINT), 42)

    assert SpanMeasured(work.errand.spec_hash, Span.LOAD, 42) in kept
    assert [fact.run.logged for fact in kept if isinstance(fact, RunWas)] == [False, True, True]
    phases = [fact.event.data["after"] for fact in kept if isinstance(fact, Happened) and fact.event.model]
    assert phases == ["starting", "loading", "warming", "ready"]


def test_what_a_run_held_at_most_is_its_need_the_next_time(
    catalog: Callable[..., Catalog], session: WritesDown
) -> None:
    reading = Reading((gpu("GPU-0"),), 64_000, 60_000)
    kept: list[Fact] = []
    world = world_of(catalog(m={"idle_unload_s": 60}), reading=reading, kept=kept)
    world.hear(ProxyCame(session, Hello(proxy=session.proxy)), 0)
    instance = bring_to_ready(world, session)
    assert world.statuses(0)[0].claim_mib is None
    world.hear(Measured(reading, {instance: {"GPU-0": 9_000}}), 1)
    world.hear(Measured(reading, {instance: {"GPU-0": 7_000}}), 2)
    world.hear(ProxyWent(session), 3)
    world.decide(6)
    world.decide(100)
    world.hear(EngineGone("m", instance, Exit(0)), 101)

    world.hear(Measured(reading), 150)
    again = WritesDown("again")
    world.hear(ProxyCame(again, Hello(proxy="again")), 200)
    want(world, again, "t2", 200)
    world.decide(200)

    assert world.statuses(200)[0].claim_mib == 9_000
    assert MemoryMeasured(instance_hash(kept), "Card", 9_000) in kept


def instance_hash(kept: list[Fact]) -> str:
    return next(fact.spec_hash for fact in kept if isinstance(fact, SpanMeasured))


def test_an_engine_that_runs_out_of_memory_beside_others_gets_a_gpu_of_its_own_once_and_without_blame(
    catalog: Callable[..., Catalog], session: WritesDown
) -> None:
    reading = Reading((gpu("GPU-0"),), 64_000, 60_000)
    world = world_of(catalog(m={"vram_mib": 5_000}, other={"vram_mib": 5_000}), reading=reading)
    world.hear(ProxyCame(session, Hello(proxy=session.proxy)), 0)
    bring_to_ready(world, session)
    world.hear(Measured(reading), 1)
    want(world, session, "o", model="other")
    (work,) = world.decide(1)
    assert isinstance(work, BringUp)

    world.hear(EngineGone("other", work.errand.instance, Exit(1, ("CUDA out of memory",))), 2)
    (granted,) = session.of_kind("granted")
    world.hear(ProxySaid(session, InFlight(model="m", grant=granted.grant, n=0, idle_s=60)), 2)
    world.decide(2)

    statuses = {status.name: status for status in world.statuses(2)}
    assert statuses["m"].phase is Phase.DRAINING
    assert statuses["other"].retry_in_s is None


def test_who_waits_for_a_model_whose_port_was_taken_gets_it_at_another(
    world: World, session: WritesDown
) -> None:
    want(world, session)
    (work,) = world.decide(0)
    assert isinstance(work, BringUp)

    world.hear(EngineGone("m", work.errand.instance, Exit(1, ("OSError: Address already in use",))), 1)
    (again,) = world.decide(1)

    assert isinstance(again, BringUp)
    assert not session.of_kind("refused")


def test_a_model_that_gets_no_port_twice_rests(world: World, session: WritesDown) -> None:
    want(world, session)
    for now in (0, 1):
        (work,) = world.decide(now)
        assert isinstance(work, BringUp)
        world.hear(
            EngineGone("m", work.errand.instance, Exit(1, ("OSError: Address already in use",))), now + 1
        )

    assert world.decide(2) == ()
    (refused,) = session.of_kind("refused")
    assert "Address already in use" in refused.error.message


def test_who_made_room_for_whom_is_told(catalog: Callable[..., Catalog], session: WritesDown) -> None:
    kept: list[Fact] = []
    reading = Reading((gpu("GPU-0"),), 64_000, 60_000)
    world = world_of(catalog(m={}, other={}), reading=reading, kept=kept)
    world.hear(ProxyCame(session, Hello(proxy=session.proxy)), 0)
    bring_to_ready(world, session)
    (granted,) = session.of_kind("granted")
    world.hear(ProxySaid(session, InFlight(model="m", grant=granted.grant, n=0, idle_s=60)), 100)
    want(world, session, "o", 100, "other")
    world.decide(100)
    world.hear(ProxySaid(session, Drained(model="m", grant=granted.grant)), 101)
    world.decide(101)

    told = [fact.event for fact in kept if isinstance(fact, Happened)]
    (made_room,) = [event for event in told if event.kind is EventKind.MADE_ROOM]
    assert (made_room.model, made_room.data) == ("m", {"for_model": "other", "how": "stop"})
    assert told[0].kind is EventKind.MANAGER


def on_a_card(session: WritesDown, catalog: Callable[..., Catalog], kept: list[Fact] | None = None) -> World:
    model = {"vram_mib": 9_000, "extra_args": ["--naps"]}
    world = world_of(
        catalog(m=model), reading=Reading((gpu(),), ram_total_mib=64_000, ram_available_mib=60_000), kept=kept
    )
    world.hear(ProxyCame(session, Hello(proxy=session.proxy)), 0)
    return world


def fall_asleep(world: World, session: WritesDown, instance: str, now: float) -> None:
    world.hear(Asked(Command(Verb.SLEEP, "m"), lambda _: None), now)
    world.decide(now)
    for granted in session.of_kind("granted"):
        world.hear(ProxySaid(session, Drained(model="m", grant=granted.grant)), now)
    world.decide(now)
    world.hear(EngineSlept("m", instance), now)
    world.decide(now)
    assert phase(world, now) is Phase.ASLEEP
    look_again(world, now + 1)


def look_again(world: World, now: float) -> None:
    """What was freed has to show before anything takes it."""
    world.hear(Measured(Reading((gpu(),), ram_total_mib=64_000, ram_available_mib=60_000)), now)


def test_what_a_start_measured_is_told_to_the_next_one(
    session: WritesDown, catalog: Callable[..., Catalog]
) -> None:
    kept: list[Fact] = []
    world = on_a_card(session, catalog, kept)
    instance = bring_to_ready(world, session)

    world.hear(EngineMeasured("m", instance, 5_000), 1)
    world.hear(EngineGone("m", instance, Exit(1)), 100)
    look_again(world, 101)
    want(world, session, "again", 200)

    (work,) = (one for one in world.decide(200) if isinstance(one, BringUp))
    assert work.errand.beside_cache_mib == 5_000
    assert MemoryBesideCache(work.errand.spec_hash, "Card", 5_000) in kept


def test_what_was_measured_is_forgotten_when_it_was_too_little(
    session: WritesDown, catalog: Callable[..., Catalog]
) -> None:
    world = on_a_card(session, catalog)
    instance = bring_to_ready(world, session)
    world.hear(EngineMeasured("m", instance, 5_000), 1)

    world.hear(EngineGone("m", instance, Exit(1, ("torch.OutOfMemoryError: CUDA out of memory.",))), 100)
    look_again(world, 101)
    want(world, session, "again", 200)

    (work,) = (one for one in world.decide(200) if isinstance(one, BringUp))
    assert work.errand.beside_cache_mib is None


def test_f22_a_wake_that_fails_is_followed_by_a_cold_start_and_is_no_failure_of_the_models(
    session: WritesDown, catalog: Callable[..., Catalog]
) -> None:
    world = on_a_card(session, catalog)
    bad = Failure(reason=Reason.SLEEP_FAILED, message="cannot wake m: CUDA out of memory", advice="look")
    stays: list[bool] = []
    now = 0.0
    for _ in range(3):
        instance = bring_to_ready(world, session, now)
        run = world.ground.lives["m"].run
        assert run is not None
        stays.append(run.can_sleep)
        if not run.can_sleep:
            break
        fall_asleep(world, session, instance, now + 100)
        want(world, session, "wakes it", now + 200)
        world.decide(now + 200)
        assert phase(world, now + 200) is Phase.WAKING
        world.hear(EngineFaulted("m", instance, bad), now + 201)
        (ended,) = (one for one in world.decide(now + 201) if isinstance(one, EndRun))
        assert ended.grace_s == 0.0  # it may hang for ever
        world.hear(EngineGone("m", instance, Exit(-9)), now + 202)
        look_again(world, now + 203)
        (started,) = (one for one in world.decide(now + 203) if isinstance(one, BringUp))
        assert session.of_kind("refused") == []
        for event in (Event.LAUNCHED, Event.ANSWERING, Event.PROVED):
            world.hear(EngineCame("m", started.errand.instance, event, ENDPOINT), now + 204)
        world.decide(now + 204)
        world.hear(EngineGone("m", started.errand.instance, Exit(0)), now + 300)
        look_again(world, now + 301)
        now += 1_000

    assert stays == [True, True, False]


@pytest.mark.parametrize("came_to", [[], [Event.LAUNCHED], [Event.LAUNCHED, Event.ANSWERING]])
def test_a_load_that_is_called_off_is_killed_because_vllm_hears_nothing_while_it_loads(
    came_to: list[Event], session: WritesDown, catalog: Callable[..., Catalog]
) -> None:
    world = on_a_card(session, catalog)
    want(world, session)
    (work,) = world.decide(0)
    assert isinstance(work, BringUp)
    for event in came_to:
        world.hear(EngineCame("m", work.errand.instance, event, ENDPOINT), 1)

    world.hear(Asked(Command(Verb.CANCEL, "m"), lambda _: None), 2)

    assert EndRun("m", work.errand.instance, 0.0) in world.decide(2)
