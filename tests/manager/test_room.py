"""Who gets which memory, and who makes room for whom: the scheduler's rules on GPUs, each a sentence."""

from collections.abc import Callable, Mapping

import pytest

from switchyard_contracts.catalog import Catalog, Settings
from switchyard_contracts.errors import Reason
from switchyard_contracts.status import Phase
from switchyard_manager.scheduler import (
    Action,
    Drain,
    Gpu,
    Machine,
    Refuse,
    Seen,
    Sleep,
    Standing,
    Start,
    Stop,
    StopReason,
    Wake,
    consider,
    plan,
)

ASKED = frozenset({"p"})
CARD = Gpu("GPU-0", 24_000, reserve_mib=500, used_mib=0)
OTHER = Gpu("GPU-1", 24_000, reserve_mib=500, used_mib=0)
ONE = Machine((CARD,), ram_spare_mib=64_000)
TWO = Machine((CARD, OTHER), ram_spare_mib=64_000)
SETTINGS = Settings(max_wait_s=120, min_resident_s=30, ageing_s=30, load_cancel_grace_s=30)


@pytest.fixture
def models(catalog: Callable[..., Catalog]) -> Catalog:
    return catalog(
        a={}, b={}, c={}, urgent={"priority": 5}, pair={"gpus": 2}, second={"gpus": ["GPU-1"]}, cpu={"gpus": 0}
    )


def decide(models: Catalog, seen: Mapping[str, Seen], machine: Machine = ONE) -> tuple[Action, ...]:
    return plan(models.models, whole(models, seen), machine, SETTINGS)


def whole(models: Catalog, seen: Mapping[str, Seen]) -> dict[str, Seen]:
    return {name: Seen(Phase.STOPPED, ever_started=True) for name in models.models} | dict(seen)


def needs(mib: int) -> dict[str, int]:
    return {"GPU-0": mib, "GPU-1": mib}


def asked(mib: int | None = None, **more: object) -> Seen:
    return Seen(Phase.STOPPED, asking=ASKED, need_mib=needs(mib) if mib else {}, **more)  # type: ignore[arg-type]


def ready(mib: int | None = None, gpu: str = "GPU-0", **more: object) -> Seen:
    said = {"resident_s": 600.0, "idle_s": 100.0, "can_sleep": False} | more
    return Seen(Phase.READY, gpus=(gpu,), claim_mib=mib, **said)  # type: ignore[arg-type]


def busy(mib: int | None = None, gpu: str = "GPU-0", **more: object) -> Seen:
    return ready(mib, gpu, **({"in_flight": 1, "idle_s": 0.0} | more))


def test_a_model_of_which_nothing_is_known_gets_a_gpu_of_its_own(models: Catalog) -> None:
    (start,) = decide(models, {"a": asked()})

    assert start == Start("a", ("GPU-0",), claim_mib=None, share_mib=int(0.92 * 24_000))


def test_models_of_known_size_share_a_gpu(models: Catalog) -> None:
    seen = {"a": ready(10_000), "b": asked(10_000)}

    assert decide(models, seen) == (Start("b", ("GPU-0",), 10_000, 10_000),)


def test_nobody_joins_a_model_that_has_the_gpu_for_itself(models: Catalog) -> None:
    seen = {"a": busy(None, resident_s=5.0), "b": asked(1_000)}

    assert decide(models, seen) == ()


def test_what_a_stranger_holds_is_not_free(models: Catalog) -> None:
    machine = Machine((Gpu("GPU-0", 24_000, reserve_mib=500, used_mib=9_000),))

    (refused,) = decide(models, {"a": asked(15_000)}, machine)

    assert isinstance(refused, Refuse)
    assert refused.shortage is not None
    assert refused.shortage.reason is Reason.VRAM_BUSY


def test_an_engine_that_still_loads_counts_with_all_it_will_take(models: Catalog) -> None:
    loading = Seen(Phase.LOADING, gpus=("GPU-0",), claim_mib=20_000, asking=ASKED)

    assert decide(models, {"a": loading, "b": asked(5_000)}) == ()


def test_an_operators_own_container_that_may_run_already_is_not_kept_out_by_its_own_memory(
    models: Catalog,
) -> None:
    """A manager that begins finds it running, with its memory in use; to start it is to take it as it is."""
    machine = Machine((Gpu("GPU-0", 24_000, reserve_mib=500, used_mib=20_000),))

    assert decide(models, {"a": asked(20_000, may_run=True)}, machine) == (
        Start("a", ("GPU-0",), 20_000, 20_000),
    )
    assert decide(models, {"a": asked(20_000, may_run=True), "b": busy(8_000, resident_s=5.0)}, machine) == ()


def test_what_can_never_fit_is_refused_at_once_and_moves_nobody(models: Catalog) -> None:
    (refused,) = decide(models, {"a": ready(10_000), "b": asked(23_600)})

    assert isinstance(refused, Refuse)
    assert refused.shortage is not None
    assert refused.shortage.reason is Reason.INSUFFICIENT_VRAM


def test_a_model_that_wants_a_gpu_which_is_not_here_is_refused(models: Catalog) -> None:
    (refused,) = decide(models, {"second": asked()})

    assert isinstance(refused, Refuse)
    assert refused.shortage is not None
    assert refused.shortage.reason is Reason.NO_GPU


def test_a_machine_whose_gpus_cannot_be_asked_is_not_one_without(models: Catalog) -> None:
    """A driver that was just updated: what would run on a GPU must not end up on the processor."""
    (refused,) = decide(models, {"a": asked()}, Machine(blind=True))

    assert isinstance(refused, Refuse)
    assert refused.shortage is not None
    assert refused.shortage.reason is Reason.NO_GPU
    assert decide(models, {"a": asked()}, Machine()) == (Start("a"),)


def test_a_model_without_a_gpu_waits_for_none(models: Catalog) -> None:
    seen = {"a": Seen(Phase.LOADING, gpus=("GPU-0",), asking=ASKED), "cpu": asked()}

    assert decide(models, seen) == (Start("cpu"),)


def test_a_tensor_parallel_model_takes_a_set_of_gpus(models: Catalog) -> None:
    assert decide(models, {"pair": asked(10_000)}, TWO) == (Start("pair", ("GPU-0", "GPU-1"), 10_000, 10_000),)


def test_a_named_gpu_is_the_one_that_is_taken(models: Catalog) -> None:
    assert decide(models, {"second": asked(1_000)}, TWO) == (Start("second", ("GPU-1",), 1_000, 1_000),)


def test_a_small_model_goes_where_it_leaves_the_least_behind(models: Catalog) -> None:
    seen = {"a": ready(12_000, "GPU-1"), "b": asked(5_000)}

    assert decide(models, seen, TWO) == (Start("b", ("GPU-1",), 5_000, 5_000),)


def test_nothing_starts_while_another_on_the_gpu_starts(models: Catalog) -> None:
    seen = {"a": Seen(Phase.LOADING, gpus=("GPU-0",), claim_mib=5_000, asking=ASKED), "b": asked(5_000)}

    assert decide(models, seen) == ()


def test_two_starts_of_one_pass_never_share_a_gpu(models: Catalog) -> None:
    actions = decide(models, {"a": asked(5_000), "b": asked(5_000), "c": asked(5_000)}, TWO)

    assert [action.gpus for action in actions if isinstance(action, Start)] in (
        [("GPU-0",), ("GPU-1",)],
        [("GPU-1",), ("GPU-0",)],
    )


def test_nothing_stops_while_another_on_the_gpu_starts(models: Catalog) -> None:
    """A co-tenant that frees memory while vLLM measures makes it abort."""
    seen = {
        "a": Seen(Phase.LOADING, gpus=("GPU-0",), claim_mib=5_000, asking=ASKED),
        "b": Seen(Phase.DRAINING, gpus=("GPU-0",), claim_mib=5_000, leaves_for=StopReason.ROOM),
    }

    assert decide(models, seen) == ()


def test_a_stop_that_failed_keeps_its_memory_and_blocks_its_gpu(models: Catalog) -> None:
    stuck = Seen(Phase.STOP_FAILED, gpus=("GPU-0",), claim_mib=5_000, phase_s=1)

    assert decide(models, {"a": stuck, "b": asked(5_000)}) == ()
    assert decide(models, {"a": stuck, "b": asked(5_000)}, TWO) == (Start("b", ("GPU-1",), 5_000, 5_000),)


def test_a_start_waits_until_the_memory_freed_before_it_is_really_back(models: Catalog) -> None:
    lags = Machine((Gpu("GPU-0", 24_000, reserve_mib=500, used_mib=20_000, released_s=2),))
    back = Machine((Gpu("GPU-0", 24_000, reserve_mib=500, used_mib=300, released_s=3),))

    assert decide(models, {"a": asked(15_000)}, lags) == ()
    assert decide(models, {"a": asked(15_000)}, back) == (Start("a", ("GPU-0",), 15_000, 15_000),)


def test_memory_that_never_comes_back_is_told_after_a_while(models: Catalog) -> None:
    leaked = Machine((Gpu("GPU-0", 24_000, reserve_mib=500, used_mib=20_000, released_s=16),))

    (refused,) = decide(models, {"a": asked(15_000)}, leaked)

    assert isinstance(refused, Refuse)
    assert refused.shortage is not None
    assert refused.shortage.gpus[0].used_mib == 20_000


def test_a_model_of_unknown_size_waits_for_memory_too_but_is_never_refused_for_an_estimate(
    models: Catalog,
) -> None:
    lags = Machine((Gpu("GPU-0", 24_000, used_mib=20_000, foreign_mib=400, released_s=2),))
    late = Machine((Gpu("GPU-0", 24_000, used_mib=20_000, foreign_mib=400, released_s=16),))

    assert decide(models, {"a": asked()}, lags) == ()
    assert [type(action) for action in decide(models, {"a": asked()}, late)] == [Start]


def test_an_idle_model_makes_room(models: Catalog) -> None:
    assert decide(models, {"a": ready(), "b": asked()}) == (Drain("a", StopReason.ROOM, room_for="b"),)


def test_never_moves_out_a_model_mid_request_for_a_newcomer(models: Catalog) -> None:
    assert decide(models, {"a": busy(resident_s=10.0), "b": asked(waited_s=119.0, load_s=60)}) == ()


def test_a_busy_model_is_drained_when_the_one_that_waits_would_wait_too_long(models: Catalog) -> None:
    seen = {"a": busy(resident_s=31.0), "b": asked(waited_s=61.0, load_s=60)}

    assert decide(models, seen) == (Drain("a", StopReason.ROOM, room_for="b"),)


def test_a_busy_model_stays_as_long_as_the_exchange_is_worth(models: Catalog) -> None:
    young = {"a": busy(resident_s=35.0, load_s=10), "b": asked(waited_s=5.0, load_s=10)}
    old = {"a": busy(resident_s=41.0, load_s=10), "b": asked(waited_s=5.0, load_s=10)}

    assert decide(models, young) == ()
    assert decide(models, old) == (Drain("a", StopReason.ROOM, room_for="b"),)


def test_a_busy_model_of_higher_priority_gives_way_only_to_one_that_has_aged_or_is_late(
    models: Catalog,
) -> None:
    fresh = {"urgent": busy(load_s=1), "b": asked(waited_s=50.0, load_s=1)}
    late = {"urgent": busy(load_s=1), "b": asked(waited_s=119.0, load_s=1)}

    assert decide(models, fresh) == ()
    assert decide(models, late) == (Drain("urgent", StopReason.ROOM, room_for="b"),)


def test_a_model_is_left_alone_until_a_proxy_would_have_told_of_its_next_request(models: Catalog) -> None:
    just_now = {"a": ready(idle_s=0.4), "b": asked()}
    a_breath_ago = {"a": ready(idle_s=0.5), "b": asked()}

    assert decide(models, just_now) == ()
    assert decide(models, a_breath_ago) == (Drain("a", StopReason.ROOM, room_for="b"),)


def test_a_model_whose_requests_come_in_quick_succession_is_left_alone_for_longer(models: Catalog) -> None:
    at_work = {"a": ready(idle_s=7.4, load_s=30, follows=1.0), "b": asked()}
    done = {"a": ready(idle_s=7.5, load_s=30, follows=1.0), "b": asked()}

    assert decide(models, at_work) == ()
    assert decide(models, done) == (Drain("a", StopReason.ROOM, room_for="b"),)


def test_a_pinned_model_is_never_moved_out(models: Catalog) -> None:
    (refused,) = decide(models, {"a": ready(pinned=True), "b": asked()})

    assert isinstance(refused, Refuse)
    assert refused.shortage is not None
    assert refused.shortage.reason is Reason.VRAM_BUSY


def test_of_two_idle_models_the_one_goes_that_is_missed_least(models: Catalog) -> None:
    cheap = {"a": ready(10_000, load_s=60), "b": ready(10_000, load_s=5), "c": asked(12_000)}
    stale = {"a": ready(10_000, idle_s=800.0), "b": ready(10_000, idle_s=90.0), "c": asked(12_000)}

    assert decide(models, cheap) == (Drain("b", StopReason.ROOM, room_for="c"),)
    assert decide(models, stale) == (Drain("a", StopReason.ROOM, room_for="c"),)


def test_a_busy_model_never_goes_if_an_idle_one_will_do(models: Catalog) -> None:
    seen = {"a": busy(10_000, load_s=1), "b": ready(10_000, load_s=90, idle_s=3.0), "c": asked(12_000)}

    assert decide(models, seen) == (Drain("b", StopReason.ROOM, room_for="c"),)


def test_no_more_models_go_than_must(models: Catalog) -> None:
    seen = {"a": ready(4_000, idle_s=800.0), "b": ready(16_000, idle_s=50.0), "c": asked(18_000)}

    assert decide(models, seen) == (Drain("b", StopReason.ROOM, room_for="c"),)


def test_nobody_else_is_sent_away_while_one_makes_room_already(models: Catalog) -> None:
    leaving = Seen(Phase.DRAINING, gpus=("GPU-0",), claim_mib=10_000, undrained=1, leaves_for=StopReason.ROOM)

    assert decide(models, {"a": leaving, "b": ready(10_000), "c": asked(12_000)}) == ()


def test_a_draining_model_is_not_revived_by_its_own_new_requests(models: Catalog) -> None:
    leaving = Seen(Phase.DRAINING, gpus=("GPU-0",), undrained=1, asking=ASKED, leaves_for=StopReason.ROOM)

    assert decide(models, {"a": leaving, "b": asked()}) == ()


def test_whom_room_was_made_for_goes_before_a_higher_priority(models: Catalog) -> None:
    seen = {"urgent": asked(waited_s=10.0), "b": asked(waited_s=10.0, promised=True)}

    (start,) = decide(models, seen)

    assert isinstance(start, Start)
    assert start.model == "b"


def test_turns_come_by_priority_and_waiting_adds_to_it(models: Catalog) -> None:
    by_priority = decide(models, {"a": asked(waited_s=20.0), "urgent": asked()})
    by_age = decide(models, {"a": asked(waited_s=80.0, load_s=1), "urgent": asked(load_s=1)})
    late = decide(models, {"a": asked(waited_s=119.5, load_s=1), "urgent": asked(waited_s=1.0, load_s=1)})

    assert [action.model for action in by_priority] == ["urgent"]
    assert [action.model for action in by_age] == ["urgent"]
    assert [action.model for action in late] == ["a"]


def test_the_priority_of_a_request_counts_too(models: Catalog) -> None:
    (start,) = decide(models, {"a": asked(waited_s=5.0), "b": asked(priority=3)})

    assert start.model == "b"


def test_a_load_that_nobody_waits_for_goes_on_until_another_wants_the_room(models: Catalog) -> None:
    def loading(unwanted_s: float) -> Seen:
        return Seen(Phase.LOADING, gpus=("GPU-0",), unwanted_s=unwanted_s)

    assert decide(models, {"a": loading(500)}) == ()
    assert decide(models, {"a": loading(29), "b": asked()}) == ()
    assert decide(models, {"a": loading(30), "b": asked()}) == (Stop("a", StopReason.CANCELLED, room_for="b"),)


def test_a_load_that_somebody_waits_for_is_not_cancelled_for_another(models: Catalog) -> None:
    loading = Seen(Phase.LOADING, gpus=("GPU-0",), asking=ASKED)

    assert decide(models, {"a": loading, "b": asked(waited_s=500.0)}) == ()


def test_a_victim_sleeps_rather_than_stops_while_ram_allows(models: Catalog) -> None:
    drained = Seen(
        Phase.DRAINING,
        gpus=("GPU-0",),
        claim_mib=20_000,
        leaves_for=StopReason.ROOM,
        can_sleep=True,
        ram_mib=20_000,
    )
    little = Machine((CARD,), ram_spare_mib=19_999)
    unknown = Machine((CARD,), ram_spare_mib=None)

    assert decide(models, {"a": drained}) == (Sleep("a", StopReason.ROOM),)
    assert decide(models, {"a": drained}, little) == (Stop("a", StopReason.DRAINED),)
    assert decide(models, {"a": drained}, unknown) == (Stop("a", StopReason.DRAINED),)


def leaves_for_b(rest_mib: int, **more: object) -> Seen:
    said = {"gpus": ("GPU-0",), "claim_mib": 20_000, "leaves_for": StopReason.ROOM, "room_for": "b"} | more
    return Seen(Phase.DRAINING, can_sleep=True, ram_mib=20_000, rest_mib=rest_mib, **said)  # type: ignore[arg-type]


def test_a_victim_whose_rest_would_be_in_the_way_is_stopped_and_does_not_fall_asleep_first(
    models: Catalog,
) -> None:
    b = asked(22_000, promised=True)

    assert decide(models, {"a": leaves_for_b(1_500), "b": b}) == (Sleep("a", StopReason.ROOM),)
    assert decide(models, {"a": leaves_for_b(1_501), "b": b}) == (Stop("a", StopReason.DRAINED),)


def test_what_a_stranger_holds_leaves_no_room_for_a_victims_rest(models: Catalog) -> None:
    b = asked(22_000, promised=True)
    shared = Machine((Gpu("GPU-0", 24_000, 500, used_mib=21_000, foreign_mib=1_000),), ram_spare_mib=64_000)

    assert decide(models, {"a": leaves_for_b(400), "b": b}, shared) == (Sleep("a", StopReason.ROOM),)
    assert decide(models, {"a": leaves_for_b(600), "b": b}, shared) == (Stop("a", StopReason.DRAINED),)


def test_a_victims_rest_is_in_nobodys_way_on_a_gpu_that_the_newcomer_does_not_take(models: Catalog) -> None:
    b = asked(23_000, promised=True)

    assert decide(models, {"a": leaves_for_b(1_500), "b": b}, TWO)[0] == Sleep("a", StopReason.ROOM)


def test_a_victim_falls_asleep_where_another_that_sleeps_already_can_make_the_room(models: Catalog) -> None:
    asleep = Seen(Phase.ASLEEP, gpus=("GPU-0",), claim_mib=1_500, idle_s=900)
    seen = {"a": leaves_for_b(1_500), "b": asked(22_000, promised=True), "c": asleep}

    assert Sleep("a", StopReason.ROOM) in decide(models, seen)


def test_nobody_sleeps_beside_one_that_ran_out_of_memory_beside_others(models: Catalog) -> None:
    b = asked(2_000, promised=True, alone=True)

    assert decide(models, {"a": leaves_for_b(1_500), "b": b}) == (Stop("a", StopReason.DRAINED),)


def test_a_victim_falls_asleep_when_the_one_that_it_left_for_is_not_asked_for_any_more(
    models: Catalog,
) -> None:
    gone = Seen(Phase.STOPPED, need_mib=needs(22_000))

    assert decide(models, {"a": leaves_for_b(5_000), "b": gone}) == (Sleep("a", StopReason.ROOM),)


def test_it_is_told_when_a_turn_comes_by_time_alone(models: Catalog) -> None:
    def soon_s(seen: Mapping[str, Seen]) -> float | None:
        return consider(models.models, whole(models, seen), ONE, SETTINGS).soon_s

    b = asked(20_000)

    assert soon_s({"a": ready(20_000, idle_s=0.1), "b": b}) == pytest.approx(0.4)
    assert soon_s({"a": busy(20_000, resident_s=5.0), "b": b}) == pytest.approx(85.0)
    assert soon_s({"a": Seen(Phase.LOADING, gpus=("GPU-0",), unwanted_s=10.0), "b": b}) == pytest.approx(20.0)
    assert soon_s({"b": asked(20_000, retry_in_s=3.0)}) == pytest.approx(3.0)
    assert soon_s({"a": ready(20_000, idle_s=0.1)}) is None
    assert soon_s({"a": ready(20_000, idle_s=0.5), "b": b}) is None


def test_a_model_that_sleeps_is_woken_where_it_is(models: Catalog) -> None:
    asleep = Seen(Phase.ASLEEP, gpus=("GPU-0",), claim_mib=1_500, need_mib=needs(20_000), asking=ASKED)

    assert decide(models, {"a": asleep}) == (Wake("a"),)


def test_a_wake_needs_room_like_a_start(models: Catalog) -> None:
    asleep = Seen(Phase.ASLEEP, gpus=("GPU-0",), claim_mib=1_500, need_mib=needs(20_000), asking=ASKED)

    assert decide(models, {"a": asleep, "b": ready(10_000)}) == (Drain("b", StopReason.ROOM, room_for="a"),)


def test_what_sleeps_is_stopped_when_its_part_of_the_gpu_is_wanted(models: Catalog) -> None:
    asleep = Seen(Phase.ASLEEP, gpus=("GPU-0",), claim_mib=1_500, idle_s=100)

    assert decide(models, {"a": asleep, "b": asked(23_000)}) == (Stop("a", StopReason.ROOM, room_for="b"),)


def test_what_sleeps_is_stopped_when_ram_is_wanted_the_least_missed_first(models: Catalog) -> None:
    poor = Machine((CARD,), ram_spare_mib=-1)
    seen = {
        "a": Seen(Phase.ASLEEP, gpus=("GPU-0",), claim_mib=1_500, idle_s=10),
        "b": Seen(Phase.ASLEEP, gpus=("GPU-0",), claim_mib=1_500, idle_s=900),
    }

    assert decide(models, seen, poor) == (Stop("b", StopReason.RAM),)


def test_why_a_model_waits_can_be_told(models: Catalog) -> None:
    verdict = consider(models.models, whole(models, {"a": busy(resident_s=5.0), "b": asked()}), ONE, SETTINGS)

    assert verdict.outlook["b"].standing is Standing.BLOCKED
    assert verdict.outlook["b"].in_the_way == ("a",)


def test_a_model_in_line_does_not_hold_up_one_that_fits_beside_it(models: Catalog) -> None:
    seen = {"a": busy(20_000, resident_s=5.0), "b": asked(20_000, waited_s=10.0), "c": asked(2_000)}

    assert decide(models, seen) == (Start("c", ("GPU-0",), 2_000, 2_000),)


def test_a_model_that_is_late_keeps_its_place_in_line(models: Catalog) -> None:
    seen = {"a": busy(20_000, resident_s=5.0), "b": asked(20_000, waited_s=200.0), "c": asked(2_000)}

    assert decide(models, seen) == ()
