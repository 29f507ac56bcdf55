"""One thread runs the model; the event loop only waits. No model call may happen anywhere else.

Work is a function of its `Ticket`. It runs on the worker thread, in the order of arrival, one at a time; what
it sends through the ticket arrives on the event loop. A ticket is settled once: by its work, by `cancel`, or
because the worker closes. Whoever waits hears of it at once, even while the thread is still busy; the work
itself notices at its next `check`.

The thread is a daemon: a load inside a library cannot be interrupted, and must not keep the process alive.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from switchyard_image_server.errors import (
    Cancelled,
    OutOfMemory,
    QueueFull,
    ServerError,
    Stopping,
    as_server_error,
)

logger = logging.getLogger(__name__)

Event = TypeVar("Event")
LONGEST_RETRY_S = 59  # some clients ignore a Retry-After of a minute or more


@dataclass(frozen=True, slots=True)
class _End:
    """The last thing a ticket delivers."""

    error: BaseException | None


class Ticket(Generic[Event]):
    """One request, waiting or running: `check` and `send` belong to the worker, the rest to the event loop."""

    def __init__(self, work: "Callable[[Ticket[Event]], None]", withdraw: "Callable[[Ticket[Event]], None]"):
        self._work = work
        self._withdraw = withdraw
        self._loop = asyncio.get_running_loop()
        self._delivered: asyncio.Queue[Event | _End] = asyncio.Queue()
        self._given_up = threading.Event()

    @property
    def cancelled(self) -> bool:
        return self._given_up.is_set()

    def check(self) -> None:
        """Leave the work if nobody waits for it any more."""
        if self._given_up.is_set():
            raise Cancelled

    def send(self, event: Event) -> None:
        self._deliver(event)

    def cancel(self, reason: ServerError | None = None) -> None:
        """Nobody wants this any more: give up the place in the queue, or stop at the next check."""
        self._given_up.set()
        self._withdraw(self)
        self._deliver(_End(reason or Cancelled()))

    async def events(self) -> AsyncIterator[Event]:
        """Everything the work sends, then what it raised, if it raised."""
        while not isinstance(event := await self._delivered.get(), _End):
            yield event
        if event.error is not None:
            raise event.error

    def run(self) -> ServerError | None:
        """On the worker thread: do the work, deliver how it ended. Never raises."""
        error: ServerError | Cancelled | None = None
        try:
            self.check()
            self._work(self)
        except Cancelled as left:
            error = left
        except BaseException as fault:  # a library that exits must not take the worker along
            error = as_server_error(fault)
            if error is not fault:
                logger.exception("a request failed")
        self._deliver(_End(error))
        return error if isinstance(error, ServerError) else None

    def _deliver(self, item: Event | _End) -> None:
        try:
            self._loop.call_soon_threadsafe(self._delivered.put_nowait, item)
        except RuntimeError:
            logger.debug("nobody is left to hear of a finished request")


class Worker:
    """The thread and its queue. `limit` bounds those that wait, not the one that runs."""

    def __init__(self, limit: int, clock: Callable[[], float], free_memory: Callable[[], None]) -> None:
        self._limit = limit
        self._clock = clock
        self._free_memory = free_memory
        self._changed = threading.Condition()
        self._waiting: deque[Ticket[Any]] = deque()
        self._running: Ticket[Any] | None = None
        self._closing = False
        self._usual_s = 1.0
        self._thread = threading.Thread(target=self._run, name="gpu-worker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, work: Callable[[Ticket[Event]], None]) -> Ticket[Event]:
        """From the event loop: queue the work, or refuse at once."""
        ticket = Ticket(work, self._forget)
        with self._changed:
            if self._closing:
                raise Stopping
            if len(self._waiting) >= self._limit:
                raise QueueFull(
                    f"cannot queue the request: {len(self._waiting)} are waiting already (limit {self._limit})",
                    retry_after_s=self._retry_after_s(),
                )
            self._waiting.append(ticket)
            self._changed.notify()
        return ticket

    @property
    def waiting(self) -> int:
        with self._changed:
            return len(self._waiting)

    @property
    def busy(self) -> bool:
        with self._changed:
            return self._running is not None

    def cancel_all(self, reason: ServerError) -> None:
        """Refuse new work, and settle what waits or runs."""
        with self._changed:
            self._closing = True
            left = [*self._waiting, *([self._running] if self._running else [])]
            self._changed.notify()
        for ticket in left:
            ticket.cancel(reason)

    def close(self, within_s: float) -> bool:
        """Stop the thread; `False` if its work did not let go in time."""
        self.cancel_all(Stopping())
        if self._thread.ident is not None:
            self._thread.join(within_s)
        return not self._thread.is_alive()

    def _forget(self, ticket: Ticket[Any]) -> None:
        with self._changed:
            if ticket in self._waiting:
                self._waiting.remove(ticket)

    def _retry_after_s(self) -> int:
        return max(1, min(LONGEST_RETRY_S, round(self._usual_s * (len(self._waiting) + 1))))

    def _run(self) -> None:
        while (ticket := self._next()) is not None:
            began = self._clock()
            error = ticket.run()
            if isinstance(error, OutOfMemory):
                self._free_memory()
            with self._changed:
                self._running = None
                self._usual_s += 0.3 * (self._clock() - began - self._usual_s)

    def _next(self) -> Ticket[Any] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            if self._closing:
                return None
            # In the same step: whoever closes now must find it.
            self._running = self._waiting.popleft()
            return self._running
