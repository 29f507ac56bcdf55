"""`/v1/responses/{id}` and what is below it: responses that were kept, whoever made them and however."""

import json

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.access.callers import Caller
from switchyard_proxy.api.streams import owner_of
from switchyard_proxy.errors import Refused
from switchyard_proxy.replies import Reply
from switchyard_proxy.request import Request
from switchyard_proxy.streams.hub import Streams
from switchyard_proxy.streams.input_items import Page, items_of, page_of
from switchyard_proxy.streams.listening import Beat, Listening, Pieces
from switchyard_proxy.streams.responses import ENDS, Object, fold, number_of, object_in, queued
from switchyard_proxy.streams.resume import query_of, whole_number
from switchyard_proxy.streams.stream import Kind, Status, Stream
from switchyard_proxy.streams.telling import tell


async def retrieve(request: Request, reply: Reply, caller: Caller, streams: Streams, response_id: str) -> None:
    """`GET /v1/responses/{id}`; with `?stream=true` its events, after `starting_after` if that is given."""
    stream = await _response(streams, caller, response_id)
    query = query_of(request)
    if query.get("stream", "false").lower() not in ("true", "1"):
        await _show(reply, await response_of(streams, stream))
        return
    if stream.code is not None and not stream.has_events:
        message = "cannot stream this response: it was not made as a stream; retrieve it without `stream`"
        raise Refused(ErrorCode.INVALID_VALUE, message, "stream")
    after = whole_number(query["starting_after"], "starting_after") if "starting_after" in query else -1
    await tell(After(streams.listening(stream, stream.first - 1), after), reply)


async def cancel(request: Request, reply: Reply, caller: Caller, streams: Streams, response_id: str) -> None:
    """`POST /v1/responses/{id}/cancel`. Again, it changes nothing."""
    stream = await _response(streams, caller, response_id)
    if not stream.background:
        message = "cannot cancel this response: only those made with `background: true` can be cancelled"
        raise Refused(ErrorCode.INVALID_VALUE, message, "background")
    await _show(reply, await response_of(streams, await streams.cancel(stream)))


async def delete(request: Request, reply: Reply, caller: Caller, streams: Streams, response_id: str) -> None:
    """`DELETE /v1/responses/{id}`."""
    await streams.delete(await _response(streams, caller, response_id))
    await _show(reply, {"id": response_id, "object": "response", "deleted": True})


async def input_items(
    request: Request, reply: Reply, caller: Caller, streams: Streams, response_id: str
) -> None:
    """`GET /v1/responses/{id}/input_items`."""
    stream = await _response(streams, caller, response_id)
    page = Page.of(query_of(request))
    body = await streams.request(stream)
    if not body:
        message = f"cannot list the input of {response_id!r}: it was too large to be kept"
        raise Refused(ErrorCode.STREAM_NOT_FOUND, message)
    await _show(reply, page_of(items_of(stream.id, object_in(body).get("input")), page))


async def response_of(streams: Streams, stream: Stream) -> Object:
    """The response as it is now."""
    if stream.code is not None and not stream.has_events:
        return object_in(b"".join(await streams.events(stream)))
    if stream.status is Status.FINISHED:
        ended = await streams.events(stream, max(stream.last - 2, stream.first - 1))
        response = fold({}, ended)
        if response.get("id") and response.get("output"):
            return response
    response = fold(queued(stream, await streams.request(stream)), await streams.events(stream))
    if stream.status in ENDS and response.get("status") in ("queued", "in_progress"):
        response["status"] = ENDS[stream.status]
    return response


class After:
    """A reader of a response's events who has those up to a `sequence_number`: the number that clients know."""

    def __init__(self, listening: Listening, number: int) -> None:
        self._listening = listening
        self._number = number
        self._passing = number < 0

    @property
    def stream(self) -> Stream:
        return self._listening.stream

    async def started(self) -> Stream:
        return await self._listening.started()

    async def __aenter__(self) -> "After":
        await self._listening.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._listening.__aexit__(None, None, None)

    def __aiter__(self) -> "After":
        return self

    async def __anext__(self) -> Pieces | Beat:
        while True:
            heard = await self._listening.__anext__()
            if self._passing or isinstance(heard, Beat):
                return heard
            skipped = next((at for at, event in enumerate(heard.events) if self._is_new(event)), None)
            if skipped is not None:
                self._passing = True
                return Pieces(heard.first + skipped, heard.events[skipped:])

    def _is_new(self, event: bytes) -> bool:
        number = number_of(event)
        return number is not None and number > self._number


async def _response(streams: Streams, caller: Caller, response_id: str) -> Stream:
    stream = await streams.find(response_id, owner_of(caller))
    if stream.kind is not Kind.RESPONSES:
        raise Refused(
            ErrorCode.STREAM_NOT_FOUND, f"cannot find the response {response_id!r}: it is no response"
        )
    return stream


async def _show(reply: Reply, shown: Object) -> None:
    await reply.json(json.dumps(shown, ensure_ascii=False).encode())
