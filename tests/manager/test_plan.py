"""The scheduler's rules, each a sentence."""

from collections.abc import Callable, Mapping

import pytest

from switchyard_contracts.catalog import Catalog, Model, Settings
from switchyard_contracts.status import Phase
from switchyard_manager.scheduler import (
    Action,
    Check,
    Drain,
    Grant,
    Machine,
    Refuse,
    Seen,
    Start,
    Stop,
    StopReason,
    plan,
)

ASKED = frozenset({"p"})


def decided(
    wanted: Mapping[str, Model], seen: Mapping[str, Seen], machine: Machine | None = None
) -> tuple[Action, ...]:
    """On a machine without a GPU, unless said otherwise; a model that is not seen rests."""
    whole = {name: Seen(Phase.STOPPED, ever_started=True) for name in wanted} | dict(seen)
    return plan(wanted, whole, machine or Machine(), Settings())


@pytest.fixture
def wanted(catalog: Callable[..., Catalog]) -> Catalog:
    return catalog(
        m={"idle_unload_s": 60, "startup_timeout_s": 100},
        pinned={"pinned": True},
        eager={"preload": True},
        hasty={"drain_limit_s": 10},
    )


def test_starts_what_is_asked_for(wanted: Catalog) -> None:
    assert decided(wanted.models, {"m": Seen(Phase.STOPPED, asking=ASKED)}) == (Start("m"),)


def test_starts_nothing_that_nobody_asks_for(wanted: Catalog) -> None:
    assert decided(wanted.models, {"m": Seen(Phase.STOPPED)}) == ()


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.LOADING, Phase.WARMING])
def test_loads_once_however_many_ask(wanted: Catalog, phase: Phase) -> None:
    seen = {"m": Seen(phase, asking=frozenset({"p", "q"}))}

    assert decided(wanted.models, seen) == ()


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.LOADING, Phase.WARMING])
def test_goes_on_loading_when_everyone_who_asked_has_left(wanted: Catalog, phase: Phase) -> None:
    assert decided(wanted.models, {"m": Seen(phase, phase_s=99)}) == ()


def test_stops_a_load_that_takes_too_long_and_shows_no_progress(wanted: Catalog) -> None:
    seen = {"m": Seen(Phase.LOADING, phase_s=100, quiet_s=60, asking=ASKED)}

    assert decided(wanted.models, seen) == (Stop("m", StopReason.STARTUP_TIMEOUT),)


def test_a_slow_load_goes_on_while_it_makes_progress_but_not_for_ever(wanted: Catalog) -> None:
    late = {"m": Seen(Phase.LOADING, phase_s=399, quiet_s=5, asking=ASKED)}
    too_late = {"m": Seen(Phase.LOADING, phase_s=400, quiet_s=5, asking=ASKED)}

    assert decided(wanted.models, late) == ()
    assert decided(wanted.models, too_late) == (Stop("m", StopReason.STARTUP_TIMEOUT),)


def test_grants_to_every_proxy_that_asks_and_holds_nothing(wanted: Catalog) -> None:
    seen = {"m": Seen(Phase.READY, asking=frozenset({"a", "b", "c"}), granted=frozenset({"b"}))}

    assert decided(wanted.models, seen) == (Grant("m", "a"), Grant("m", "c"))


def test_drains_what_has_been_idle_long_enough(wanted: Catalog) -> None:
    assert decided(wanted.models, {"m": Seen(Phase.READY, idle_s=59.9)}) == ()
    assert decided(wanted.models, {"m": Seen(Phase.READY, idle_s=60)}) == (Drain("m", StopReason.IDLE),)


def test_never_drains_a_model_mid_request(wanted: Catalog) -> None:
    assert decided(wanted.models, {"m": Seen(Phase.READY, idle_s=999, in_flight=1)}) == ()


def test_never_drains_a_pinned_model_for_being_idle(wanted: Catalog) -> None:
    assert decided(wanted.models, {"pinned": Seen(Phase.READY, idle_s=1e9, pinned=True)}) == ()


def test_a_draining_model_is_not_revived_by_new_requests(wanted: Catalog) -> None:
    seen = {"m": Seen(Phase.DRAINING, undrained=1, asking=ASKED)}

    assert decided(wanted.models, seen) == ()


def test_stops_only_when_every_grant_is_drained(wanted: Catalog) -> None:
    assert decided(wanted.models, {"m": Seen(Phase.DRAINING, phase_s=1e6, undrained=1)}) == ()
    assert decided(wanted.models, {"m": Seen(Phase.DRAINING)}) == (Stop("m", StopReason.DRAINED),)


def test_stops_waiting_for_a_drain_only_past_the_models_own_limit(wanted: Catalog) -> None:
    assert decided(wanted.models, {"hasty": Seen(Phase.DRAINING, phase_s=14.9, undrained=1)}) == ()

    late = {"hasty": Seen(Phase.DRAINING, phase_s=15, undrained=1)}
    assert decided(wanted.models, late) == (Stop("hasty", StopReason.DRAIN_LIMIT),)


def test_refuses_while_a_failed_model_cools_down_and_tries_again_after(wanted: Catalog) -> None:
    assert decided(wanted.models, {"m": Seen(Phase.FAILED, asking=ASKED, retry_in_s=3)}) == (Refuse("m"),)
    assert decided(wanted.models, {"m": Seen(Phase.FAILED, asking=ASKED)}) == (Start("m"),)


def test_preloads_once_and_does_not_fight_the_idle_unload(wanted: Catalog) -> None:
    assert decided(wanted.models, {"eager": Seen(Phase.STOPPED)}) == (Start("eager"),)
    assert decided(wanted.models, {"eager": Seen(Phase.STOPPED, ever_started=True)}) == ()


def test_a_model_that_left_the_catalog_is_drained_stopped_and_refused(wanted: Catalog) -> None:
    assert decided({}, {"x": Seen(Phase.READY, granted=ASKED)}) == (Drain("x", StopReason.REMOVED),)
    assert decided({}, {"x": Seen(Phase.LOADING)}) == (Stop("x", StopReason.REMOVED),)
    assert decided({}, {"x": Seen(Phase.STOPPED, asking=ASKED)}) == (Refuse("x"),)


def test_a_model_that_left_the_catalog_is_refused_at_once_however_long_its_last_streams_take() -> None:
    last_streams = Seen(Phase.DRAINING, asking=ASKED, undrained=1)
    assert decided({}, {"x": last_streams}) == (Refuse("x"),)
    served = Seen(Phase.READY, asking=ASKED, in_flight=1)
    assert decided({}, {"x": served}) == (Refuse("x"), Drain("x", StopReason.REMOVED))


def test_a_changed_specification_replaces_the_engine_without_cutting_it(wanted: Catalog) -> None:
    assert decided(wanted.models, {"m": Seen(Phase.READY, in_flight=2, outdated=True)}) == (
        Drain("m", StopReason.RECONFIGURED),
    )
    assert decided(wanted.models, {"m": Seen(Phase.LOADING, outdated=True)}) == (
        Stop("m", StopReason.RECONFIGURED),
    )


def test_grants_nothing_on_an_engine_that_a_proxy_found_broken(wanted: Catalog) -> None:
    seen = Seen(Phase.READY, asking=ASKED, suspect=True)

    assert decided(wanted.models, {"m": seen}) == (Check("m"),)


def test_looks_at_a_broken_engine_once_at_a_time(wanted: Catalog) -> None:
    seen = Seen(Phase.READY, asking=ASKED, suspect=True, checking=True)

    assert decided(wanted.models, {"m": seen}) == ()


def test_a_stop_that_failed_refuses_requests_and_is_tried_again(wanted: Catalog) -> None:
    assert decided(wanted.models, {"m": Seen(Phase.STOP_FAILED, asking=ASKED)}) == (Refuse("m"),)
    assert decided(wanted.models, {"m": Seen(Phase.STOP_FAILED, phase_s=30)}) == (
        Stop("m", StopReason.STOP_AGAIN),
    )
