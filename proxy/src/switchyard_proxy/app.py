"""The proxy put together: what is started, and how a request finds what answers it.

`main` is the console script. `App` is the ASGI application; it owns every task but those of the server.
"""

import asyncio
import logging
import os
import secrets
import socket
import sys
import time

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy import routes
from switchyard_proxy.api.health import health
from switchyard_proxy.api.models import model, models
from switchyard_proxy.api.page import Page
from switchyard_proxy.asgi import Receive, Scope, Send
from switchyard_proxy.errors import ClientGone, ProxyError, Refused, Unavailable
from switchyard_proxy.grants.known_models import KnownModels
from switchyard_proxy.grants.leases import Leases
from switchyard_proxy.grants.link import Backoff, Link, Manager
from switchyard_proxy.replies import Reply
from switchyard_proxy.request import Request, check_key
from switchyard_proxy.routes import Access, Route, Serves
from switchyard_proxy.server import CannotListen, serve
from switchyard_proxy.settings import SettingRefused, Settings, read_settings
from switchyard_proxy.upstream.pool import Upstream
from switchyard_proxy.wire.forward import Forwarder

log = logging.getLogger(__name__)


class Parts:
    """What lives as long as the event loop does. Made inside it."""

    def __init__(self, settings: Settings, backoff: Backoff) -> None:
        proxy = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self.known = KnownModels()
        self.leases = Leases(proxy, load_wait_s=settings.load_wait_s, manager_wait_s=settings.manager_wait_s)
        self.upstream = Upstream(settings.connect_wait_s)
        self.link = Link(Manager(settings.manager, settings.token), self.leases, self.known, backoff)
        self.forwarder = Forwarder(settings, self.leases, self.known, self.upstream)

    def close(self) -> None:
        self.leases.close()
        self.upstream.close()


class App:
    """The ASGI application."""

    def __init__(self, settings: Settings, page: Page, backoff: Backoff | None = None) -> None:
        self.parts: Parts | None = None
        self._settings = settings
        self._page = page
        self._backoff = backoff or Backoff()
        self._created = int(time.time())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self.parts is not None:
            request = Request.of(scope)
            await self._respond(self.parts, request, receive, Reply(send, request.id))

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self.parts = Parts(self._settings, self._backoff)
        async with asyncio.TaskGroup() as tasks:
            link = tasks.create_task(self.parts.link.run())
            await send({"type": "lifespan.startup.complete"})
            await receive()
            link.cancel()
        self.parts.close()
        await send({"type": "lifespan.shutdown.complete"})

    def stop(self) -> None:
        """End every request that still runs or waits; each client is told."""
        if self.parts is not None:
            self.parts.leases.stop("the proxy stops")

    async def _respond(self, parts: Parts, request: Request, receive: Receive, reply: Reply) -> None:
        """Where every failure ends: as an error in the one shape, or as nothing to a client that is gone."""
        try:
            await self._route(parts, request, receive, reply)
        except ProxyError as error:
            await reply.fail(error)
        except ClientGone:
            log.debug("the client of %s left", request.id)
        except asyncio.CancelledError:  # by the server, in the end; it would take it for a crash
            if not reply.started:
                await reply.fail(Unavailable(ErrorCode.OVERLOADED, "cannot serve the request: the proxy stops"))
        except Exception:
            log.exception("cannot serve request %s: a fault of the proxy", request.id)
            if not reply.started:
                await reply.fail(
                    ProxyError(ErrorCode.INTERNAL_ERROR, "cannot serve this request: a fault of the proxy")
                )

    async def _route(self, parts: Parts, request: Request, receive: Receive, reply: Reply) -> None:
        if request.method == "OPTIONS":
            await reply.preflight(request.header(b"access-control-request-headers"))
            return
        route, below = _row_for(request)
        if route.access is Access.KEY:
            check_key(request, self._settings.key)
        match route.serves:
            case Serves.ENGINE:
                await parts.forwarder.serve(request, route, receive, reply)
            case Serves.MODELS:
                await reply.json(models(parts.known, self._created))
            case Serves.MODEL:
                await reply.json(model(parts.known, below, self._created))
            case Serves.HEALTH:
                await reply.json(health(parts.link, parts.known, parts.leases))
            case Serves.PAGE:
                headers, content = self._page.file(below)
                await reply.whole(200, headers, content)


def _row_for(request: Request) -> tuple[Route, str]:
    """Raises `Refused` for a path that is not served, or not with that method."""
    found = routes.find(request.path)
    if found is None:
        message = f"cannot find {request.path}: nothing is served there; OpenAI's paths begin with /v1"
        raise Refused(ErrorCode.UNKNOWN_URL, message)
    methods = found[0].methods
    if request.method not in methods:
        message = f"cannot {request.method} {request.path}; use {' or '.join(methods)}"
        allow = (b"allow", ", ".join((*methods, "OPTIONS")).encode())
        raise Refused(ErrorCode.METHOD_NOT_ALLOWED, message, headers=(allow,))
    return found


def main() -> None:
    """The console script."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s proxy %(levelname)s %(message)s")
    logging.getLogger("websockets").setLevel(logging.WARNING)
    try:
        settings = read_settings(sys.argv[1:], os.environ)
        app = App(settings, Page.load())
        serve(app, app.stop, settings)
    except (SettingRefused, CannotListen) as error:
        sys.exit(f"switchyard-proxy: {error}")
