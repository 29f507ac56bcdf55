"""From a model's name to the right to use its engine: the model's line, then its grant. Holds what must wait.

Warm, and without a limit on the model, this is one look into the book. Everything else here happens to
requests that wait anyway: they are counted and bounded, their clients hear of them, and who leaves loses
nothing but the request.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

from switchyard_contracts.errors import ErrorCode
from switchyard_contracts.grants import not_to_be_seen
from switchyard_contracts.status import ModelStatus, Phase
from switchyard_proxy.accounting.account import Account
from switchyard_proxy.errors import Refused, Unavailable
from switchyard_proxy.grants.holdings import Lease
from switchyard_proxy.grants.leases import Leases, Place
from switchyard_proxy.grants.lines import USUAL_S, Lines, Turn
from switchyard_proxy.request import Client
from switchyard_proxy.wire.answer import Answer
from switchyard_proxy.wire.places import Digest, Places


@dataclass(slots=True)  # frozen, each would cost six times as much, and every request makes one
class Waiting:
    """What decides how a request waits."""

    key: str
    priority: int
    deadline: float
    digest: Callable[[], Digest] | None  # of a client that counts its retries, and so may come back
    is_retry: bool
    client: Client | None
    may_load: bool = True
    latest: float = math.inf  # by the client's own clock: no stand-in has longer


@dataclass(slots=True, eq=False)
class Right:
    """To use an engine, until it is given back."""

    leases: Leases
    lease: Lease
    turn: Turn | None
    given_back: bool = False


class Hold:
    """One for the whole proxy."""

    def __init__(self, lines: Lines, places: Places) -> None:
        self._lines = lines
        self._places = places
        self._loop = asyncio.get_running_loop()

    async def right(
        self, model: ModelStatus, leases: Leases, waiting: Waiting, answer: Answer, account: Account
    ) -> Right:
        """Raises `ProxyError`. Whoever gets it gives it back."""
        turn = None
        if model.serving.max_concurrency is not None and waiting.may_load:  # a look needs no turn
            turn = await self._turn(model, model.serving.max_concurrency, waiting, answer)
        account.queued = self._loop.time()
        try:
            lease = leases.take(model.name, looks=not waiting.may_load)
            if lease is None and not waiting.may_load and model.phase is not Phase.READY:
                raise _not_loaded(model.name)
            if lease is None:
                lease = await self._queue(model, leases, waiting, answer)
        except BaseException:
            if turn is not None:
                self._lines.leave(turn, self._loop.time())
            raise
        account.leased = self._loop.time()
        return Right(leases, lease, turn)

    def give_back(self, right: Right) -> None:
        """A second time does nothing."""
        if right.given_back:
            return
        right.given_back = True
        right.leases.release(right.lease)
        if right.turn is not None:
            self._lines.leave(right.turn, self._loop.time())

    async def _turn(self, model: ModelStatus, limit: int, waiting: Waiting, answer: Answer) -> Turn:
        granted: asyncio.Future[None] = self._loop.create_future()
        turn = Turn(model.name, waiting.key, waiting.priority, lambda: _ring(granted))
        self._lines.enter(turn, limit, model.serving.max_queue, self._loop.time())
        try:
            while not turn.runs:
                await self._beat_until(granted, answer, waiting.deadline)
        except BaseException:
            self._lines.leave(turn, self._loop.time())
            raise
        return turn

    async def _queue(self, model: ModelStatus, leases: Leases, waiting: Waiting, answer: Answer) -> Lease:
        place = self._taken_over(model, leases, waiting)
        if place is None:
            queued, longest = leases.waiting_for(model.name), model.serving.max_queue
            if queued >= longest:
                raise self._lines.full(
                    model.name, queued, longest, model.in_flight, model.expected_s or USUAL_S
                )
            place = leases.queue(model.name, waiting.deadline, waiting.priority, looks=not waiting.may_load)
        try:
            while not place.admitted.done():
                await asyncio.wait((place.admitted,), timeout=answer.silent_for(self._loop.time()))
                await answer.waits()
            return leases.claim(place)
        finally:
            self._rise(place, leases, waiting)

    def _taken_over(self, model: ModelStatus, leases: Leases, waiting: Waiting) -> Place | None:
        """Where an earlier attempt of this request waited."""
        if waiting.digest is None or not waiting.is_retry or not self._places.kept:
            return None
        return self._places.take(waiting.digest(), leases, model.name, waiting.deadline)

    def _rise(self, place: Place, leases: Leases, waiting: Waiting) -> None:
        left = waiting.client is not None and waiting.client.gone
        if left and waiting.digest is not None:
            self._places.keep(waiting.digest(), leases, place)
        else:
            leases.leave(place)

    async def _beat_until(self, granted: asyncio.Future[None], answer: Answer, deadline: float) -> None:
        now = self._loop.time()
        left_s, silent_s = max(deadline - now, 0.0), answer.silent_for(now)
        await asyncio.wait((granted,), timeout=left_s if silent_s is None else min(silent_s, left_s))
        if granted.done():
            return
        if self._loop.time() >= deadline:
            raise Unavailable(
                ErrorCode.OVERLOADED,
                "cannot wait longer for a turn: as many run as the model may serve at a time",
            )
        await answer.waits()


def _not_loaded(model: str) -> Refused:
    why = not_to_be_seen(model)
    return Refused(why.code, why.message)


def _ring(bell: asyncio.Future[None]) -> None:
    if not bell.done():
        bell.set_result(None)
