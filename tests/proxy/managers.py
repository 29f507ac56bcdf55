"""Managers named for how they behave: real websocket servers that speak the contracts."""

import asyncio
import contextlib
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from switchyard_contracts.catalog import Engine, ModelType
from switchyard_contracts.errors import ErrorBody
from switchyard_contracts.grants import (
    PATH,
    Broken,
    FromManager,
    FromProxy,
    Granted,
    Hello,
    Models,
    Refused,
    Revoke,
    Want,
    Welcome,
    read_from_proxy,
)
from switchyard_contracts.status import ModelStatus, Phase

SOON_S = 5.0
M = TypeVar("M", bound=FromProxy)


def status(name: str, kind: ModelType = ModelType.TEXT, **more: object) -> ModelStatus:
    fields = {"engine": Engine.VLLM, "phase": Phase.READY, **more}
    return ModelStatus.model_validate({"name": name, "type": kind, **fields})


@dataclass
class GrantsWhatIsWanted:
    """Every model that has an endpoint is granted to whoever wants it, under a new id each time."""

    models: list[ModelStatus]
    endpoints: dict[str, str]
    headers: dict[str, str] = field(default_factory=dict)
    token: str | None = None
    heard: list[FromProxy] = field(default_factory=list)
    protocol: int = 1
    port: int = 0

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)
        self._news = asyncio.Condition()
        self._socket: ServerConnection | None = None
        self._server: Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> "GrantsWhatIsWanted":
        self._server = await serve(
            self._converse, "127.0.0.1", self.port, process_request=self._check, close_timeout=1
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def vanish(self) -> None:
        """As when the process is killed: the connection drops, and nothing listens."""
        if self._server is not None:
            self._server.close(close_connections=False)
            for socket in list(self._server.connections):
                socket.transport.abort()
            await self._server.wait_closed()
            self._server = None

    close = vanish

    async def say(self, word: FromManager) -> None:
        assert self._socket is not None
        await self._socket.send(word.model_dump_json())

    async def grant(self, model: str) -> str:
        grant = f"g{next(self._numbers)}"
        await self.say(Granted(model=model, grant=grant, endpoint=self.endpoints[model], headers=self.headers))
        return grant

    async def revoke(self, model: str, grant: str, drain_s: float | None = None) -> None:
        await self.say(Revoke(model=model, grant=grant, drain_s=drain_s))

    async def hear(self, kind: type[M], times: int = 1) -> M:
        """The message of that kind heard last, once so many of them were heard."""
        async with asyncio.timeout(SOON_S), self._news:
            await self._news.wait_for(lambda: len(self.of(kind)) >= times)
        return self.of(kind)[-1]

    def of(self, kind: type[M]) -> list[M]:
        return [word for word in self.heard if isinstance(word, kind)]

    async def answer(self, word: FromProxy) -> None:
        """What the manager does about a message; other managers do other things."""
        if isinstance(word, Want) and word.model in self.endpoints:
            await self.grant(word.model)

    def _check(self, connection: ServerConnection, request: Request) -> Response | None:
        given = request.headers.get("Authorization")
        if request.path != PATH or (self.token is not None and given != f"Bearer {self.token}"):
            return connection.respond(403, "no\n")
        return None

    async def _converse(self, socket: ServerConnection) -> None:
        self._socket = socket
        with contextlib.suppress(ConnectionClosed):
            async for text in socket:
                word = read_from_proxy(text)
                if isinstance(word, Hello):
                    await self._greet()
                async with self._news:
                    self.heard.append(word)
                    self._news.notify_all()
                await self.answer(word)

    async def _greet(self) -> None:
        await self.say(Welcome(protocol=self.protocol, manager="test", version="0"))
        await self.say(Models(models=tuple(self.models)))


class NeverAnswers(GrantsWhatIsWanted):
    """Hears what is wanted, and says nothing."""

    async def answer(self, word: FromProxy) -> None:
        return


class RevokesItsFirstGrant(GrantsWhatIsWanted):
    """Changes its mind in the same breath, once, and lets nothing finish."""

    async def answer(self, word: FromProxy) -> None:
        await super().answer(word)
        if isinstance(word, Want) and len(self.of(Want)) == 1:
            await self.revoke(word.model, "g1", drain_s=0)


@dataclass
class RefusesTickets(GrantsWhatIsWanted):
    """Every ticket is refused, with one error."""

    error: ErrorBody | None = None
    retry_after_s: int | None = None

    async def answer(self, word: FromProxy) -> None:
        if isinstance(word, Want):
            assert self.error is not None
            await self.say(
                Refused(
                    model=word.model, ticket=word.ticket, error=self.error, retry_after_s=self.retry_after_s
                )
            )


@dataclass
class StartsAnotherEngine(GrantsWhatIsWanted):
    """When an engine is reported broken, the next one takes its place."""

    replacements: Iterable[str] = ()

    async def answer(self, word: FromProxy) -> None:
        if isinstance(word, Broken):
            replacements = iter(self.replacements)
            self.endpoints[word.model] = next(replacements)
            self.replacements = list(replacements)
        await super().answer(word)
