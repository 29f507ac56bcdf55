"""Pass an engine's reply to the client as it comes. Once it has begun, it never breaks off politely."""

from switchyard_proxy.errors import Broken
from switchyard_proxy.replies import Reply
from switchyard_proxy.sse import Events
from switchyard_proxy.upstream.connection import Connection
from switchyard_proxy.wire.headers import is_event_stream, reply_headers, stream_headers


async def pass_reply(connection: Connection, reply: Reply) -> Broken | None:
    """Returns what broke the reply, if anything did; the client has been told by then."""
    if is_event_stream(connection.headers):
        return await _pass_events(connection, reply)
    return await _pass_bytes(connection, reply)


async def _pass_bytes(connection: Connection, reply: Reply) -> Broken | None:
    """Broken off, the reply is left incomplete, and the server closes the connection under it."""
    await reply.start(connection.status, reply_headers(connection.headers))
    try:
        while not reply.complete:
            data = await connection.read()
            await reply.body(data, last=connection.ended)
    except Broken as broken:
        return broken
    return None


async def _pass_events(connection: Connection, reply: Reply) -> Broken | None:
    """Broken off, the stream gets one more event, which is an error."""
    await reply.start(connection.status, stream_headers(connection.headers))
    events = Events()
    try:
        while not reply.complete:
            data = events.whole(await connection.read())
            if connection.ended:
                await reply.body(data + events.rest(), last=True)
            elif data:
                await reply.body(data, last=False)
    except Broken as broken:
        await reply.body(events.break_off(f"cannot finish the reply: {broken}"), last=True)
        return broken
    return None
