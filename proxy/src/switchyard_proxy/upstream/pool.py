"""Connections to engines: opened, kept alive, reused last in first out. Knows HTTP from `connection` only.

There is no limit on how long an engine may take to answer: that is its business, and the client's.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol
from urllib.parse import urlsplit

from switchyard_proxy.errors import Cut, EngineLost
from switchyard_proxy.upstream.connection import Connection

MOST_IDLE = 64  # per engine; more than that were a burst, and the engine may want its sockets back


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an engine listens."""

    host: str
    port: int
    prefix: bytes
    authority: bytes


@lru_cache(maxsize=256)
def endpoint_at(url: str) -> Endpoint:
    """Raises `EngineLost` for an address that cannot be connected to."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 80
    except ValueError:
        host, port, parts = None, 0, urlsplit("")
    if parts.scheme != "http" or host is None:
        raise EngineLost(f"the engine's address is not of the form http://host:port: {url!r}", answered=False)
    return Endpoint(host, port, parts.path.rstrip("/").encode(), parts.netloc.rpartition("@")[2].encode())


@dataclass(slots=True)  # frozen, each would cost six times as much, and every request makes one
class Question:
    """A request as it goes out: whole, or a head and a body in pieces that can be had again."""

    head: bytes
    body: bytes = b""
    pieces: Callable[[], AsyncIterator[bytes]] | None = None
    once: bool = False  # its pieces cannot be had again: it is sent on a connection of its own


class Asking(Protocol):
    """Whoever asks."""

    def began(self, connection: Connection) -> None:
        """This connection is about to be used."""

    async def waits(self) -> None:
        """The connection was nudged, and no reply has begun."""


class Upstream:
    """The pool. Only connections on which a whole reply was read come back to it."""

    def __init__(self, connect_wait_s: float) -> None:
        self._connect_wait_s = connect_wait_s
        self._idle: dict[Endpoint, list[Connection]] = {}

    @property
    def idle(self) -> int:
        return sum(map(len, self._idle.values()))

    async def ask(self, endpoint: Endpoint, question: Question, asking: Asking) -> Connection:
        """Send a request; return when the head of the reply is there.

        An engine may close a kept-alive connection just as it is used again: a request that met that, and of
        whose reply not one byte came, is sent once more on a new connection. Raises `Broken`.
        """
        kept = None if question.once else self._take(endpoint)
        if kept is not None:
            try:
                return await self._ask(kept, question, asking)
            except EngineLost as lost:
                if lost.answered:
                    raise
        return await self._ask(await self._connect(endpoint), question, asking)

    def give_back(self, endpoint: Endpoint, connection: Connection) -> None:
        """The exchange is over for the client: keep the connection, or close it at once."""
        connection.on_over = None
        idle = self._idle.setdefault(endpoint, [])
        if connection.reusable and len(idle) < MOST_IDLE:
            idle.append(connection)
        else:
            connection.abort(Cut("the exchange is over"))

    def close(self) -> None:
        for connection in [connection for idle in self._idle.values() for connection in idle]:
            connection.abort(Cut("the proxy stops"))

    async def _ask(self, connection: Connection, question: Question, asking: Asking) -> Connection:
        try:
            asking.began(connection)
            connection.send(question.head, question.body)
            if question.pieces is not None:
                await connection.send_pieces(question.pieces(), asking.waits)
            while not await connection.answered():
                await asking.waits()
        except BaseException:
            connection.abort(Cut("the request was given up"))
            raise
        return connection

    def _take(self, endpoint: Endpoint) -> Connection | None:
        idle = self._idle.get(endpoint)
        while idle:
            connection = idle.pop()
            if connection.reusable:
                return connection
        return None

    async def _connect(self, endpoint: Endpoint) -> Connection:
        def forget(connection: Connection) -> None:
            idle = self._idle.get(endpoint, [])
            if connection in idle:
                idle.remove(connection)
            if not idle:
                self._idle.pop(endpoint, None)

        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._connect_wait_s):
                _, connection = await loop.create_connection(
                    lambda: Connection(forget), endpoint.host, endpoint.port
                )
        except TimeoutError:
            message = f"the engine took no connection within {self._connect_wait_s:g} s"
            raise EngineLost(message, answered=False) from None
        except OSError as error:
            raise EngineLost(f"the engine refuses connections: {error}", answered=False) from error
        return connection
