"""`/v1/streams`: what is kept of resumable streams, read again from any event, and stopped.

`/v1/stream?conv_id=…` is the same by the name that the client gave the conversation, as llama.cpp has it.
"""

import json
from typing import Any

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.access.callers import Caller, Role
from switchyard_proxy.errors import Refused
from switchyard_proxy.replies import Reply
from switchyard_proxy.request import Request
from switchyard_proxy.streams.hub import Streams
from switchyard_proxy.streams.resume import after_of, query_of
from switchyard_proxy.streams.stream import Stream
from switchyard_proxy.streams.telling import tell


def owner_of(caller: Caller) -> str | None:
    """Whose streams this caller may see; None for everybody's."""
    return None if caller.may(Role.ADMIN) else caller.name


async def list_streams(request: Request, reply: Reply, caller: Caller, streams: Streams) -> None:
    """`GET /v1/streams`, and with `?conv_id=` those of one conversation."""
    wanted = query_of(request).get("conv_id")
    found = await streams.listed(owner_of(caller))
    shown = [_shown(stream) for stream in found if wanted in (None, stream.conversation)]
    await reply.json(json.dumps({"object": "list", "data": shown}).encode())


async def read_stream(
    request: Request, reply: Reply, caller: Caller, streams: Streams, stream_id: str | None
) -> None:
    """`GET /v1/streams/{id}`: what was logged after the reader's last event, and then what comes.

    None for an id: `?conv_id=` names the conversation whose newest stream is meant.
    """
    stream = await _named(request, caller, streams, stream_id)
    await tell(streams.listening(stream, after_of(request)), reply)


async def stop_stream(
    request: Request, reply: Reply, caller: Caller, streams: Streams, stream_id: str | None
) -> None:
    """`DELETE /v1/streams/{id}`: ends a stream that runs, and forgets one that is over."""
    stream = await _named(request, caller, streams, stream_id)
    deleted = stream.status.over
    if deleted:
        await streams.delete(stream)
    else:
        stream = await streams.cancel(stream)
    await reply.json(json.dumps(_shown(stream) | {"deleted": deleted}).encode())


async def _named(request: Request, caller: Caller, streams: Streams, stream_id: str | None) -> Stream:
    if stream_id is not None:
        return await streams.find(stream_id, owner_of(caller))
    conversation = query_of(request).get("conv_id")
    if not conversation:
        message = "cannot tell which stream is meant: add `?conv_id=`, or ask /v1/streams/{id}"
        raise Refused(ErrorCode.MISSING_REQUIRED_PARAMETER, message, "conv_id")
    return await streams.find_conversation(conversation, owner_of(caller))


def _shown(stream: Stream) -> dict[str, Any]:
    return {
        "id": stream.id,
        "object": "stream",
        "model": stream.model,
        "kind": stream.kind,
        "status": stream.status,
        "conversation_id": stream.conversation,
        "background": stream.background,
        "created_at": int(stream.created_at),
        "ended_at": None if stream.ended_at is None else int(stream.ended_at),
        "http_status": stream.code,
        "content_type": stream.content_type.decode("latin-1") or None,
        "first_event": stream.first,
        "last_event": stream.last,
        "bytes": stream.size,
    }
