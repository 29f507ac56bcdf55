"""The rules of the minute, the day, and what runs at the same time."""

from array import array
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchyard_proxy.access.callers import NO_LIMITS, Limits
from switchyard_proxy.access.tally import DAY_S, DayUse, Limit, Tally, cells_for

MIDNIGHT = 20_000.0 * DAY_S
NOON = MIDNIGHT + DAY_S / 2
TWO_A_MINUTE = Limits(requests_per_minute=2)
TWO_AT_ONCE = Limits(concurrent=2)
HUNDRED_TOKENS = Limits(tokens_per_day=100)

STEPS = st.lists(
    st.tuples(st.floats(0, 70, allow_nan=False) | st.floats(0, 2), st.booleans()), min_size=1, max_size=60
)


def tally(workers: int = 1) -> Tally:
    return Tally(array("q", bytes(8 * cells_for(workers))))


@dataclass
class Client:
    """Asks as often as it is told to, and ends its oldest request before every other time."""

    limits: Limits
    tally: Tally = field(default_factory=tally)
    now: float = NOON
    admitted: list[float] = field(default_factory=list)
    running: int = 0

    def step(self, wait_s: float, ends: bool) -> Limit | None:
        self.now += wait_s
        if ends and self.running:
            self.running -= 1
            self.tally.end(1, self.now)
        reached = self.tally.begin(self.limits, self.now)
        if reached is None:
            self.admitted.append(self.now)
            self.running += 1
        return reached


@given(STEPS, st.integers(1, 5), st.floats(0, 1, exclude_max=True))
def test_no_window_of_a_minute_ever_holds_more_than_the_limit(
    steps: list[tuple[float, bool]], limit: int, offset: float
) -> None:
    client = Client(Limits(requests_per_minute=limit), now=NOON + offset)

    for wait_s, ends in steps:
        client.step(wait_s, ends)

    times = client.admitted
    assert all(later - first >= 60 for first, later in zip(times, times[limit:], strict=False))


@given(STEPS, st.integers(1, 5))
def test_a_request_is_refused_only_if_the_last_61_seconds_were_full(
    steps: list[tuple[float, bool]], limit: int
) -> None:
    client = Client(Limits(requests_per_minute=limit))

    for wait_s, ends in steps:
        reached = client.step(wait_s, ends)

        recent = sum(client.now - at <= 61 for at in client.admitted)
        assert reached is None or recent >= limit


@given(STEPS, st.integers(1, 5))
def test_never_more_than_the_limit_run_at_the_same_time_and_none_is_left_in_the_end(
    steps: list[tuple[float, bool]], limit: int
) -> None:
    client = Client(Limits(concurrent=limit))

    for wait_s, ends in steps:
        client.step(wait_s, ends)
        assert client.running <= limit
        assert client.tally.standing(client.limits, client.now).in_flight == client.running

    while client.running:
        client.running -= 1
        client.tally.end(0, client.now)
    assert client.tally.standing(client.limits, client.now).in_flight == 0


@given(STEPS, st.integers(1, 4))
def test_whoever_waits_as_long_as_it_is_told_is_let_in_and_not_earlier(
    steps: list[tuple[float, bool]], limit: int
) -> None:
    client = Client(Limits(requests_per_minute=limit))

    for wait_s, ends in steps:
        if client.step(wait_s, ends) is not None:
            frees_in_s = client.tally.standing(client.limits, client.now).frees_in_s
            assert 0 < frees_in_s <= 61
            assert client.tally.begin(client.limits, client.now + frees_in_s - 0.01) is Limit.REQUESTS
            assert client.step(frees_in_s, ends=False) is None


def test_a_refused_request_does_not_count() -> None:
    client = Client(TWO_A_MINUTE)
    for _ in range(50):
        client.step(0, ends=False)

    assert client.tally.standing(TWO_A_MINUTE, client.now).minute_requests == 2
    assert client.step(61, ends=False) is None


def test_tokens_count_when_a_request_ends_and_bar_the_next_one() -> None:
    key = tally()
    assert key.begin(HUNDRED_TOKENS, NOON) is None
    assert key.begin(HUNDRED_TOKENS, NOON) is None

    key.end(100, NOON)

    assert key.begin(HUNDRED_TOKENS, NOON) is Limit.TOKENS
    key.end(30, NOON)
    assert key.day_use(NOON) == DayUse(2, 130)


def test_a_new_day_begins_at_midnight_utc() -> None:
    key = tally()
    key.note(100, MIDNIGHT - 1)

    assert key.begin(HUNDRED_TOKENS, MIDNIGHT - 0.001) is Limit.TOKENS
    assert key.begin(HUNDRED_TOKENS, MIDNIGHT) is None


def test_a_request_that_runs_over_midnight_counts_to_the_day_in_which_it_ends() -> None:
    key = tally()
    key.begin(HUNDRED_TOKENS, MIDNIGHT - 10)

    key.end(70, MIDNIGHT + 10)

    assert key.day_use(MIDNIGHT + 10) == DayUse(1, 70)


def test_yesterdays_use_reads_as_nothing_even_before_anything_is_counted_today() -> None:
    key = tally()
    key.note(70, MIDNIGHT - 1)

    assert key.day_use(MIDNIGHT) == DayUse(0, 0)


def test_a_clock_that_is_a_little_behind_takes_nothing_back() -> None:
    key = tally()
    key.begin(TWO_A_MINUTE, NOON)
    key.begin(TWO_A_MINUTE, NOON)
    key.note(100, MIDNIGHT + DAY_S)

    assert key.begin(TWO_A_MINUTE, NOON - 30) is Limit.REQUESTS
    assert key.begin(HUNDRED_TOKENS, NOON - 30) is Limit.TOKENS


@pytest.mark.parametrize("step_s", [-3600 * 24 * 365, 3600 * 24 * 365])
def test_a_clock_that_jumps_bars_nobody_for_longer_than_a_minute(step_s: int) -> None:
    key = tally()
    key.begin(TWO_A_MINUTE, NOON)
    key.begin(TWO_A_MINUTE, NOON)
    key.note(100, NOON)

    assert key.begin(Limits(2, None, 100), NOON + step_s) is None


def test_what_is_restored_adds_nothing_to_what_is_known() -> None:
    key = tally()
    key.note(70, NOON)

    key.restore(DayUse(5, 50), NOON)

    assert key.day_use(NOON) == DayUse(5, 70)


def test_reading_changes_nothing() -> None:
    cells = array("q", bytes(8 * cells_for(1)))
    key = Tally(cells)
    key.begin(TWO_A_MINUTE, NOON)
    before = bytes(cells)

    key.standing(TWO_A_MINUTE, NOON + 1000)
    key.day_use(NOON + 10 * DAY_S)

    assert bytes(cells) == before


def test_a_standing_says_when_what_was_used_comes_back() -> None:
    key = tally()
    key.begin(TWO_A_MINUTE, NOON)
    key.begin(TWO_A_MINUTE, NOON + 20)

    standing = key.standing(TWO_A_MINUTE, NOON + 30.5)

    assert standing.minute_requests == 2
    assert standing.frees_in_s == 30.5
    assert standing.empties_in_s == 50.5
    assert standing.day_ends_in_s == DAY_S / 2 - 30.5


def test_the_workers_requests_add_up() -> None:
    cells = array("q", bytes(8 * cells_for(3)))
    one, three = Tally(cells, 0), Tally(cells, 2)

    assert one.begin(TWO_AT_ONCE, NOON) is None
    assert three.begin(TWO_AT_ONCE, NOON) is None
    assert one.begin(TWO_AT_ONCE, NOON) is Limit.CONCURRENT
    three.end(0, NOON)
    assert one.begin(TWO_AT_ONCE, NOON) is None


def test_without_limits_nothing_is_refused() -> None:
    key = tally()

    assert {key.begin(NO_LIMITS, NOON) for _ in range(1000)} == {None}
