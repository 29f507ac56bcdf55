"""One thread runs the model; the event loop only waits. No model call may happen anywhere else.

Work is a function of its `Ticket` (see `tickets`), through which it is heard and told to stop.

Work that takes long steps is a plain function, and has the thread to itself. Work of many small steps is a
generator: each `yield` hands over what it wants computed next, and is answered with the result. All that the
active generators want is computed together, by `Crew.together`; that is how requests share a pass through a
model. Up to `Crew.size` of them are active, the rest waits. `alone` work is begun when nothing else is active.

Those that wait are served in turns: one of each lane, and in a lane by order of arrival. A lane is a client.

The thread is a daemon: a load inside a library cannot be interrupted, and must not keep the process alive.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from switchyard_image_server.errors import (
    Busy,
    Cancelled,
    EngineFault,
    OutOfMemory,
    QueueFull,
    ServerError,
    Stopping,
    as_server_error,
)
from switchyard_image_server.lines import Lines
from switchyard_image_server.tickets import NobodyWatches, Settled, Steps, Ticket, Watch

__all__ = ["Crew", "Settled", "Steps", "Ticket", "Watch", "Worker"]

logger = logging.getLogger(__name__)

Event = TypeVar("Event")
LONGEST_RETRY_S = 59  # some clients ignore a Retry-After of a minute or more
USUAL_S = 1.0  # assumed until a request has been served


def _nothing_together(_: Sequence[Any]) -> list[Any]:
    raise AssertionError("this worker was given no way to compute steps together")


@dataclass(frozen=True, slots=True)
class Crew:
    """How many may be active at once, and how their steps are computed together.

    `together` answers each step in its place; an answer that is an exception is raised in the work that asked.
    """

    size: int = 1
    together: Callable[[Sequence[Any]], Sequence[Any]] = _nothing_together


@dataclass(slots=True, eq=False)
class _Active:
    """Work under way. `steps` is None until it has begun; `wish` is what it waits to have computed."""

    ticket: Ticket[Any]
    began_at: float
    steps: Steps | None = None
    wish: Any = None
    answer: Any = None

    def goes_on(self) -> bool:
        """Take the answer; whether there is a next wish."""
        answer, self.answer, self.wish = self.answer, None, None  # their tensors are not needed any more
        if self.steps is None:
            self.steps = self.ticket.begin()
            if self.steps is None:
                return False
        elif self.ticket.cancelled:
            raise Cancelled
        try:
            is_fault = isinstance(answer, BaseException)
            self.wish = self.steps.throw(answer) if is_fault else self.steps.send(answer)
        except StopIteration:
            return False
        finally:
            del answer  # a fault leads to this frame: together they would live on
        return True


class Worker:
    """The thread and its queue. `limit` bounds those that wait, not those that run."""

    def __init__(self, limit: int, clock: Callable[[], float], free_memory: Callable[[], None]) -> None:
        self._limit = limit
        self._clock = clock
        self._free_memory = free_memory
        self._changed = threading.Condition()
        self._waiting: Lines[Ticket[Any]] = Lines()
        self._active: list[_Active] = []
        self._crew = Crew()
        self._closing = False
        self._starved = False
        self._lost = False
        self._usual_s: float | None = None
        self._watch: Watch = NobodyWatches()
        self._thread = threading.Thread(target=self._run, name="gpu-worker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def employ(self, crew: Crew) -> None:
        """From now on several at once. Call it before such work is submitted."""
        with self._changed:
            self._crew = crew

    def tell(self, watch: Watch) -> None:
        """From now on `watch` hears of all that is sent, computed and settled. Call it before any work."""
        self._watch = watch

    def submit(
        self, work: Callable[[Ticket[Event]], Steps | None], lane: str = "", *, alone: bool = False
    ) -> Ticket[Event]:
        """From the event loop: queue the work, or refuse at once."""
        with self._changed:
            if self._closing:
                raise Stopping
            # Those for whom there is room only wait for the thread to look.
            if len(self._waiting) - max(0, self._crew.size - len(self._active)) >= self._limit:
                raise QueueFull(
                    f"cannot queue the request: {len(self._waiting)} are waiting already (limit {self._limit})",
                    retry_after_s=self._retry_after_s(),
                )
            return self._queued(work, lane, alone=alone)

    def submit_if_idle(self, work: Callable[[Ticket[Event]], Steps | None], why: str) -> Ticket[Event]:
        """For what must not wait, nor stand in the way: refused unless there is nothing to do."""
        with self._changed:
            if self._closing:
                raise Stopping
            if self._active or self._waiting:
                raise Busy(
                    f"cannot {why}: {len(self._active)} requests run and {len(self._waiting)} wait; "
                    "try again when they are done"
                )
            return self._queued(work, "", alone=True)

    def _queued(
        self, work: Callable[[Ticket[Event]], Steps | None], lane: str, *, alone: bool
    ) -> Ticket[Event]:
        ticket = Ticket(work, self._forget, lane, alone=alone, queued_at=self._clock(), watch=self._watch)
        self._waiting.add(lane, ticket)
        self._changed.notify()
        return ticket

    @property
    def waiting(self) -> int:
        with self._changed:
            return len(self._waiting)

    @property
    def active(self) -> int:
        with self._changed:
            return len(self._active)

    @property
    def busy(self) -> bool:
        return self.active > 0

    @property
    def lost(self) -> bool:
        """A fault of the worker itself has ended its thread: nothing will ever be served again."""
        return self._lost

    def lanes(self) -> dict[str, int]:
        """How many of each lane wait."""
        with self._changed:
            return self._waiting.lengths()

    def position(self, ticket: Ticket[Any]) -> int | None:
        """How many are served before it; `None` if it does not wait."""
        with self._changed:
            return self._waiting.position(ticket)

    @property
    def usual_s(self) -> float:
        """How long a request that was served has taken lately."""
        with self._changed:
            return self._usual()

    def cancel_all(self, reason: ServerError) -> None:
        """Refuse new work, and settle what waits or runs."""
        with self._changed:
            self._closing = True
            left = [*self._waiting, *(active.ticket for active in self._active)]
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
            if self._waiting.discard(ticket):
                waited_s = self._clock() - ticket.queued_at
                self._watch.settled(Settled(waited_s, None, Cancelled(), ticket.alone))

    def _usual(self) -> float:
        return USUAL_S if self._usual_s is None else self._usual_s

    def _retry_after_s(self) -> int:
        ahead = (len(self._waiting) + 1) / self._crew.size
        return max(1, min(LONGEST_RETRY_S, round(self._usual() * ahead)))

    def _run(self) -> None:
        try:
            while self._admit():
                self._round()
                # Only here: the round's own variables held the failed request's tensors.
                if self._starved:
                    self._starved = False
                    self._free()
        except BaseException:
            logger.critical("the worker is lost: nothing will be served any more", exc_info=True)
            self._lost = True
        finally:
            self._end_all()

    def _round(self) -> None:
        """Begin what there is room for, then compute what the active ones wish for, together."""
        for active in self._active_now():
            if active.steps is None or active.ticket.cancelled:
                self._advance(active)
        wishing = self._active_now()
        if wishing:
            self._compute(wishing)
            for active in wishing:
                self._advance(active)

    def _free(self) -> None:
        try:
            self._free_memory()
        except Exception:  # a device that has failed cannot even do this
            logger.exception("cannot free memory")

    def _active_now(self) -> list[_Active]:
        with self._changed:
            return list(self._active)

    def _admit(self) -> bool:
        """Wait until there is something to do; `False` when there never will be."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._active or self._closing)
            if self._closing:
                return False
            while (ticket := self._waiting.first()) is not None and self._has_room_for(ticket):
                # In the same step: whoever closes now must find it.
                self._active.append(_Active(self._waiting.take(), self._clock()))
            return True

    def _has_room_for(self, ticket: Ticket[Any]) -> bool:
        if not self._active:
            return True
        return (
            len(self._active) < self._crew.size
            and not ticket.alone
            and not any(active.ticket.alone for active in self._active)
        )

    def _compute(self, wishing: list[_Active]) -> None:
        try:
            _hand_out(wishing, self._crew.together([active.wish for active in wishing]))
        except BaseException as fault:  # nobody's in particular: everyone's
            for active in wishing:
                active.answer = fault
        else:
            self._watch.computed(len(wishing))

    def _advance(self, active: _Active) -> None:
        """Let the work take its answer and go on to its next wish, or to its end."""
        try:
            goes_on = active.goes_on()
        except BaseException as fault:  # a library that exits must not take the worker along
            self._settle(active, fault)
        else:
            if not goes_on:
                self._settle(active, None)

    def _settle(self, active: _Active, fault: BaseException | None) -> None:
        _let_go(active.steps)
        error = None if fault is None else _told(fault)
        self._starved = self._starved or isinstance(error, OutOfMemory)
        with self._changed:
            self._active.remove(active)
            now = self._clock()
            if error is None and not active.ticket.alone:
                took = now - active.began_at
                self._usual_s = took if self._usual_s is None else self._usual_s + 0.3 * (took - self._usual_s)
        ticket, began = active.ticket, active.began_at
        try:
            self._watch.settled(Settled(began - ticket.queued_at, now - began, error, ticket.alone))
        finally:
            ticket.end(error)

    def _end_all(self) -> None:
        """Whoever is left hears of it, and generators let go of what they hold."""
        with self._changed:
            self._closing = True
            left, active = list(self._waiting), list(self._active)
            self._active.clear()
        end = EngineFault("cannot serve any more: the engine's worker was lost; restart it")
        for one in active:
            _let_go(one.steps)
            one.ticket.end(end if self._lost else Stopping())
        for ticket in left:
            ticket.end(end if self._lost else Stopping())


def _hand_out(wishing: list[_Active], answers: Sequence[Any]) -> None:
    """Apart, as a fault among the answers leads to the frames below it: they must not hold it in turn."""
    for active, answer in zip(wishing, answers, strict=True):
        active.answer = answer


def _let_go(steps: Steps | None) -> None:
    """Outside the lock: what a generator does at its end may take its time, or fail."""
    try:
        if steps is not None:
            steps.close()
    except BaseException:
        logger.exception("a request failed once more when it was ended")


def _told(fault: BaseException) -> ServerError | Cancelled:
    """What whoever waits is told. It leads back to no frame: those hold tensors, and the loop keeps it."""
    if isinstance(fault, Cancelled):
        return Cancelled()
    error = as_server_error(fault)
    if isinstance(error, OutOfMemory | EngineFault):
        logger.error("a request failed", exc_info=fault)
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
