"""uvicorn with our rules for listening and stopping. Knows nothing of what the application does.

The first signal stops accepting; what runs has the grace, and is then ended by the application, which tells
its clients. The second signal ends it at once.
"""

import asyncio
import gc
import logging
import math
import os
import resource
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Protocol, runtime_checkable

import uvicorn

from switchyard_proxy.asgi import Receive, Scope, Send
from switchyard_proxy.http import Limits, WireProtocol

log = logging.getLogger(__name__)
AFTER_GRACE_S = 5  # for a client that does not take even its last words
TICKS_PER_SWEEP = 10  # uvicorn ticks ten times a second
YOUNG = 20_000  # objects made until the collector looks: what the wire makes is freed without it
READY = b"!"
KEEP_ALIVE_S = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
Application = Callable[[Scope, Receive, Send], object]


class Patience(Protocol):
    """What the settings of whoever is served say of its clients, in seconds but for how many there may be."""

    @property
    def header_wait_s(self) -> float: ...
    @property
    def write_stall_s(self) -> float: ...
    @property
    def keep_alive_s(self) -> int: ...
    @property
    def max_connections(self) -> int: ...
    @property
    def stop_grace_s(self) -> float: ...


@runtime_checkable
class Counts(Protocol):
    """An application that wants to know how many connections are open."""

    def counts_connections(self, count: Callable[[], int]) -> None: ...


class CannotListen(Exception):
    """The address cannot be listened on."""


class Server(uvicorn.Server):
    """Asks the application to end what still runs when the grace is over."""

    def __init__(
        self,
        config: uvicorn.Config,
        end_all: Callable[[], None],
        grace_s: float,
        lifeline: socket.socket | None = None,
    ) -> None:
        """`lifeline` leads to a parent: it hears when this serves, and its end is as good as a signal."""
        super().__init__(config)
        self._end_all = end_all
        self._grace_s = grace_s
        self._lifeline = lifeline
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        app: object = self.config.app
        if isinstance(app, Counts):
            app.counts_connections(lambda: len(self.server_state.connections))
        await super().startup(sockets)

    async def main_loop(self) -> None:
        settle_memory()
        if self._lifeline is not None:
            self._lifeline.settimeout(0)
            self._lifeline.send(READY)
            asyncio.get_running_loop().add_reader(self._lifeline, self._parent_is_gone, self._lifeline)
        await super().main_loop()

    def _parent_is_gone(self, lifeline: socket.socket) -> None:
        asyncio.get_running_loop().remove_reader(lifeline)
        log.error("the process that started this one is gone: it ends, too")
        self.handle_exit(signal.SIGTERM, None)

    async def on_tick(self, counter: int) -> bool:
        if counter % TICKS_PER_SWEEP == 0:
            self.sweep(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    def sweep(self, now: float) -> None:
        """Close the connections whose clients have been too slow."""
        for connection in list(self.server_state.connections):
            if isinstance(connection, WireProtocol):
                connection.sweep(now)

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


def configured(app: Application, settings: Patience) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=WireProtocol.within(
            Limits(
                settings.header_wait_s, settings.write_stall_s, settings.keep_alive_s, settings.max_connections
            )
        ),
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=math.ceil(settings.stop_grace_s) + AFTER_GRACE_S,
    )


def serve(
    app: Application,
    end_all: Callable[[], None],
    settings: Patience,
    listener: socket.socket,
    lifeline: socket.socket | None = None,
) -> None:
    """Until a signal comes."""
    allow_files()
    server = Server(configured(app, settings), end_all, settings.stop_grace_s, lifeline)
    server.run(sockets=[listener])


def listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """`shared` with other sockets of ours. Raises `CannotListen`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048, reuse_port=shared)
    except OSError as error:
        raise CannotListen(
            f"cannot listen on {host}:{port}: {_why(error)}; choose another --host or --port"
        ) from None
    # What it accepts inherits this: a client whose machine is gone would else hold its place while it waits.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # The event loop sets this only where a socket says that it is TCP, which this one does not.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for name, value in KEEP_ALIVE_S.items():
        if hasattr(socket, name):
            listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return listener


def settle_memory() -> None:
    """What is there at start stays, and is not looked through again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)


def allow_files() -> None:
    """A client and its engine are two; what a process may usually have open is too few for a busy proxy."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _why(error: OSError) -> str:
    """Python adds the address in its own notation; an unknown name has a number of another kind."""
    return str(error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0))
