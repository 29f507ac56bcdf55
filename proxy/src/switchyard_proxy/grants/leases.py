"""The book of grants at work: requests await a lease here, and what the book decides is done here.

Everything runs on the event loop, between two awaits; only `acquire` waits. What the manager does not hear
while it is away it learns from the greeting when it comes back.
"""

import asyncio
import itertools
from collections.abc import Callable, Iterable
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


class Leases:
    """One proxy's leases and whoever waits for one."""

    def __init__(self, proxy: str, *, load_wait_s: float, manager_wait_s: float) -> None:
        self.proxy = proxy
        self._load_wait_s = load_wait_s
        self._loop = asyncio.get_running_loop()
        self._book = Book(self._loop.time(), manager_wait_s=manager_wait_s)
        self._waiting: dict[str, asyncio.Future[Lease]] = {}
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

    def deadline(self) -> float:
        """Until when a request that comes now may wait for its model."""
        return self._loop.time() + self._load_wait_s

    async def acquire(self, model: str, deadline: float) -> Lease:
        """A lease at once where a grant is held, else when one comes. Raises `ProxyError`."""
        if self._stopped is not None:
            raise _stopping(self._stopped)
        now = self._loop.time()
        lease = self._book.take(model, now)
        if lease is None:
            return await self._queue(model, now, deadline)
        self._running.add(lease)
        self._set_alarm()
        return lease

    async def _queue(self, model: str, now: float, deadline: float) -> Lease:
        ticket = Ticket(f"{self.proxy}-{next(self._numbers)}", model, now, deadline)
        admitted: asyncio.Future[Lease] = self._loop.create_future()
        self._waiting[ticket.id] = admitted
        self._perform(self._book.wait(ticket, now))
        try:
            return await admitted
        except BaseException:
            if admitted.done() and not admitted.cancelled() and admitted.exception() is None:
                self.release(admitted.result())  # it was served in the moment it left
            self._perform(self._book.give_up(ticket))
            raise
        finally:
            del self._waiting[ticket.id]

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
        for admitted in self._waiting.values():
            if not admitted.done():
                admitted.set_exception(_stopping(why))

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
        admitted = self._waiting[ticket.id]
        self._running.add(lease)
        if admitted.done():  # cancelled a moment ago, and not yet run
            self.release(lease)
        else:
            admitted.set_result(lease)

    def _deny(self, ticket: Ticket, error: ProxyError) -> None:
        admitted = self._waiting[ticket.id]
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
