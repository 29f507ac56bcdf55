"""The book of grants: what it decides, step by step, and what holds whatever the order of things."""

from collections import Counter

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from switchyard_contracts.errors import ErrorBody, ErrorCode
from switchyard_contracts.grants import (
    Broken,
    Drained,
    FromProxy,
    Granted,
    Held,
    Hello,
    InFlight,
    Refused,
    Revoke,
    Unwant,
    Want,
)
from switchyard_proxy.grants.book import Book
from switchyard_proxy.grants.holdings import (
    NEVER,
    Admit,
    CutOff,
    Deny,
    Effect,
    Lease,
    ManagerAway,
    Send,
    Ticket,
    TooLate,
)

OTHER_ERROR = ErrorBody.of(ErrorCode.MODEL_LOAD_FAILED, "cannot start it: no")


def met_book(now: float = 0.0) -> Book:
    book = Book(now, manager_wait_s=5, report_every_s=0.25)
    book.greet("p", now)
    book.met()
    return book


def granted(model: str = "m", grant: str = "g1") -> Granted:
    return Granted(model=model, grant=grant, endpoint="http://e")


def ticket(number: int = 1, model: str = "m", since: float = 0.0, deadline: float = 600.0) -> Ticket:
    return Ticket(f"t{number}", model, since, deadline)


def sent(effects: tuple[Effect, ...]) -> list[FromProxy]:
    return [effect.message for effect in effects if isinstance(effect, Send)]


def leases(effects: tuple[Effect, ...]) -> list[Lease]:
    return [effect.lease for effect in effects if isinstance(effect, Admit)]


def taken(book: Book, now: float = 0.0, model: str = "m") -> Lease:
    lease = book.take(model, now)
    assert lease is not None
    return lease


def test_gives_no_lease_without_a_grant() -> None:
    book = met_book()

    assert book.take("m", 0) is None


def test_leases_a_held_grant_without_a_message() -> None:
    book = met_book()
    book.granted(granted(), 0)

    lease = taken(book)

    assert lease.grant.endpoint == "http://e"
    assert book.in_flight == 1


def test_asks_the_manager_for_a_ticket_with_the_time_it_has() -> None:
    book = met_book()

    effects = book.wait(ticket(since=1, deadline=31), 1)

    assert sent(effects) == [Want(model="m", ticket="t1", deadline_s=30)]


def test_everyone_who_waits_has_a_lease_in_the_step_in_which_the_grant_comes() -> None:
    book = met_book()
    for number in range(3):
        book.wait(ticket(number), 0)
    book.wait(ticket(9, "other"), 0)

    effects = book.granted(granted(), 1)
    book.revoked(Revoke(model="m", grant="g1"), 1)

    assert len(leases(effects)) == 3
    assert book.in_flight == 3
    assert book.waiting == 1


def test_the_count_is_told_before_the_tickets_are_given_up() -> None:
    book = met_book()
    book.wait(ticket(1), 0)
    book.wait(ticket(2), 0)

    effects = book.granted(granted(), 1)

    assert sent(effects) == [
        InFlight(model="m", grant="g1", n=2),
        Unwant(model="m", ticket="t1"),
        Unwant(model="m", ticket="t2"),
    ]


def test_a_grant_that_comes_when_everyone_has_left_is_told_to_be_idle() -> None:
    """The manager counts the tickets that it granted as running until it is told otherwise."""
    (told,) = met_book().granted(granted(), 0)

    assert told == Send(InFlight(model="m", grant="g1", n=0, idle_s=0.0))


def test_a_ticket_given_up_is_given_up_once() -> None:
    book = met_book()
    book.wait(ticket(), 0)

    first, second = book.give_up(ticket()), book.give_up(ticket())

    assert sent(first) == [Unwant(model="m", ticket="t1")]
    assert second == ()
    assert leases(book.granted(granted(), 1)) == []


def test_an_unused_grant_is_drained_the_moment_it_is_revoked() -> None:
    book = met_book()
    book.granted(granted(), 0)

    effects = book.revoked(Revoke(model="m", grant="g1"), 1)

    assert sent(effects) == [Drained(model="m", grant="g1")]
    assert book.take("m", 1) is None


def test_a_revoked_grant_is_drained_when_its_last_request_ends() -> None:
    book = met_book()
    book.granted(granted(), 0)
    first, second = taken(book), taken(book)

    on_revoke = book.revoked(Revoke(model="m", grant="g1"), 1)
    on_first = book.release(first, 2)
    on_second = book.release(second, 3)

    assert on_revoke == on_first == ()
    assert sent(on_second) == [Drained(model="m", grant="g1")]


def test_a_revoked_grant_gives_no_new_lease_while_it_drains() -> None:
    book = met_book()
    book.granted(granted(), 0)
    taken(book)

    book.revoked(Revoke(model="m", grant="g1"), 1)

    assert book.take("m", 1) is None


def test_says_drained_again_for_a_grant_it_no_longer_knows() -> None:
    assert sent(met_book().revoked(Revoke(model="m", grant="old"), 0)) == [Drained(model="m", grant="old")]


def test_cuts_what_still_runs_at_the_drain_limit_and_not_before() -> None:
    book = met_book()
    book.granted(granted(), 0)
    lease = taken(book)

    book.revoked(Revoke(model="m", grant="g1", drain_s=30), 100)

    assert book.next_due <= 130
    assert not [effect for effect in book.due(129.9) if isinstance(effect, CutOff)]
    assert CutOff(lease) in book.due(130)
    assert not [effect for effect in book.due(131) if isinstance(effect, CutOff)]


def test_without_a_drain_limit_nothing_is_ever_cut() -> None:
    book = met_book()
    book.granted(granted(), 0)
    taken(book)

    book.revoked(Revoke(model="m", grant="g1"), 100)

    assert not [effect for effect in book.due(1e9) if isinstance(effect, CutOff)]


def test_a_lease_given_back_twice_is_given_back_once() -> None:
    book = met_book()
    book.granted(granted(), 0)
    first, _ = taken(book), taken(book)

    book.release(first, 1)
    book.release(first, 1)

    assert book.in_flight == 1


def test_a_new_grant_takes_the_place_of_the_old_one_which_drains() -> None:
    book = met_book()
    book.granted(granted(grant="g1"), 0)
    old = taken(book)

    book.granted(granted(grant="g2"), 1)

    assert taken(book).grant.id == "g2"
    assert sent(book.release(old, 2)) == [Drained(model="m", grant="g1")]


def test_a_drained_grant_is_not_taken_for_the_new_one() -> None:
    book = met_book()
    book.granted(granted(grant="g1"), 0)
    old = taken(book)
    book.revoked(Revoke(model="m", grant="g1"), 1)
    book.granted(granted(grant="g2"), 2)

    book.release(old, 3)

    assert taken(book, 3).grant.id == "g2"


def test_a_grant_that_the_manager_names_again_is_held_again_and_not_cut() -> None:
    book = met_book()
    book.granted(granted(), 0)
    taken(book)
    book.revoked(Revoke(model="m", grant="g1", drain_s=5), 1)

    book.granted(granted(), 2)

    assert taken(book, 2).grant.id == "g1"
    assert not [effect for effect in book.due(100) if isinstance(effect, CutOff)]


def test_a_lost_engine_is_reported_once_and_not_used_again() -> None:
    book = met_book()
    book.granted(granted(), 0)
    first, second = taken(book), taken(book)

    told = [*sent(book.doubt(first.grant)), *sent(book.doubt(second.grant))]

    assert told == [Broken(model="m", grant="g1")]
    assert book.take("m", 0) is None


def test_a_doubted_grant_is_drained_when_its_last_request_ends() -> None:
    book = met_book()
    book.granted(granted(), 0)
    lease = taken(book)
    book.doubt(lease.grant)

    assert sent(book.release(lease, 1)) == [Drained(model="m", grant="g1")]


def test_a_loss_on_a_revoked_grant_is_no_news() -> None:
    book = met_book()
    book.granted(granted(), 0)
    lease = taken(book)
    book.revoked(Revoke(model="m", grant="g1"), 1)

    assert book.doubt(lease.grant) == ()


def test_a_refused_ticket_is_denied_with_the_managers_words() -> None:
    book = met_book()
    book.wait(ticket(), 0)
    word = Refused(model="m", ticket="t1", error=OTHER_ERROR)

    assert book.refused(word) == (Deny(ticket(), word),)
    assert book.refused(word) == ()
    assert book.waiting == 0


def test_a_ticket_waits_until_its_deadline() -> None:
    book = met_book()
    book.wait(ticket(since=10, deadline=40), 10)

    early, late = book.due(39.9), book.due(40)

    assert early == ()
    assert late[0] == Deny(ticket(since=10, deadline=40), TooLate(30))
    assert sent(late) == [Unwant(model="m", ticket="t1")]


def test_with_the_manager_away_a_ticket_waits_only_a_little() -> None:
    book = met_book()
    book.wait(ticket(), 0)

    book.parted(100)

    assert book.next_due == 105
    assert book.due(104.9) == ()
    assert Deny(ticket(), ManagerAway()) in book.due(105)


def test_a_ticket_that_comes_while_the_manager_is_away_has_its_own_little_wait() -> None:
    book = met_book()
    book.parted(100)
    late = ticket(since=200)

    book.wait(late, 200)

    assert book.due(204) == ()
    assert Deny(late, ManagerAway()) in book.due(205)


def test_a_manager_that_comes_back_in_time_saves_the_ticket() -> None:
    book = met_book()
    book.wait(ticket(), 0)
    book.parted(100)

    book.greet("p", 103)
    book.met()

    assert book.due(110) == ()
    assert len(leases(book.granted(granted(), 111))) == 1


def test_greets_with_what_it_holds_what_it_doubts_and_who_waits() -> None:
    book = met_book()
    book.granted(granted("m", "g1"), 0)
    book.granted(granted("n", "g2"), 0)
    taken(book)
    doubted = taken(book, model="n")
    book.doubt(doubted.grant)
    book.wait(ticket(1, "n", deadline=50), 0)
    book.parted(1)

    said = sent(book.greet("p", 20))

    assert said == [
        Hello(
            proxy="p",
            holds=(Held(model="m", grant="g1", in_flight=1), Held(model="n", grant="g2", in_flight=1)),
        ),
        Broken(model="n", grant="g2"),
        Want(model="n", ticket="t1", deadline_s=30),
    ]


def test_keeps_its_grants_while_the_manager_is_away() -> None:
    book = met_book()
    book.granted(granted(), 0)

    book.parted(1)

    assert taken(book, 1000).grant.id == "g1"


def test_a_request_longer_than_the_interval_is_told_to_have_ended_at_once() -> None:
    book = met_book()
    book.granted(granted(), 0)
    lease = taken(book, 1.0)
    running = book.due(1.25)

    ended = book.release(lease, 9.0)

    assert sent(running) == [InFlight(model="m", grant="g1", n=1)]
    assert sent(ended) == [InFlight(model="m", grant="g1", n=0)]


def test_short_requests_in_a_row_cost_one_message_an_interval() -> None:
    book = met_book()
    book.granted(granted(), 0)
    messages = []

    for step in range(1000):
        now = 1 + step / 1000
        lease = taken(book, now)
        messages += sent(book.release(lease, now))
        if book.next_due <= now:
            messages += sent(book.due(now))

    assert len(messages) <= 5


def test_the_count_is_told_even_if_it_fell_within_the_interval() -> None:
    book = met_book()
    book.granted(granted(), 0)
    first = taken(book, 1.0)
    book.release(first, 1.0)
    second = taken(book, 1.1)

    silent = book.release(second, 1.2)

    assert silent == ()
    assert sent(book.due(book.next_due)) == [InFlight(model="m", grant="g1", n=0, idle_s=book_idle(1.2))]


def book_idle(since: float) -> float:
    """From the last release until the report, which is an interval after the report before."""
    return 1.25 - since


PICKS = st.integers(0, 10**6)


class Wanderings(RuleBasedStateMachine):
    """Any order of requests and of words from the manager; beside the book, plain sets say what must be so."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.book = Book(0.0, manager_wait_s=5, report_every_s=0.25)
        self.numbers = 0
        self.waiting: dict[str, Ticket] = {}
        self.leases: list[Lease] = []
        self.named: list[tuple[str, str]] = []
        self.shut: set[str] = set()
        self.drained: Counter[str] = Counter()

    def do(self, effects: tuple[Effect, ...]) -> None:
        """Carry out what the book asks, and check each step against what may be."""
        for effect in effects:
            match effect:
                case Admit(ticket, lease):
                    assert self.waiting.pop(ticket.id) is ticket
                    self.leased(lease)
                case Deny(ticket, why):
                    assert self.waiting.pop(ticket.id) is ticket
                    assert isinstance(why, Refused) or self.now > ticket.since
                case CutOff(lease):
                    assert lease in self.leases
                    assert lease.grant.id in self.shut
                case Send(Drained(grant=grant)):
                    assert self.running_on(grant) == 0
                    self.drained[grant] += 1
                case Send():
                    pass

    def leased(self, lease: Lease) -> None:
        assert lease.grant.id not in self.shut, "a lease on a revoked grant"
        self.leases.append(lease)

    def running_on(self, grant: str) -> int:
        return sum(lease.grant.id == grant for lease in self.leases)

    @rule(model=st.sampled_from("ab"))
    def the_manager_grants(self, model: str) -> None:
        self.numbers += 1
        grant = f"g{self.numbers}"
        self.named.append((model, grant))
        before = [known for known_model, known in self.named[:-1] if known_model == model]
        self.do(self.book.granted(granted(model, grant), self.now))
        self.shut.update(before)
        assert not [ticket for ticket in self.waiting.values() if ticket.model == model], "forgotten"

    @rule(model=st.sampled_from("ab"), patience_s=st.sampled_from([1.0, 20.0]))
    def a_request_comes(self, model: str, patience_s: float) -> None:
        lease = self.book.take(model, self.now)
        if lease is not None:
            self.leased(lease)
            return
        self.numbers += 1
        ticket = Ticket(f"t{self.numbers}", model, self.now, self.now + patience_s)
        self.waiting[ticket.id] = ticket
        self.do(self.book.wait(ticket, self.now))

    @precondition(lambda self: self.waiting)
    @rule(pick=PICKS, refused=st.booleans())
    def a_waiting_request_ends(self, pick: int, refused: bool) -> None:
        ticket = list(self.waiting.values())[pick % len(self.waiting)]
        if refused:
            word = Refused(model=ticket.model, ticket=ticket.id, error=OTHER_ERROR)
            self.do(self.book.refused(word))
        else:
            del self.waiting[ticket.id]
            self.do(self.book.give_up(ticket))

    @precondition(lambda self: self.leases)
    @rule(pick=PICKS)
    def a_running_request_ends(self, pick: int) -> None:
        lease = self.leases.pop(pick % len(self.leases))
        drained_before = self.drained[lease.grant.id]
        self.do(self.book.release(lease, self.now))
        self.do(self.book.release(lease, self.now))
        last_on_shut = lease.grant.id in self.shut and self.running_on(lease.grant.id) == 0
        assert self.drained[lease.grant.id] == drained_before + last_on_shut

    @precondition(lambda self: self.leases)
    @rule(pick=PICKS)
    def an_engine_is_lost(self, pick: int) -> None:
        grant = self.leases[pick % len(self.leases)].grant
        told = sent(self.book.doubt(grant))
        assert told == ([] if grant.id in self.shut else [Broken(model=grant.model, grant=grant.id)])
        self.shut.add(grant.id)

    @precondition(lambda self: self.named)
    @rule(pick=PICKS, drain_s=st.sampled_from([None, 0.0, 3.0]))
    def the_manager_revokes(self, pick: int, drain_s: float | None) -> None:
        model, grant = self.named[pick % len(self.named)]
        drained_before = self.drained[grant]
        self.shut.add(grant)
        self.do(self.book.revoked(Revoke(model=model, grant=grant, drain_s=drain_s), self.now))
        assert self.drained[grant] == drained_before + (self.running_on(grant) == 0)

    @rule(later_s=st.sampled_from([0.1, 0.25, 1.0, 6.0]))
    def time_passes(self, later_s: float) -> None:
        self.now += later_s
        if self.book.next_due <= self.now:
            self.do(self.book.due(self.now))
        assert self.book.next_due > self.now

    @rule()
    def the_manager_comes(self) -> None:
        hello, *rest = sent(self.book.greet("p", self.now))
        self.book.met()
        assert isinstance(hello, Hello)
        running = Counter(lease.grant.id for lease in self.leases)
        assert {held.grant: held.in_flight for held in hello.holds if held.in_flight} == dict(running)
        assert {word.ticket for word in rest if isinstance(word, Want)} == set(self.waiting)

    @rule()
    def the_manager_goes(self) -> None:
        self.book.parted(self.now)

    @invariant()
    def counts_agree(self) -> None:
        assert self.book.waiting == len(self.waiting)
        assert self.book.in_flight == len(self.leases)

    @invariant()
    def nobody_waits_for_ever(self) -> None:
        assert not self.waiting or self.book.next_due < NEVER


Wanderings.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
TestWanderings = Wanderings.TestCase
