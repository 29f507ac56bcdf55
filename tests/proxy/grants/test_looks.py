"""Who only looks at an engine: counted so that it is not stopped under them, and for nothing else."""

from switchyard_contracts.grants import Drained, Granted, InFlight, Revoke, Want
from switchyard_proxy.grants.book import Book
from switchyard_proxy.grants.holdings import NEVER, Admit, Effect, Lease, Send, Ticket

GRANT = Granted(model="m", grant="g1", endpoint="http://e")


def book_with_a_grant() -> Book:
    book = Book(0.0, manager_wait_s=5, report_every_s=0.25)
    book.greet("p", 0.0)
    book.met()
    book.granted(GRANT, 0.0)
    return book


def looking(book: Book, now: float) -> Lease:
    lease = book.take("m", now, looks=True)
    assert lease is not None
    return lease


def sent(effects: tuple[Effect, ...]) -> list[object]:
    return [effect.message for effect in effects if isinstance(effect, Send)]


def test_a_look_is_no_news_and_leaves_the_model_as_idle_as_it_was() -> None:
    book = book_with_a_grant()

    lease = looking(book, 50.0)
    told = sent(book.release(lease, 51.0))
    used = book.take("m", 60.0)
    assert used is not None
    after_use = sent(book.release(used, 61.0))

    assert told == []
    assert book.next_due == NEVER or book.next_due > 60.0
    assert after_use == [InFlight(model="m", grant="g1", n=0, idle_s=0.0)]


def test_who_looks_at_what_this_proxy_has_not_used_yet_says_so_and_is_counted_as_nobody() -> None:
    book = Book(0.0, manager_wait_s=5, report_every_s=0.25)
    book.greet("p", 0.0)
    book.met()

    asked = sent(book.wait(Ticket("t", "m", 1.0, 11.0, looks=True), 1.0))
    granted = book.granted(GRANT, 2.0)

    assert asked == [Want(model="m", ticket="t", deadline_s=10.0, looks=True)]
    assert [effect.lease.looks for effect in granted if isinstance(effect, Admit)] == [True]
    assert InFlight(model="m", grant="g1", n=0, idle_s=0.0) in sent(granted)


def test_a_use_that_ends_while_somebody_looks_is_told_as_the_last_one() -> None:
    book = book_with_a_grant()
    looking(book, 10.0)
    used = book.take("m", 10.0)
    assert used is not None

    told = sent(book.release(used, 12.0))

    assert told == [InFlight(model="m", grant="g1", n=0, idle_s=0.0)]


def test_an_engine_is_not_given_up_under_somebody_who_looks() -> None:
    book = book_with_a_grant()
    lease = looking(book, 10.0)

    at_once = sent(book.revoked(Revoke(model="m", grant="g1"), 11.0))
    in_the_end = sent(book.release(lease, 12.0))

    assert at_once == []
    assert in_the_end == [Drained(model="m", grant="g1")]
