"""What a caller over its limits is told, and that a permit is given back once."""

import pytest

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.access.callers import ANYONE, Caller, Limits, Role
from switchyard_proxy.access.limits import Meter, Permit, Refusal, shown
from switchyard_proxy.access.tally import DAY_S, DayUse
from switchyard_proxy.errors import Refused, tell

NOON = 20_000.5 * DAY_S


def caller(id_: str = "key_1", **limits: int) -> Caller:
    return Caller("laptop", Role.USE, limits=Limits(**limits), id=id_)


def admitted(meter: Meter, who: Caller, now: float = NOON) -> Permit:
    answer = meter.admit(who, now)
    assert not isinstance(answer, Refusal)
    return answer


def refused(meter: Meter, who: Caller, now: float = NOON) -> Refused:
    answer = meter.admit(who, now)
    assert isinstance(answer, Refusal)
    return answer.error()


def test_over_the_requests_of_a_minute_the_client_is_told_the_numbers_and_when() -> None:
    meter, who = Meter(), caller(requests_per_minute=2)
    admitted(meter, who)
    admitted(meter, who, NOON + 20)

    error = refused(meter, who, NOON + 31)

    assert error.code is ErrorCode.RATE_LIMIT_EXCEEDED
    assert "`laptop`: it may make 2 requests a minute and has made 2; try again in 30 s" in str(error)
    assert dict(error.headers) == {
        b"retry-after": b"30",
        b"x-ratelimit-limit-requests": b"2",
        b"x-ratelimit-remaining-requests": b"0",
        b"x-ratelimit-reset-requests": b"50s",
    }
    assert tell(error).status == 429


def test_over_the_tokens_of_the_day_the_client_is_told_not_to_try_again() -> None:
    meter, who = Meter(), caller(tokens_per_day=100)
    admitted(meter, who).done(130, NOON)

    error = refused(meter, who)

    assert "it may use 100 tokens a day and has used 130; the day ends in 12h0m0s" in str(error)
    assert dict(error.headers) == {
        b"retry-after": b"59",
        b"x-should-retry": b"false",
        b"x-ratelimit-limit-tokens": b"100",
        b"x-ratelimit-remaining-tokens": b"0",
        b"x-ratelimit-reset-tokens": b"12h0m0s",
    }


def test_in_the_last_minute_of_the_day_trying_again_is_worth_it() -> None:
    meter, who = Meter(), caller(tokens_per_day=100)
    late = NOON + DAY_S / 2 - 10
    admitted(meter, who, late).done(100, late)

    headers = dict(refused(meter, who, late).headers)

    assert headers[b"retry-after"] == b"10"
    assert b"x-should-retry" not in headers


def test_over_what_may_run_at_the_same_time_the_client_is_told_to_wait_for_one_to_end() -> None:
    meter, who = Meter(), caller(concurrent=1)
    running = admitted(meter, who)

    error = refused(meter, who)
    running.done(5, NOON)

    assert "it may run 1 at the same time and 1 run" in str(error)
    assert dict(error.headers) == {b"retry-after": b"1"}
    admitted(meter, who)


@pytest.mark.parametrize("used_at", [NOON, NOON + 0.999])
@pytest.mark.parametrize("later", [0.0, 0.5, 30.0, 59.9])
def test_retry_after_is_always_from_1_to_59(used_at: float, later: float) -> None:
    meter, who = Meter(), caller(requests_per_minute=1)
    admitted(meter, who, used_at)

    headers = dict(refused(meter, who, used_at + later).headers)

    assert 1 <= int(headers[b"retry-after"]) <= 59


def test_a_permit_that_is_given_back_twice_counts_once() -> None:
    meter, who = Meter(), caller(concurrent=2)
    first, _ = admitted(meter, who), admitted(meter, who)

    first.done(10, NOON)
    first.done(10, NOON)

    admitted(meter, who)
    refused(meter, who)
    assert meter.usage(["key_1"], NOON)["key_1"] == DayUse(requests=1, tokens=10)


def test_one_keys_requests_never_count_against_another() -> None:
    meter = Meter()
    admitted(meter, caller("key_1", concurrent=1))

    admitted(meter, caller("key_2", concurrent=1))


def test_new_limits_of_a_key_hold_for_what_it_has_used_already() -> None:
    meter = Meter()
    for _ in range(3):
        admitted(meter, caller(requests_per_minute=10))

    refused(meter, caller(requests_per_minute=3))


def test_a_caller_with_limits_is_told_in_every_reply_what_is_left() -> None:
    meter, who = Meter(), caller(requests_per_minute=10, tokens_per_day=100)
    admitted(meter, who).done(30, NOON)

    headers = dict(admitted(meter, who).headers(NOON))

    assert headers[b"x-ratelimit-remaining-requests"] == b"8"
    assert headers[b"x-ratelimit-remaining-tokens"] == b"70"


def test_a_caller_without_limits_is_counted_and_never_refused() -> None:
    meter, who = Meter(), Caller("laptop", Role.USE, id="key_1")

    for _ in range(500):
        admitted(meter, who).done(2, NOON)

    assert meter.usage(["key_1"], NOON)["key_1"] == DayUse(requests=500, tokens=1000)
    assert admitted(meter, who).headers(NOON) == ()


def test_a_caller_without_limits_costs_nothing_to_admit() -> None:
    meter = Meter()

    assert admitted(meter, ANYONE) is admitted(meter, ANYONE)


def test_what_was_used_before_a_restart_counts() -> None:
    before, after, who = Meter(), Meter(), caller(tokens_per_day=100)
    admitted(before, who).done(100, NOON)

    after.restore(before.usage(["key_1"], NOON), NOON)

    assert "has used 100" in str(refused(after, who))


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1s"), (59, "59s"), (60, "1m0s"), (3599.5, "1h0m0s"), (18723, "5h12m3s")]
)
def test_times_are_written_as_openai_writes_them(seconds: float, words: str) -> None:
    assert shown(seconds) == words
