"""Check the checker: with one rule of the manager taken out, the simulation must notice, and name the rule."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from switchyard_contracts.catalog import Model
from switchyard_contracts.status import Phase
from switchyard_manager.scheduler import Action, Grant, Seen, alone, files, room, turns
from switchyard_manager.scheduler.ledger import Ledger
from switchyard_manager.scheduler.plan import _Pass
from switchyard_manager.scheduler.seen import Files
from switchyard_manager.supervise import engine_news, recording
from tests.simulation.evenings import Seeded, calm_evening, rough_evening
from tests.simulation.invariants import Broken, Rule
from tests.simulation.scenario import Ask, GpuPlan, ModelPlan, Scenario
from tests.simulation.simulator import Simulation

EVENINGS = 80

Patch = Callable[[pytest.MonkeyPatch], None]
DRAINING, SERVING, MAY_LEAVE = alone._draining, alone._serving, turns.may_leave
MAY_START = turns.may_start


def what_breaks(kind: Callable[[Seeded], Scenario]) -> set[Rule]:
    """The first rule that is broken on any evening of a kind."""
    for seed in range(EVENINGS):
        try:
            Simulation(kind(Seeded(seed))).run()
        except Broken as found:
            return {found.rule}
    return set()


def drains_without_waiting(patch: pytest.MonkeyPatch) -> None:
    def hasty(name: str, model: Model | None, view: Seen, ledger: Ledger) -> Iterator[Action]:
        return DRAINING(name, model, replace(view, undrained=0), ledger)

    patch.setattr(alone, "_draining", hasty)


def revives_what_drains(patch: pytest.MonkeyPatch) -> None:
    def generous(name: str, model: Model | None, view: Seen, ledger: Ledger) -> Iterator[Action]:
        yield from (Grant(name, proxy) for proxy in sorted(view.asking))
        if not view.asking:
            yield from DRAINING(name, model, view, ledger)

    patch.setattr(alone, "_draining", generous)


def moves_many_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Ledger, "is_moving", lambda *_, **__: False)
    patch.setattr(Ledger, "is_blocked", lambda *_, **__: False)


def believes_that_all_fits(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Ledger, "fits", lambda *_, **__: True)


def forgets_to_whom_room_was_promised(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(recording, "_promise", lambda *_: None)
    patch.setattr(_Pass, "_keep", lambda *_: None)


def moves_out_the_pinned(patch: pytest.MonkeyPatch) -> None:
    def rude(victim: Seen, *rest: Any) -> bool:
        return MAY_LEAVE(replace(victim, pinned=False), *rest)

    patch.setattr(room, "may_leave", rude)


def knows_no_residence(patch: pytest.MonkeyPatch) -> None:
    def restless(victim: Seen, *_: Any) -> bool:
        return victim.phase is Phase.READY and not victim.pinned

    patch.setattr(room, "may_leave", restless)


def forgets_to_grant(patch: pytest.MonkeyPatch) -> None:
    def silent(*told: Any) -> Iterator[Action]:
        return (action for action in SERVING(*told) if not isinstance(action, Grant))

    patch.setattr(alone, "_serving", silent)


def forgets_what_it_decided(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(recording, "_start", lambda *_: None)


def believes_old_measurements(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Ledger, "could_fit", Ledger.fits)


def leaves_sleepers_who_are_asked_for(patch: pytest.MonkeyPatch) -> None:
    def polite(victim: Seen, *rest: Any) -> bool:
        return not (victim.phase is Phase.ASLEEP and victim.asking) and MAY_LEAVE(victim, *rest)

    patch.setattr(room, "may_leave", polite)


def takes_no_notice_of_ends(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(engine_news, "_gone", lambda *_: None)


def starts_before_the_files_are_here(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(turns, "may_start", lambda view: MAY_START(replace(view, files=Files.HERE)))


def downloads_all_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(files, "AT_ONCE", 99)


def calls_off_what_somebody_waits_for(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(files, "_may_go", lambda *_: True)


@pytest.mark.parametrize(
    ("mutant", "kind", "rules"),
    [
        (drains_without_waiting, calm_evening, {Rule.BUSY_IS_LEFT_ALONE}),
        (revives_what_drains, calm_evening, {Rule.NOT_REVIVED}),
        (moves_many_at_once, calm_evening, {Rule.ONE_MOTION}),
        (believes_that_all_fits, calm_evening, {Rule.CLAIMS_FIT, Rule.WHOLE_IS_ALONE}),
        (forgets_to_whom_room_was_promised, calm_evening, {Rule.ROOM_AS_PROMISED}),
        (moves_out_the_pinned, rough_evening, {Rule.PINNED_STAYS}),
        (knows_no_residence, calm_evening, {Rule.STAYS_ITS_TIME}),
        (forgets_to_grant, calm_evening, {Rule.READY_SERVES}),
        (forgets_what_it_decided, calm_evening, {Rule.TO_AN_END}),
        (believes_old_measurements, calm_evening, {Rule.NOT_REFUSED}),
        (starts_before_the_files_are_here, calm_evening, {Rule.FILES_FIRST}),
        (downloads_all_at_once, calm_evening, {Rule.FEW_DOWNLOADS}),
        (calls_off_what_somebody_waits_for, calm_evening, {Rule.WANTED_IS_FETCHED}),
        (takes_no_notice_of_ends, calm_evening, {Rule.ONE_RUN, Rule.AT_REST, Rule.IN_TIME}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_manager_without_one_of_its_rules_is_found_out(
    mutant: Patch, kind: Callable[[Seeded], Scenario], rules: set[Rule], monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant(monkeypatch)

    assert what_breaks(kind) & rules


def a_sleeper_in_the_way() -> Scenario:
    """One sleeps on a little of the GPU and is asked for; another needs all of it, and its turn has come."""
    small = ModelPlan("small", 8_000, sleepy=True, idle_unload_s=60.0, asleep_mib=1_500, load_s=10.0)
    large, other = ModelPlan("large", 23_000), ModelPlan("other", 8_000, load_s=100.0)
    asks = (Ask(1.0, "small"), Ask(70.0, "other"), Ask(80.0, "large"), Ask(100.0, "small"), Ask(400.0, "other"))
    return Scenario((small, large, other), (GpuPlan(24_000),), asks)


def test_a_sleeper_and_one_whose_turn_has_come_do_not_wait_for_each_other() -> None:
    outcome = Simulation(a_sleeper_in_the_way()).run()

    assert len(outcome.waits) == len(outcome.requests)


def test_it_would_be_noticed_if_they_did(monkeypatch: pytest.MonkeyPatch) -> None:
    leaves_sleepers_who_are_asked_for(monkeypatch)

    with pytest.raises(Broken) as found:
        Simulation(a_sleeper_in_the_way()).run()

    assert found.value.rule in {Rule.AT_REST, Rule.IN_TIME}
