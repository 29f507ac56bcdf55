"""The one long-lived connection to the manager: opened, kept, opened again. Decides nothing about grants.

While the manager is away the grants stay good and streams go on; when it is back the two greet each other and
whatever it does not revoke stays good.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from pydantic import ValidationError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from switchyard_contracts.grants import (
    PATH,
    PROTOCOL,
    FromManager,
    FromProxy,
    Granted,
    Loading,
    Models,
    Refused,
    Revoke,
    Welcome,
    read_from_manager,
)
from switchyard_proxy.grants.known_models import KnownModels
from switchyard_proxy.grants.leases import Leases

log = logging.getLogger(__name__)
LARGEST_MESSAGE = 16 * 1024 * 1024
OPEN_WAIT_S = 5.0
PING_EVERY_S = 10.0


class NotOurManager(Exception):
    """What answers there speaks another protocol."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before the next attempt: ever longer, never in step with another proxy."""

    first_s: float = 0.2
    last_s: float = 5.0

    def delays(self) -> Iterator[float]:
        delay_s = self.first_s
        while True:
            yield delay_s * random.uniform(0.5, 1.0)  # noqa: S311  # jitter, not a secret
            delay_s = min(delay_s * 2, self.last_s)


@dataclass(frozen=True, slots=True)
class Manager:
    """Where the manager is, and the token that it shares with us."""

    url: str
    token: str | None = None

    @property
    def control_url(self) -> str:
        return f"ws{self.url.removeprefix('http')}{PATH}"

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}


class Link:
    """Keeps the connection. `connected` says whether the manager has been met on it."""

    def __init__(self, manager: Manager, leases: Leases, known: KnownModels, backoff: Backoff) -> None:
        self.connected = False
        self.manager = manager
        self._leases = leases
        self._known = known
        self._backoff = backoff
        self._complaint = ""

    async def run(self) -> None:
        """Until cancelled."""
        delays = self._backoff.delays()
        while True:
            try:
                if await self._attempt():
                    delays = self._backoff.delays()
            except Exception:
                log.exception("the connection to the manager ended by a fault of the proxy; trying again")
            await asyncio.sleep(next(delays))

    async def _attempt(self) -> bool:
        """One connection from its beginning to its end; whether the manager was met on it."""
        ended: Exception | None
        try:
            async with connect(
                self.manager.control_url,
                additional_headers=self.manager.headers,
                proxy=None,
                compression=None,
                max_size=LARGEST_MESSAGE,
                open_timeout=OPEN_WAIT_S,
                ping_interval=PING_EVERY_S,
                ping_timeout=PING_EVERY_S,
                close_timeout=1,
            ) as socket:
                ended = await self._converse(socket)
        except (OSError, TimeoutError, WebSocketException) as error:
            ended = error
        self._complain(ended)
        met, self.connected = self.connected, False
        return met

    async def _converse(self, socket: ClientConnection) -> Exception | None:
        outbox: asyncio.Queue[FromProxy] = asyncio.Queue()
        self._leases.greet(outbox.put_nowait)
        try:
            async with asyncio.TaskGroup() as tasks:
                sender = tasks.create_task(_send_all(socket, outbox))
                ended = await self._hear_all(socket)
                sender.cancel()
        finally:
            self._leases.parted()
        return ended

    async def _hear_all(self, socket: ClientConnection) -> Exception | None:
        """Until the connection ends. Says why, and raises nothing that a group of tasks would wrap."""
        try:
            async for text in socket:
                self._hear(read_from_manager(text))
        except (WebSocketException, ValidationError, NotOurManager) as error:
            return error
        return None

    def _hear(self, word: FromManager) -> None:
        match word:
            case Welcome():
                self._meet(word)
            case Models():
                self._known.replace(word)
            case Granted():
                self._leases.granted(word)
            case Revoke():
                self._leases.revoked(word)
            case Refused():
                self._leases.refused(word)
            case Loading():
                self._known.note(word)
            case _:
                assert_never(word)

    def _meet(self, word: Welcome) -> None:
        if word.protocol != PROTOCOL:
            raise NotOurManager(
                f"it speaks protocol {word.protocol}, we speak {PROTOCOL}; install one version of both"
            )
        self.connected = True
        self._leases.met()
        self._complaint = ""
        log.info("met the manager %s at %s", word.manager, self.manager.url)

    def _complain(self, error: Exception | None) -> None:
        """Once for each new reason: an absent manager must not fill the log."""
        if self.connected:
            complaint = f"lost the manager at {self.manager.url}: {error or 'it closed the connection'}"
        elif isinstance(error, InvalidStatus) and error.response.status_code in (401, 403):
            complaint = (
                f"cannot talk to the manager at {self.manager.url}: it wants another token; see --token-file"
            )
        else:
            complaint = f"cannot reach the manager at {self.manager.url}: {error or 'it closed the connection'}"
        if complaint != self._complaint:
            log.warning("%s; trying again", complaint)
        self._complaint = complaint


async def _send_all(socket: ClientConnection, outbox: asyncio.Queue[FromProxy]) -> None:
    with contextlib.suppress(ConnectionClosed):  # the hearing side learns of it too, and says so
        while True:
            message = await outbox.get()
            await socket.send(message.model_dump_json())
