"""What a switch is made of: arithmetic."""

import pytest
from bench.switch.scenes import completed, overlap
from bench.switch.split import Mode, Moments, Part, Row, Switch, parts

STARTED = Moments(
    asked=100.0,
    draining=100.1,
    leaving=100.3,
    left=101.0,
    rising=101.2,
    launched=101.25,
    answering=105.0,
    ready=105.5,
    first=105.6,
)
WOKEN = Moments(
    asked=10.0, draining=10.1, leaving=10.2, left=10.5, rising=10.6, answering=10.9, ready=11.0, first=11.1
)
COLD = Moments(asked=1.0, rising=1.2, launched=1.3, answering=4.0, ready=4.1, first=4.3)


@pytest.mark.parametrize("moments", [STARTED, WOKEN, COLD])
def test_the_parts_are_the_whole_as_the_client_sees_it(moments: Moments) -> None:
    assert sum(parts(moments).values()) == pytest.approx(moments.first - moments.asked)


def test_the_pause_between_the_one_that_left_and_the_one_that_comes_belongs_to_free() -> None:
    assert parts(STARTED)[Part.FREE] == pytest.approx(0.9)


def test_a_wake_has_no_readiness_and_a_cold_start_no_drain() -> None:
    assert Part.READY not in parts(WOKEN)
    assert parts(WOKEN)[Part.RISE] == pytest.approx(0.3)
    assert {Part.DRAIN, Part.FREE}.isdisjoint(parts(COLD))
    assert parts(COLD)[Part.TURN] == pytest.approx(0.2)


def test_ours_is_all_but_what_the_engines_took() -> None:
    switch = Switch({Part.TURN: 0.1, Part.RISE: 2.0}, {Part.RISE: 1.5})

    assert switch.whole_s == pytest.approx(2.1)
    assert switch.engine_s == pytest.approx(1.5)
    assert switch.ours_s == pytest.approx(0.6)


def test_an_engine_that_was_slower_when_it_was_measured_makes_no_other_part_faster() -> None:
    switch = Switch({Part.TURN: 0.1, Part.RISE: 2.0}, {Part.RISE: 9.0, Part.READY: 1.0})

    assert switch.ours_s == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("own", "shared"), [((0, 10), 2), ((5, 6), 1), ((3, 6), 1), ((6, 9), 1), ((8, 9), 0), ((1, 4), 0)]
)
def test_what_an_engine_took_outside_a_part_is_not_of_that_part(own: tuple[int, int], shared: int) -> None:
    assert overlap((5, 7), own) == shared


def test_what_was_seen_in_the_switch_itself_counts_before_what_an_engine_alone_took() -> None:
    switch = Switch({}, {Part.FREE: 1.0})

    assert completed(switch, {Part.FREE: 5.0, Part.CANARY: 2.0}).own == {Part.FREE: 1.0, Part.CANARY: 2.0}


def test_a_row_is_judged_by_its_median_and_by_what_its_mode_may_take() -> None:
    def row(mode: Mode, *ours_s: float) -> Row:
        return Row("a → b", mode, tuple(Switch({Part.TURN: one}, {}) for one in ours_s))

    assert row(Mode.SLEEP, 0.1, 0.14, 9.0).is_kept
    assert not row(Mode.SLEEP, 0.1, 0.2, 0.2).is_kept
    assert row(Mode.STOP, 0.2).is_kept
    assert not row(Mode.COLD, 0.31).is_kept
