"""Ollama's API over the same wire: its requests become OpenAI's, and what is answered is translated back."""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.access.callers import Caller, Role
from switchyard_proxy.asgi import Receive
from switchyard_proxy.bodies.fields import read_fields
from switchyard_proxy.dialects.catalogue import OLLAMA
from switchyard_proxy.dialects.ollama import documents
from switchyard_proxy.dialects.ollama.requests import Asked as Wanted
from switchyard_proxy.dialects.ollama.requests import Wish, model_in, read_object, read_request
from switchyard_proxy.dialects.ollama.sink import LINES, OllamaSink
from switchyard_proxy.errors import ProxyError, Refused
from switchyard_proxy.replies import Reply
from switchyard_proxy.request import Request
from switchyard_proxy.routes import Route, Table
from switchyard_proxy.routing import refusals
from switchyard_proxy.wire.asked import Asked
from switchyard_proxy.wire.fleet import Fleet
from switchyard_proxy.wire.hangup import while_client_stays
from switchyard_proxy.wire.service import Service

Command = Callable[[str, str], Awaitable[object]]  # a verb and a model
log = logging.getLogger(__name__)
GENERATING = frozenset({"/api/chat", "/api/generate", "/api/embed", "/api/embeddings"})


class Ollama:
    """`command` is how a model is loaded and unloaded."""

    def __init__(self, service: Service, fleet: Fleet, table: Table, command: Command, since: int) -> None:
        self._service = service
        self._fleet = fleet
        self._table = table
        self._command = command
        self._since = since

    async def serve(
        self, request: Request, route: Route, caller: Caller, receive: Receive, reply: Reply
    ) -> None:
        """Raises `ProxyError` while nothing has gone out, and `ClientGone`."""
        if route.path in GENERATING:
            await self._ask(request, route, caller, receive, reply)
            return
        models = [
            model
            for model in self._fleet.directory.models
            if caller.models is None or model.name in caller.models
        ]
        match route.path:
            case "/api/tags":
                await reply.json(documents.tags(models, self._since))
            case "/api/ps":
                await reply.json(documents.ps(models))
            case "/api/version":
                await reply.json(documents.version())
            case _:
                body = read_object(await self._service.body_of(request, receive))
                name = model_in(body)
                found = documents.find(models, name)
                if found is None:
                    raise refusals.unknown(name, models, [model.name for model in models])
                if route.path == "/api/show":
                    await reply.json(documents.show(found, self._since))
                else:
                    await reply.whole(200, [LINES], documents.pulled(streams=body.get("stream") is not False))

    async def _ask(
        self, request: Request, route: Route, caller: Caller, receive: Receive, reply: Reply
    ) -> None:
        with self._service.accounted(request, route, caller) as account:
            body = await self._service.body_of(request, receive)
            wanted = read_request(route.path, body, self._is_known)
            sink = OllamaSink(reply, wanted, time.time_ns)
            asked = self._as_openai(request, wanted, caller)
            if wanted.wish is Wish.ANSWER:
                work = self._service.answer(asked, account, sink, request.client)
                await while_client_stays(request.client, work)
            else:
                self._check(asked, unloads=wanted.wish is Wish.UNLOAD)
                await self._command("load" if wanted.wish is Wish.LOAD else "unload", wanted.model)
                await sink.idle()
        if wanted.wish is Wish.ANSWER and wanted.unload_after and caller.may(Role.OPERATE):
            await self._unload(wanted.model)

    def _check(self, asked: Asked, *, unloads: bool) -> None:
        """Whoever may use a model may have it loaded; to take it from all others needs an operator."""
        self._service.choose(asked)
        if unloads:
            self._service.check(asked.caller, Role.OPERATE)

    async def _unload(self, model: str) -> None:
        """After an answer, which is what the client came for: there is nobody to tell that this failed."""
        try:
            await self._command("unload", model)
        except ProxyError as error:
            log.warning("cannot unload %s after its answer, as was asked: %s", model, error)

    def _as_openai(self, request: Request, wanted: Wanted, caller: Caller) -> Asked:
        found = self._table.find(wanted.path)
        if found is None:
            raise Refused(ErrorCode.UNKNOWN_URL, f"cannot find {wanted.path}: nothing is served there")
        route = replace(found[0], dialect=OLLAMA)
        return Asked(request, route, wanted.path.encode(), caller, wanted.body, read_fields(wanted.body))

    def _is_known(self, name: str) -> bool:
        return self._fleet.directory.named(name) is not None
