"""The control connection: one websocket for each proxy. Nothing is decided here."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import ValidationError

from switchyard_contracts.grants import PATH, PROTOCOL, FromManager, Hello, read_from_proxy
from switchyard_manager.api.access import Access
from switchyard_manager.errors import ManagerError
from switchyard_manager.supervise import Supervisor
from switchyard_manager.supervise.news import ProxyCame, ProxySaid, ProxyWent

log = logging.getLogger(__name__)

HELLO_WITHIN_S = 10.0
BACKLOG = 10_000
CLOSE_BAD_MESSAGE = 4400
CLOSE_NOT_ALLOWED = 4401
CLOSE_TOO_SLOW = 4408


class NotAProxy(ManagerError):
    """What came in does not speak as a proxy of ours does."""


class TooSlow(ManagerError):
    """The proxy does not read what we send."""


@dataclass(eq=False, slots=True)
class SocketSession:
    """`supervise.Session` over a websocket. Sending queues; one task writes."""

    proxy: str
    queue: asyncio.Queue[FromManager] = field(default_factory=lambda: asyncio.Queue(BACKLOG))
    too_slow: bool = False

    def send(self, message: FromManager) -> None:
        try:
            self.queue.put_nowait(message)
        except asyncio.QueueFull:
            self.too_slow = True

    async def write(self, socket: WebSocket) -> None:
        while not self.too_slow:
            await socket.send_text((await self.queue.get()).model_dump_json())
        raise TooSlow


def router(supervisor: Supervisor, access: Access) -> APIRouter:
    routes = APIRouter()

    @routes.websocket(PATH)
    async def control(socket: WebSocket) -> None:
        if not access.allows(socket):
            await socket.close(CLOSE_NOT_ALLOWED)
            return
        await socket.accept()
        try:
            hello = await _hello(socket)
        except (ValidationError, NotAProxy, TimeoutError) as error:
            log.warning("cannot talk to a proxy: %s", error)
            await socket.close(CLOSE_BAD_MESSAGE, "expected hello")
            return
        except WebSocketDisconnect:
            return
        await _serve(socket, SocketSession(hello.proxy), hello, supervisor)

    return routes


async def _hello(socket: WebSocket) -> Hello:
    async with asyncio.timeout(HELLO_WITHIN_S):
        message = read_from_proxy(await socket.receive_text())
    if not isinstance(message, Hello):
        raise NotAProxy(f"the first message was {message.kind}, not hello")
    if message.protocol != PROTOCOL:
        raise NotAProxy(f"the proxy speaks protocol {message.protocol}, this manager {PROTOCOL}: upgrade both")
    return message


async def _serve(socket: WebSocket, session: SocketSession, hello: Hello, supervisor: Supervisor) -> None:
    supervisor.post(ProxyCame(session, hello))
    log.info("proxy %s is here", session.proxy)
    try:
        async with asyncio.TaskGroup() as both:
            writing = both.create_task(session.write(socket))
            await _read(socket, session, supervisor)
            writing.cancel()
    except* TooSlow:
        await socket.close(CLOSE_TOO_SLOW, "too slow")
    except* (WebSocketDisconnect, RuntimeError):
        pass
    except* ValidationError as errors:
        log.warning("cannot understand proxy %s: %s", session.proxy, errors.exceptions[0])
        with contextlib.suppress(RuntimeError):
            await socket.close(CLOSE_BAD_MESSAGE, "cannot understand")
    finally:
        supervisor.post(ProxyWent(session))
        log.info("proxy %s is gone", session.proxy)


async def _read(socket: WebSocket, session: SocketSession, supervisor: Supervisor) -> None:
    while True:
        message = read_from_proxy(await socket.receive_text())
        if not isinstance(message, Hello):
            supervisor.post(ProxySaid(session, message))
