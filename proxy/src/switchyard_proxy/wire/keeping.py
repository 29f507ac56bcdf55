"""Replies that outlive their connection: resumable streams, and the Responses API, which keeps what it made.

A resumable or a background reply is made in a task of its own and written to a log; its client reads along
like anybody else. Any other response goes to its client, and into a log on the way.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import msgspec

from switchyard_contracts.serving import Rewrite
from switchyard_proxy.access.callers import Caller
from switchyard_proxy.asgi import Receive
from switchyard_proxy.bodies.fields import read_fields
from switchyard_proxy.errors import ClientGone, ProxyError
from switchyard_proxy.replies import Reply, Sink
from switchyard_proxy.request import Request
from switchyard_proxy.routes import Route
from switchyard_proxy.routing import rewriting
from switchyard_proxy.streams.background import FOR_ENGINE, kept_in
from switchyard_proxy.streams.hub import Streams
from switchyard_proxy.streams.recorder import Recorder
from switchyard_proxy.streams.responses import queued
from switchyard_proxy.streams.resume import Wish, wished
from switchyard_proxy.streams.stream import Kind, Order, Stream, new_id
from switchyard_proxy.streams.telling import tell
from switchyard_proxy.wire.asked import Asked, Said
from switchyard_proxy.wire.hangup import while_client_stays
from switchyard_proxy.wire.service import Service

BACKGROUND = (Rewrite(set=FOR_ENGINE),)


class Keeping:
    """In front of the service, for routes whose replies may be kept."""

    def __init__(self, service: Service, streams: Streams) -> None:
        self._service = service
        self._streams = streams

    async def serve(
        self, request: Request, route: Route, caller: Caller, receive: Receive, reply: Reply
    ) -> None:
        """Raises `ProxyError` while nothing has gone out, and `ClientGone`."""
        wish = wished(request)
        if wish is None and route.keeps is not Kind.RESPONSES:
            await self._service.serve(request, route, caller, receive, reply)
            return
        asked = await self._read(request, route, caller, receive)
        in_background = route.keeps is Kind.RESPONSES and asked.fields.background
        if wish is not None and not in_background:
            await self._resumable(asked, wish, reply)
        else:
            await self._response(asked, reply)

    async def _read(self, request: Request, route: Route, caller: Caller, receive: Receive) -> Asked:
        """Its account is opened when the work begins; a request that cannot be read has one all the same."""
        try:
            return await self._service.read(request, route, caller, receive)
        except (ProxyError, ClientGone):
            with self._service.accounted(request, route, caller):
                raise

    async def _resumable(self, asked: Asked, wish: Wish, reply: Reply) -> None:
        stream = self._streams.start(self._order(asked, wish.conversation), self._work(asked))
        await self._read_along(asked, stream, reply)

    async def _response(self, asked: Asked, reply: Reply) -> None:
        fields = asked.fields
        kept = kept_in({"background": fields.background, "store": fields.store, "stream": fields.stream})
        if kept.background:
            await self._in_background(asked, reply, streams=kept.stream)
            return
        with self._service.accounted(asked.request, asked.route, asked.caller) as account:
            client = asked.request.client
            if not kept.store:
                await while_client_stays(client, self._service.answer(asked, account, reply, client))
                return
            with Recorder(reply, self._streams, self._order(asked, None)) as sink:
                await while_client_stays(client, self._service.answer(asked, account, sink, client))

    async def _in_background(self, asked: Asked, reply: Reply, *, streams: bool) -> None:
        choice = self._service.choose(asked)  # what can be refused now is refused now
        body = asked.body if isinstance(asked.body, bytes) else b""
        for_engine = rewriting.apply(body, BACKGROUND, choice.asked)
        order = replace(self._order(asked, None), background=True, id=new_id(Kind.RESPONSES))
        said = Said(body, order.id)
        work = replace(asked, body=for_engine, fields=read_fields(for_engine), said=said)
        stream = self._streams.start(order, self._work(work))
        if streams:
            await self._read_along(asked, stream, reply)
        else:
            await reply.json(msgspec.json.encode(queued(stream, body)))

    def _work(self, asked: Asked) -> Callable[[Sink], Awaitable[None]]:
        async def make(sink: Sink) -> None:
            try:
                with self._service.accounted(asked.request, asked.route, asked.caller) as account:
                    await self._service.answer(asked, account, sink, None)
            finally:
                await asked.close()

        return make

    async def _read_along(self, asked: Asked, stream: Stream, reply: Reply) -> None:
        await while_client_stays(asked.request.client, tell(self._streams.listening(stream, 0), reply))

    def _order(self, asked: Asked, conversation: str | None) -> Order:
        request = asked.body if isinstance(asked.body, bytes) else b""
        kind = asked.route.keeps or Kind.CHAT
        return Order(asked.caller.name, asked.fields.model or "", kind, conversation, request=request)
