"""The proxy's ASGI application: who asks, for what, and which part answers. Owns every task but the server's.

The wire goes around FastAPI: what engines answer never passes it; what the proxy answers about itself does.
"""

import asyncio
import logging
from collections.abc import Callable

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.access.callers import ANYONE, Caller
from switchyard_proxy.answers import Answers, Visit, nothing_at
from switchyard_proxy.api.page import AnyPage
from switchyard_proxy.asgi import Receive, Scope, Send
from switchyard_proxy.dialects.catalogue import OPENAI_PLAIN
from switchyard_proxy.dialects.voice import Dialect
from switchyard_proxy.errors import ClientGone, ProxyError, Refused, Unavailable, tell
from switchyard_proxy.grants.link import Backoff
from switchyard_proxy.parts import Parts, Shared
from switchyard_proxy.replies import JSON, Reply
from switchyard_proxy.request import Request
from switchyard_proxy.routes import Route
from switchyard_proxy.settings import Settings

log = logging.getLogger(__name__)


class App:
    """The ASGI application."""

    def __init__(
        self, settings: Settings, page: AnyPage, backoff: Backoff | None = None, shared: Shared | None = None
    ) -> None:
        """`shared`: with other workers on the same port."""
        self.parts: Parts | None = None
        self._settings = settings
        self._page = page
        self._backoff = backoff or Backoff()
        self._shared = shared or Shared()
        self._connections: Callable[[], int] = lambda: 0  # open now, as the server counts them
        self._answers: Answers | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self.parts is not None and self._answers is not None:
            await self._respond(self.parts, self._answers, scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self.parts = Parts(self._settings, self._backoff, self._shared, self._count_connections)
        self._answers = Answers(self.parts, self._page)
        async with self.parts.alive():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        self.parts.close()
        await send({"type": "lifespan.shutdown.complete"})

    def counts_connections(self, count: Callable[[], int]) -> None:
        self._connections = count

    def _count_connections(self) -> int:
        return self._connections()

    def stop(self) -> None:
        """End every request that still runs or waits; each client is told."""
        if self.parts is not None:
            self.parts.stop("the proxy stops")

    async def _respond(
        self, parts: Parts, answers: Answers, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Where every failure ends: as an error in its API's shape, or as nothing to a client that is gone."""
        request = Request(scope)
        reply = Reply(send, request.id)
        found = parts.table.find(request.path)
        dialect = OPENAI_PLAIN if found is None else found[0].dialect
        try:
            if request.method == "OPTIONS":
                await reply.preflight(request.header(b"access-control-request-headers"))
            else:
                if found is None:
                    raise nothing_at(request.path)
                route, below = found
                caller = _let_in(parts, request, route)
                await answers.to(Visit(request, route, below, caller, scope, receive, reply))
        except ProxyError as error:
            if reply.started:
                log.warning("cannot finish the reply to %s: %s", request.id, error)
            else:
                await _fail(reply, error, dialect)
        except ClientGone:
            log.debug("the client of %s left", request.id)
        except asyncio.CancelledError:  # by the server, in the end; it would take it for a crash
            if not reply.started:
                ending = Unavailable(ErrorCode.OVERLOADED, "cannot serve the request: the proxy stops")
                await _fail(reply, ending, dialect)
        except Exception:
            log.exception("cannot serve request %s: a fault of the proxy", request.id)
            if not reply.started:
                fault = ProxyError(ErrorCode.INTERNAL_ERROR, "cannot serve this request: a fault of the proxy")
                await _fail(reply, fault, dialect)


def _let_in(parts: Parts, request: Request, route: Route) -> Caller:
    """Raises `Refused`: a key that does not fit or may not, a strange host or page, another method."""
    if request.method not in route.methods:
        raise _other_method(request, route)
    if route.role is None:
        parts.gate.greet(request.headers)
        return ANYONE
    caller = parts.gate.caller(request.headers)
    parts.gate.check(caller, route.role)
    return caller


async def _fail(reply: Reply, error: ProxyError, dialect: Dialect) -> None:
    told = tell(error, dialect.error)
    await reply.whole(told.status, [JSON, *told.headers], told.payload)


def _other_method(request: Request, route: Route) -> Refused:
    message = f"cannot {request.method} {request.path}; use {' or '.join(route.methods)}"
    allow = (b"allow", ", ".join((*route.methods, "OPTIONS")).encode())
    return Refused(ErrorCode.METHOD_NOT_ALLOWED, message, headers=(allow,))
