"""uvicorn with our rules for listening and stopping. Knows nothing of what the application does.

The first signal stops accepting; what runs has the grace, and is then ended by the application, which tells
its clients. The second signal ends it at once.
"""

import asyncio
import logging
import math
import os
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.asgi import Receive, Scope, Send
from switchyard_proxy.errors import Refused, tell
from switchyard_proxy.settings import Settings

log = logging.getLogger(__name__)
AFTER_GRACE_S = 5  # for a client that does not take even its last words
Application = Callable[[Scope, Receive, Send], object]


class CannotListen(Exception):
    """The address cannot be listened on."""


class WireProtocol(HttpToolsProtocol):
    """uvicorn's own, but that even a request which is no HTTP is refused in our one error shape."""

    def send_400_response(self, msg: str) -> None:
        told = tell(Refused(ErrorCode.INVALID_VALUE, "cannot read the request: it is not HTTP/1.1"))
        head = b"HTTP/1.1 %d Bad Request\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
        self.transport.write(
            head % (told.status, len(told.payload)) + b"connection: close\r\n\r\n" + told.payload
        )
        self.transport.close()


class Server(uvicorn.Server):
    """Asks the application to end what still runs when the grace is over."""

    def __init__(self, config: uvicorn.Config, end_all: Callable[[], None], grace_s: float) -> None:
        super().__init__(config)
        self._end_all = end_all
        self._grace_s = grace_s
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Not uvicorn's own, which raises the signal again in the end and so hides a clean exit."""
        if self.should_exit:
            self.force_exit = True
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._end_all)
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        grace = asyncio.get_running_loop().call_later(self._grace_s, self._end_all)
        await super().shutdown(sockets)
        grace.cancel()
        if self.force_exit:  # uvicorn then leaves the application to be cancelled, as if it had crashed
            await self.lifespan.shutdown()


def configured(app: Application, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=WireProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=settings.keep_alive_s,
        timeout_graceful_shutdown=math.ceil(settings.stop_grace_s) + AFTER_GRACE_S,
    )


def serve(app: Application, end_all: Callable[[], None], settings: Settings) -> None:
    """Until a signal comes. Raises `CannotListen`."""
    listener = _listen(settings.host, settings.port)
    log.info("listening on http://%s:%d", settings.host, listener.getsockname()[1])
    Server(configured(app, settings), end_all, settings.stop_grace_s).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise CannotListen(
            f"cannot listen on {host}:{port}: {_why(error)}; choose another --host or --port"
        ) from None


def _why(error: OSError) -> str:
    """Python adds the address in its own notation; an unknown name has a number of another kind."""
    return str(error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0))
