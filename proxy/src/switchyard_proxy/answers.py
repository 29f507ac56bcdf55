"""What answers for each kind of row in the table of routes. Who may ask was checked before."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass

from starlette.requests import ClientDisconnect

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.access.callers import Caller
from switchyard_proxy.api import responses, router
from switchyard_proxy.api.facts import facts
from switchyard_proxy.api.health import health
from switchyard_proxy.api.management import CALLER
from switchyard_proxy.api.models import model, models
from switchyard_proxy.api.page import AnyPage
from switchyard_proxy.api.streams import list_streams, read_stream, stop_stream
from switchyard_proxy.asgi import Receive, Scope
from switchyard_proxy.errors import ClientGone, Refused
from switchyard_proxy.parts import Parts
from switchyard_proxy.replies import Reply
from switchyard_proxy.request import Request
from switchyard_proxy.routes import Route, Serves
from switchyard_proxy.wire.answer import COMMITTED as EVENTS
from switchyard_proxy.wire.hangup import while_client_stays

RESPONSES = {
    ("GET", ""): responses.retrieve,
    ("DELETE", ""): responses.delete,
    ("POST", "cancel"): responses.cancel,
    ("GET", "input_items"): responses.input_items,
}


@dataclass(slots=True)  # frozen, each would cost six times as much, and every request makes one
class Visit:
    """A request that was let in."""

    request: Request
    route: Route
    below: str  # of the path, below the row's own
    caller: Caller
    scope: Scope
    receive: Receive
    reply: Reply


class Answers:
    """Each raises `ProxyError` while nothing has gone out, and `ClientGone`."""

    def __init__(self, parts: Parts, page: AnyPage) -> None:
        self._parts = parts
        self._page = page
        self._created = int(time.time())
        self._by_kind: dict[Serves, Callable[[Visit], Awaitable[None]]] = {
            Serves.ENGINE: self._engine,
            Serves.PASS: self._path,
            Serves.OLLAMA: self._ollama,
            Serves.RESPONSE: self._response,
            Serves.STREAM: self._stream,
            Serves.MODELS: self._models,
            Serves.MODEL: self._model,
            Serves.ROUTER: self._router,
            Serves.MANAGEMENT: self._management,
            Serves.NOT_HERE: self._not_here,
            Serves.FACTS: self._facts,
            Serves.LIVE: self._live,
            Serves.MANAGER: self._manager,
            Serves.TOKENS: self._tokens,
            Serves.HEALTH: self._health,
            Serves.PAGE: self._shown,
        }

    def to(self, visit: Visit) -> Awaitable[None]:
        return self._by_kind[visit.route.serves](visit)

    async def _engine(self, visit: Visit) -> None:
        parts = self._parts
        serves = parts.service if visit.route.keeps is None else parts.keeping
        await serves.serve(visit.request, visit.route, visit.caller, visit.receive, visit.reply)

    async def _path(self, visit: Visit) -> None:
        await self._parts.service.serve_path(
            visit.request, visit.route, visit.below, visit.caller, visit.receive, visit.reply
        )

    async def _ollama(self, visit: Visit) -> None:
        await self._parts.ollama.serve(visit.request, visit.route, visit.caller, visit.receive, visit.reply)

    async def _response(self, visit: Visit) -> None:
        name, _, verb = visit.below.partition("/")
        answer = RESPONSES.get((visit.request.method, verb))
        if answer is None:
            raise nothing_at(visit.request.path)
        work = answer(visit.request, visit.reply, visit.caller, self._parts.streams, name)
        await while_client_stays(visit.request.client, work)

    async def _stream(self, visit: Visit) -> None:
        request, streams = visit.request, self._parts.streams
        if visit.route.path == "/v1/streams":
            await list_streams(request, visit.reply, visit.caller, streams)
            return
        answer = stop_stream if request.method == "DELETE" else read_stream
        work = answer(request, visit.reply, visit.caller, streams, visit.below or None)
        await while_client_stays(request.client, work)

    async def _models(self, visit: Visit) -> None:
        await visit.reply.json(models(self._parts.fleet, visit.caller, self._created))

    async def _model(self, visit: Visit) -> None:
        await visit.reply.json(model(self._parts.fleet, visit.caller, visit.below, self._created))

    async def _router(self, visit: Visit) -> None:
        parts, path = self._parts, visit.route.path
        if path in router.VERBS:
            body = await parts.service.body_of(visit.request, visit.receive)
            await visit.reply.json(await router.order(parts.fleet, parts.commands, visit.caller, path, body))
        else:
            await while_client_stays(visit.request.client, self._news(visit.reply))

    def _news(self, reply: Reply) -> Coroutine[None, None, None]:
        return _told(router.news(self._parts.fleet, self._parts.closing), reply)

    async def _management(self, visit: Visit) -> None:
        visit.scope[CALLER] = visit.caller
        try:
            await self._parts.management(visit.scope, visit.receive, visit.reply.of_another())
        except ClientDisconnect:
            raise ClientGone from None

    async def _not_here(self, visit: Visit) -> None:
        message = f"cannot serve {visit.route.path}: {visit.route.reason}"
        raise Refused(ErrorCode.UNSUPPORTED_ENDPOINT, message)

    async def _facts(self, visit: Visit) -> None:
        parts = self._parts
        caller = parts.gate.known(visit.request.headers)
        await visit.reply.json(facts(parts.settings, parts.sites, self._page.version, caller))

    async def _live(self, visit: Visit) -> None:
        events = self._parts.live.frames(visit.caller, self._still(visit))
        await while_client_stays(visit.request.client, _told(events, visit.reply))

    def _still(self, visit: Visit) -> Callable[[], bool]:
        """Whether the key of a visit that may last opens what it did."""
        gate, caller, headers = self._parts.gate, visit.caller, visit.request.headers
        return lambda: gate.known(headers) == caller

    async def _manager(self, visit: Visit) -> None:
        parts, request = self._parts, visit.request
        passage = parts.managers.check(request, visit.below, visit.caller)
        body = b"" if request.method == "GET" else await parts.service.body_of(request, visit.receive)
        await while_client_stays(request.client, passage.run(body, visit.reply, self._still(visit)))

    async def _tokens(self, visit: Visit) -> None:
        request = visit.request
        body = await self._parts.service.body_of(request, visit.receive)
        work = self._counted(request, body, visit)
        await while_client_stays(request.client, work)

    async def _counted(self, request: Request, body: bytes, visit: Visit) -> None:
        await visit.reply.json(await self._parts.token_counts.count(request, body, visit.caller))

    async def _health(self, visit: Visit) -> None:
        await visit.reply.json(health(self._parts.sites))

    async def _shown(self, visit: Visit) -> None:
        accepts = visit.request.header(b"accept-encoding")
        headers, content = await self._page.file(visit.below, accepts)
        await visit.reply.whole(200, headers, content)


async def _told(events: AsyncGenerator[bytes], reply: Reply) -> None:
    """A stream of events, to its end."""
    async with aclosing(events):
        await reply.start(200, EVENTS)
        async for frames in events:
            await reply.body(frames, last=False)
        await reply.body(b"", last=True)


def nothing_at(path: str) -> Refused:
    message = f"cannot find {path}: nothing is served there; OpenAI's paths begin with /v1"
    return Refused(ErrorCode.UNKNOWN_URL, message)
