"""A request's way to an engine and back: read, route, lease, send on, pass the reply. Bytes pass unchanged.

The lease is given back however this ends, and the connection to the engine is closed at once when the client
hangs up.
"""

import logging
from dataclasses import dataclass

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.asgi import Receive
from switchyard_proxy.bodies.reading import Bounds, model_in, read_body, renamed
from switchyard_proxy.errors import Broken, Cut, EngineLost, ProxyError, Unavailable
from switchyard_proxy.grants.holdings import Grant, Lease
from switchyard_proxy.grants.known_models import KnownModels, check_type, model_named
from switchyard_proxy.grants.leases import Leases
from switchyard_proxy.replies import Reply
from switchyard_proxy.request import Request
from switchyard_proxy.routes import Route
from switchyard_proxy.settings import Settings
from switchyard_proxy.upstream.connection import Connection
from switchyard_proxy.upstream.pool import Endpoint, Upstream, endpoint_at
from switchyard_proxy.wire.hangup import until_client_leaves
from switchyard_proxy.wire.headers import request_head
from switchyard_proxy.wire.relay import pass_reply

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """What goes to an engine, whichever it will be."""

    model: str
    request: Request
    target: bytes
    body: bytes

    def head(self, endpoint: Endpoint, grant: Grant) -> bytes:
        return request_head(
            endpoint, self.target, self.request.headers, grant.headers, len(self.body), self.request.id
        )


class Forwarder:
    """Sends requests on. One for the whole proxy; it keeps nothing between requests."""

    def __init__(self, settings: Settings, leases: Leases, known: KnownModels, upstream: Upstream) -> None:
        self._bounds = Bounds(settings.body_limit, settings.body_pause_s)
        self._manager_wait_s = settings.manager_wait_s
        self._leases = leases
        self._known = known
        self._upstream = upstream

    async def serve(self, request: Request, route: Route, receive: Receive, reply: Reply) -> None:
        """Raises `ProxyError` while the reply has not begun, and `ClientGone`."""
        body = await read_body(receive, request.header(b"content-length"), self._bounds)
        await until_client_leaves(receive, self._answer(request, route, body, reply))

    async def _answer(self, request: Request, route: Route, body: bytes, reply: Reply) -> None:
        name = model_in(body)
        snapshot = await self._known.within(self._manager_wait_s)
        model = model_named(snapshot, name)
        check_type(snapshot, model, route.path, route.types)
        if model.name != name:
            body = renamed(body, model.name)
        target = route.path.encode() + (b"?" + request.query if request.query else b"")
        await self._try_twice(Question(model.name, request, target, body), reply)

    async def _try_twice(self, question: Question, reply: Reply) -> None:
        """An engine that is gone before it answers costs the client nothing but time, once."""
        deadline = self._leases.deadline()
        lease = await self._leases.acquire(question.model, deadline)
        try:
            return await self._exchange(lease, question, reply)
        except Broken as broken:
            log.warning("%s did not answer, asking once more: %s", question.model, broken)
        try:
            lease = await self._leases.acquire(question.model, deadline)
            return await self._exchange(lease, question, reply)
        except Broken as broken:
            raise _unanswered(question, str(broken)) from broken
        except ProxyError as error:
            if error.code is ErrorCode.MANAGER_UNAVAILABLE:
                raise _unanswered(question, "its engine is gone, and the manager cannot be reached") from error
            raise

    async def _exchange(self, lease: Lease, question: Question, reply: Reply) -> None:
        """Raises `Broken` only while the client has seen nothing of a reply."""
        try:
            broken = await self._ask_and_pass(lease, question, reply)
        except EngineLost:
            self._leases.doubt(lease)
            raise
        finally:
            self._leases.release(lease)
        if broken is not None:
            log.warning("a reply of %s broke off: %s", question.model, broken)
        if isinstance(broken, EngineLost):
            self._leases.doubt(lease)

    async def _ask_and_pass(self, lease: Lease, question: Question, reply: Reply) -> Broken | None:
        """The lease ends with the engine's work, which may be before the client has taken it all."""

        def begin(connection: Connection) -> None:
            connection.on_over = lambda: self._leases.release(lease)
            lease.on_cut = lambda why: connection.abort(Cut(why))
            if lease.cut is not None:
                connection.abort(Cut(lease.cut))

        endpoint = endpoint_at(lease.grant.endpoint)
        head = question.head(endpoint, lease.grant)
        connection = await self._upstream.ask(endpoint, head, question.body, begin)
        try:
            return await pass_reply(connection, reply)
        finally:
            self._upstream.give_back(endpoint, connection)


def _unanswered(question: Question, why: str) -> Unavailable:
    return Unavailable(ErrorCode.BACKEND_UNAVAILABLE, f"cannot get an answer from {question.model!r}: {why}")
