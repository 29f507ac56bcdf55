"""What an account says of the time that a request took."""

from switchyard_proxy.accounting.account import Usage
from tests.proxy.accounting.samples import account


def test_each_span_begins_where_the_last_ended() -> None:
    taken = account(began=50.0, queued=50.5, leased=52.5, first=53.0, ended=56.5)

    assert (taken.queue_s, taken.load_s, taken.first_s, taken.total_s) == (0.5, 2.0, 3.0, 6.5)


def test_what_never_came_has_no_span() -> None:
    refused = account(queued=None, leased=None, first=None, ended=50.1)

    assert (refused.queue_s, refused.load_s, refused.first_s) == (None, None, None)


def test_without_a_line_the_wait_for_the_model_begins_at_once() -> None:
    assert account(began=50.0, queued=None, leased=52.0).load_s == 2.0


def test_tokens_per_second_leave_out_the_wait() -> None:
    assert (
        account(began=50.0, queued=50.5, leased=52.5, ended=56.5, usage=Usage(7, 40)).tokens_per_second == 10.0
    )


def test_what_made_nothing_has_no_rate() -> None:
    assert account(usage=Usage(7, 0)).tokens_per_second is None
    assert account(usage=None).tokens_per_second is None
    assert account(ended=None).tokens_per_second is None
    assert account(queued=56.0, leased=56.5, ended=56.5).tokens_per_second is None
