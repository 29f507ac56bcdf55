"""A request's way to an engine and back: held, sent on, its reply passed. Bytes pass unchanged.

What it used is given back however this ends, and the connection to the engine is closed at once when the work
is cancelled, which is how a client that hung up, a stream that was cancelled and a proxy that stops look here.
"""

import logging
from dataclasses import dataclass, replace

from switchyard_contracts.errors import CODES, ErrorCode
from switchyard_contracts.gate import ENGINE_LOST, SAYS_HEADER
from switchyard_contracts.status import ModelStatus
from switchyard_proxy.bodies.uploads import Upload
from switchyard_proxy.errors import Broken, Cut, EngineLost, ProxyError, Unavailable
from switchyard_proxy.grants.sites import Sites
from switchyard_proxy.upstream.connection import Connection
from switchyard_proxy.upstream.pool import Question, Upstream, endpoint_at
from switchyard_proxy.wire.answer import Answer
from switchyard_proxy.wire.headers import request_head
from switchyard_proxy.wire.hold import Hold, Right, Waiting
from switchyard_proxy.wire.passage import Passage
from switchyard_proxy.wire.relay import pass_reply

log = logging.getLogger(__name__)
ELSEWHERE = frozenset(
    {ErrorCode.MANAGER_UNAVAILABLE, ErrorCode.MODEL_LOAD_FAILED}
)  # what another machine may do
# How a gate says that an engine is gone: no answer of the engine's, though it looks like one.
LOST = (SAYS_HEADER.encode(), ENGINE_LOST.encode())
LOST_STATUS = CODES[ErrorCode.BACKEND_UNAVAILABLE].status


@dataclass(slots=True)  # frozen, each would cost six times as much, and every request makes one
class Errand:
    """What goes to an engine, whichever it will be."""

    model: ModelStatus
    sites: tuple[int, ...]
    method: bytes
    target: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes | Upload
    request_id: bytes


@dataclass(slots=True)
class Visit:
    """One use of an engine, as the connection to it is told. Implements `pool.Asking`."""

    hold: Hold
    right: Right
    answer: Answer

    def began(self, connection: Connection) -> None:
        connection.on_over = self.over
        lease = self.right.lease
        lease.on_cut = lambda why: connection.abort(Cut(why))
        if lease.cut is not None:
            connection.abort(Cut(lease.cut))
        self.answer.pulse.wake = connection.nudge

    async def waits(self) -> None:
        await self.answer.waits()

    def over(self) -> None:
        """The engine has done its part, which may be before the client has taken it all."""
        self.hold.give_back(self.right)


class Forwarder:
    """Sends requests on. One for the whole proxy; it keeps nothing between requests."""

    def __init__(self, sites: Sites, hold: Hold, upstream: Upstream) -> None:
        self._sites = sites
        self._hold = hold
        self._upstream = upstream

    async def run(self, errand: Errand, waiting: Waiting, answer: Answer, passage: Passage) -> None:
        """An engine that is gone before it answers costs the client nothing but time, once."""
        try:
            await self._once(errand, waiting, answer, passage)
            return
        except Broken as broken:
            log.warning("%s did not answer, asking once more: %s", errand.model.name, broken)
        passage.account.retried = True
        try:
            await self._once(errand, waiting, answer, passage)
        except Broken as broken:
            raise _unanswered(errand, str(broken)) from broken
        except ProxyError as error:
            if error.code is ErrorCode.MANAGER_UNAVAILABLE:
                raise _unanswered(errand, "its engine is gone, and the manager cannot be reached") from error
            raise

    async def _once(self, errand: Errand, waiting: Waiting, answer: Answer, passage: Passage) -> None:
        """Raises `Broken` only while the client has seen nothing of a reply."""
        site = self._sites.serving(errand.model.name, errand.sites)
        leases = site.leases
        try:
            right = await self._hold.right(errand.model, leases, waiting, answer, passage.account)
        except ProxyError as error:
            others = tuple(index for index in errand.sites if self._sites.all[index] is not site)
            if not others or error.code not in ELSEWHERE:
                raise
            log.warning(
                "%s cannot be had at %s, asking elsewhere: %s", errand.model.name, site.link.manager.url, error
            )
            await self._once(replace(errand, sites=others), waiting, answer, passage)
            return
        try:
            broken = await self._visit(errand, right, answer, passage)
        except EngineLost:
            leases.doubt(right.lease)
            raise
        finally:
            answer.pulse.wake = None
            self._hold.give_back(right)
        if broken is not None:
            if isinstance(broken, EngineLost):
                leases.doubt(right.lease)
            raise Interrupted(f"cannot finish the reply: {broken}") from broken

    async def _visit(self, errand: Errand, right: Right, answer: Answer, passage: Passage) -> Broken | None:
        grant = right.lease.grant
        endpoint = endpoint_at(grant.endpoint)
        body = errand.body
        size = len(body) if isinstance(body, bytes) else body.size
        head = request_head(
            endpoint, errand.method, errand.target, errand.headers, grant.headers, size, errand.request_id
        )
        question = Question(head, body) if isinstance(body, bytes) else Question(head, pieces=body.pieces)
        connection = await self._upstream.ask(endpoint, question, Visit(self._hold, right, answer))
        try:
            if connection.status == LOST_STATUS and LOST in connection.headers:
                raise EngineLost("the gate of its machine cannot reach it", answered=False)
            return await pass_reply(connection, answer, passage)
        finally:
            self._upstream.give_back(endpoint, connection)


class Interrupted(ProxyError):
    """The reply broke off after it had begun."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.STREAM_BROKEN, message)


def _unanswered(errand: Errand, why: str) -> Unavailable:
    return Unavailable(ErrorCode.BACKEND_UNAVAILABLE, f"cannot get an answer from {errand.model.name!r}: {why}")
