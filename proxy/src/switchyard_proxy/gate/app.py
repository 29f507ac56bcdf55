"""The gate's ASGI application: who may pass, and the one place where a failure becomes a reply."""

import asyncio
import logging

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.asgi import Receive, Scope, Send
from switchyard_proxy.errors import Broken, ClientGone, ProxyError, Refused, Unavailable, tell
from switchyard_proxy.gate.admission import HEALTH, admit
from switchyard_proxy.gate.errand import Errand
from switchyard_proxy.gate.settings import GateSettings
from switchyard_proxy.replies import JSON
from switchyard_proxy.request import Request
from switchyard_proxy.upstream.pool import Upstream
from switchyard_proxy.wire.hangup import while_client_stays

log = logging.getLogger(__name__)
OK = b'{"status":"ok"}'


class Gate:
    """The ASGI application."""

    def __init__(self, settings: GateSettings) -> None:
        self._settings = settings
        self._upstream = Upstream(settings.connect_wait_s)
        self._errand = Errand(self._upstream, settings.body_pause_s)
        self._running: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._respond(scope, receive, send)

    def stop(self) -> None:
        """End every request that still runs: what has begun breaks off, what has not is refused."""
        for task in self._running:
            task.cancel()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._upstream.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        reply = _Reply(send)
        task = asyncio.current_task()
        if task is not None:
            self._running.add(task)
        try:
            await self._pass(scope, receive, reply)
        except ProxyError as error:
            await reply.fail(error)
        except ClientGone:
            log.debug("a proxy left before its reply was whole")
        except Broken as broken:
            log.warning("a reply broke off: %s", broken)
        except asyncio.CancelledError:
            await reply.fail(Unavailable(ErrorCode.OVERLOADED, "cannot serve the request: the gate stops"))
        except Exception:
            log.exception("cannot pass a request on: a fault of the gate")
            fault = "cannot pass this request on: a fault of the gate"
            await reply.fail(ProxyError(ErrorCode.INTERNAL_ERROR, fault))
        finally:
            if task is not None:
                self._running.discard(task)

    async def _pass(self, scope: Scope, receive: Receive, reply: "_Reply") -> None:
        target: bytes = scope["switchyard.target"]
        if target == HEALTH:
            await reply.health(scope["method"])
            return
        request = Request(scope)
        passage = admit(request.method, target, request.headers, self._settings.token)
        await while_client_stays(request.client, self._errand.run(request, passage, receive, reply.send))


class _Reply:
    """Knows whether it has begun: then there is nothing left to say but to break off."""

    __slots__ = ("_send", "_started")

    def __init__(self, send: Send) -> None:
        self._send = send
        self._started = False

    async def send(self, message: Scope) -> None:
        self._started = True
        await self._send(message)

    async def health(self, method: str) -> None:
        if method not in {"GET", "HEAD"}:
            allow = (b"allow", b"GET, HEAD")
            message = f"cannot {method} /health; use GET"
            raise Refused(ErrorCode.METHOD_NOT_ALLOWED, message, headers=(allow,))
        await self._whole(200, [JSON], OK)

    async def fail(self, error: ProxyError) -> None:
        if self._started:
            log.warning("cannot finish a reply: %s", error)
            return
        told = tell(error)
        await self._whole(told.status, [JSON, *told.headers], told.payload)

    async def _whole(self, status: int, headers: list[tuple[bytes, bytes]], payload: bytes) -> None:
        length = (b"content-length", b"%d" % len(payload))
        await self.send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
        await self.send({"type": "http.response.body", "body": payload, "more_body": False})
