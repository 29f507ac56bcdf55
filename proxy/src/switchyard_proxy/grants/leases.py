"""The book of grants at work: requests get their leases here, and what the book decides is done here.

Everything runs on the event loop, between two awaits, and nothing here waits. What the manager does not hear
while it is away it learns from the greeting when it comes back.
"""

import asyncio
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import assert_never

from switchyard_contracts.errors import ErrorCode
from switchyard_contracts.grants import FromProxy, Granted, Refused, Revoke
from switchyard_proxy.errors import ProxyError, TicketRefused, Unavailable
from switchyard_proxy.grants.book import Book
from switchyard_proxy.grants.holdings import (
    NEVER,
    Admit,
    CutOff,
    Deny,
    Effect,
    Grant,
    Lease,
    ManagerAway,
    Send,
    Ticket,
    TooLate,
)

Outbox = Callable[[FromProxy], None]


@dataclass(slots=True, eq=False)
class Place:
    """A request that waits. `admitted` ends with its lease, or with the reason why there is none."""

    ticket: Ticket
    admitted: asyncio.Future[Lease]
    claimed: bool = False


class Leases:
    """One proxy's leases from one manager, and whoever waits for one."""

    def __init__(self, proxy: str, *, manager_wait_s: float) -> None:
        self.proxy = proxy
        self._loop = asyncio.get_running_loop()
        self._book = Book(self._loop.time(), manager_wait_s=manager_wait_s)
        self._waiting: dict[str, Place] = {}
        self._running: set[Lease] = set()
        self._numbers = itertools.count(1)
        self._outbox: Outbox | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = NEVER
        self._stopped: str | None = None

    @property
    def in_flight(self) -> int:
        return self._book.in_flight

    @property
    def waiting(self) -> int:
        return self._book.waiting

    @property
    def grants(self) -> int:
        return self._book.grants

    def waiting_for(self, model: str) -> int:
        return self._book.waiting_for(model)

    def running_on(self, model: str) -> int | None:
        """How many requests run on the model's grant; None where none is held."""
        return self._book.running_on(model)

    def take(self, model: str, *, looks: bool = False) -> Lease | None:
        """A lease at once, where a grant is held; `looks`: it is no use of the model. Raises `Unavailable`."""
        if self._stopped is not None:
            raise _stopping(self._stopped)
        lease = self._book.take(model, self._loop.time(), looks=looks)
        if lease is not None:
            self._running.add(lease)
            self._set_alarm()
        return lease

    def queue(self, model: str, deadline: float, priority: int = 0, *, looks: bool = False) -> Place:
        """Wait for a grant. Whoever queues must `claim` or `leave`, or both."""
        now = self._loop.time()
        ticket = Ticket(f"{self.proxy}-{next(self._numbers)}", model, now, deadline, priority, looks)
        place = Place(ticket, self._loop.create_future())
        self._waiting[ticket.id] = place
        self._perform(self._book.wait(ticket, now))
        return place

    def extend(self, place: Place, deadline: float) -> None:
        """Another request took the place over, and may wait until then."""
        if deadline > place.ticket.deadline:
            self._perform(self._book.extend(place.ticket, deadline, self._loop.time()))

    def claim(self, place: Place) -> Lease:
        """The lease of a place whose time has come. Raises `ProxyError`."""
        lease = place.admitted.result()
        place.claimed = True
        return lease

    def leave(self, place: Place) -> None:
        """Wait no longer; a lease that came and was not claimed goes back."""
        if self._waiting.pop(place.ticket.id, None) is None:
            return
        admitted = place.admitted
        if not admitted.done():
            admitted.cancel()
        elif not admitted.cancelled() and admitted.exception() is None and not place.claimed:
            self.release(admitted.result())
        self._perform(self._book.give_up(place.ticket))

    def release(self, lease: Lease) -> None:
        """Give a lease back; the second time does nothing."""
        lease.on_cut = None
        self._running.discard(lease)
        self._perform(self._book.release(lease, self._loop.time()))

    def doubt(self, lease: Lease) -> None:
        """The engine was lost on this lease: the manager must look before it is asked again."""
        self._perform(self._book.doubt(lease.grant))

    def stop(self, why: str) -> None:
        """End what runs and what waits, and begin nothing more."""
        self._stopped = why
        for lease in list(self._running):
            _cut(lease, why)
        for place in self._waiting.values():
            if not place.admitted.done():
                place.admitted.set_exception(_stopping(why))

    # The manager's side

    def greet(self, outbox: Outbox) -> None:
        """A connection to the manager stands; what is to be said goes to `outbox`, in order."""
        self._outbox = outbox
        self._perform(self._book.greet(self.proxy, self._loop.time()))

    def met(self) -> None:
        self._book.met()

    def parted(self) -> None:
        self._outbox = None
        self._book.parted(self._loop.time())
        self._set_alarm()

    def granted(self, word: Granted) -> None:
        self._perform(self._book.granted(word, self._loop.time()))

    def revoked(self, word: Revoke) -> None:
        self._perform(self._book.revoked(word, self._loop.time()))

    def refused(self, word: Refused) -> None:
        self._perform(self._book.refused(word))

    # Doing

    def _perform(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(message):
                    if self._outbox is not None:
                        self._outbox(message)
                case Admit(ticket, lease):
                    self._admit(ticket, lease)
                case Deny(ticket, why):
                    self._deny(ticket, _denial(ticket, why))
                case CutOff(lease):
                    _cut(lease, _limit_reached(lease.grant))
                case _:
                    assert_never(effect)
        self._set_alarm()

    def _admit(self, ticket: Ticket, lease: Lease) -> None:
        admitted = self._waiting[ticket.id].admitted
        self._running.add(lease)
        if admitted.done():  # ended a moment ago, and whoever waits has not looked yet
            self.release(lease)
        else:
            admitted.set_result(lease)

    def _deny(self, ticket: Ticket, error: ProxyError) -> None:
        admitted = self._waiting[ticket.id].admitted
        if not admitted.done():
            admitted.set_exception(error)

    def _set_alarm(self) -> None:
        if self._book.next_due >= self._alarm_at:
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = self._book.next_due
        self._alarm = self._loop.call_at(self._alarm_at, self._ring)

    def _ring(self) -> None:
        self._alarm, self._alarm_at = None, NEVER
        self._perform(self._book.due(self._loop.time()))

    def close(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()


def _cut(lease: Lease, why: str) -> None:
    lease.cut = why
    if lease.on_cut is not None:
        lease.on_cut(why)


def _stopping(why: str) -> Unavailable:
    return Unavailable(ErrorCode.OVERLOADED, f"cannot serve the request: {why}")


def _limit_reached(grant: Grant) -> str:
    if not grant.drain_s:
        return "its engine had to stop at once"
    return f"the model had to make room, and the {grant.drain_s:g} s that requests had to finish are over"


def _denial(ticket: Ticket, why: Refused | TooLate | ManagerAway) -> ProxyError:
    match why:
        case Refused(error=error, retry_after_s=retry_after_s):
            return TicketRefused(error, retry_after_s)
        case TooLate(waited_s):
            message = (
                f"cannot answer yet: {ticket.model!r} was not ready within {waited_s:.0f} s; the load goes on"
            )
            return Unavailable(ErrorCode.MODEL_LOAD_TIMEOUT, message, retry_after_s=30)
        case ManagerAway():
            message = f"cannot get {ticket.model!r}: the proxy cannot reach the manager; see that it runs"
            return Unavailable(ErrorCode.MANAGER_UNAVAILABLE, message)
        case _:
            assert_never(why)
