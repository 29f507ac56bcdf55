"""From a model's name to the right to use its engine: the model's line, then its grant. Holds what must wait.

Warm, and without a limit on the model, this is one look into the book. Everything else here happens to
requests that wait anyway: they are counted and bounded, their clients hear of them, and who leaves loses
nothing but the request.
"""

import asyncio
from dataclasses import dataclass

from switchyard_contracts.errors import ErrorCode
from switchyard_contracts.status import ModelStatus
from switchyard_proxy.accounting.account import Account
from switchyard_proxy.errors import Refused, Unavailable
from switchyard_proxy.grants.holdings import Lease
from switchyard_proxy.grants.leases import Leases
from switchyard_proxy.grants.lines import USUAL_S, Lines, Turn, full
from switchyard_proxy.request import Client
from switchyard_proxy.wire.answer import Answer
from switchyard_proxy.wire.places import Digest, Places, Seat, superseded


@dataclass(frozen=True, slots=True)
class Waiting:
    """What decides how a request waits."""

    key: str
    priority: int
    deadline: float
    digest: Digest | None  # of a client that counts its retries, and so may come back
    client: Client | None
    may_load: bool = True


@dataclass(slots=True, eq=False)
class Right:
    """To use an engine, until it is given back."""

    leases: Leases
    lease: Lease
    turn: Turn | None


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
            lease = leases.take(model.name)
            if lease is None and not waiting.may_load:
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
        queued = leases.waiting_for(model.name)
        if queued >= model.serving.max_queue and not self._places.has(waiting.digest):
            raise full(
                model.name, queued, model.serving.max_queue, model.in_flight, model.expected_s or USUAL_S
            )
        seat = self._places.sit(waiting.digest, leases, model.name, waiting.deadline, waiting.priority)
        try:
            await self._sit(seat, answer)
            return leases.claim(seat.place)
        finally:
            left = waiting.client is not None and waiting.client.gone
            self._places.rise(seat, comes_back=left)

    async def _sit(self, seat: Seat, answer: Answer) -> None:
        while not seat.place.admitted.done():
            await asyncio.wait(
                (seat.place.admitted, seat.taken),
                timeout=answer.silent_for(self._loop.time()),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if seat.taken.done():
                raise superseded()
            await answer.waits()

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
    message = f"cannot look at the engine of {model!r}: it is not loaded, and looking does not load it"
    return Refused(ErrorCode.NOT_POSSIBLE_NOW, message)


def _ring(bell: asyncio.Future[None]) -> None:
    if not bell.done():
        bell.set_result(None)
