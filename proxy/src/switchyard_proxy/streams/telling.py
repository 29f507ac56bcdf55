"""A stream, as far as a reader lacks it and then as it comes, written to a sink."""

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.asgi import Header
from switchyard_proxy.errors import Refused, Unavailable
from switchyard_proxy.replies import Sink
from switchyard_proxy.streams.listening import Beat, Listening, Overtaken, Pieces
from switchyard_proxy.streams.log import LogTrouble
from switchyard_proxy.streams.resume import KEEPALIVE, written
from switchyard_proxy.streams.stream import Kind, Status, Stream

LIVE: tuple[Header, ...] = ((b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"))


async def tell(listening: Listening, sink: Sink) -> None:
    """Raises `ProxyError` only before the reply begins. What cannot be told to its end is left incomplete, so
    that the connection breaks off: a reader must never take a part for the whole.
    """
    async with listening:
        stream = await _started(listening)
        await sink.start(stream.code or 200, _headers(stream))
        numbered = stream.has_events and stream.kind is not Kind.RESPONSES  # those carry their own numbers
        try:
            async for heard in listening:
                match heard:
                    case Pieces():
                        await sink.body(text_of(heard, numbered=numbered), last=False)
                    case Beat() if stream.has_events:
                        await sink.beat(KEEPALIVE if numbered else heard.data)
                    case Beat():
                        pass
        except (Overtaken, LogTrouble):
            return
        if is_whole(listening.stream):
            await sink.body(b"", last=True)


async def _started(listening: Listening) -> Stream:
    try:
        return await listening.started()
    except Overtaken as gone:
        raise Refused(ErrorCode.STREAM_NOT_FOUND, f"cannot read this stream: {gone}") from gone
    except LogTrouble as trouble:
        raise Unavailable(ErrorCode.OVERLOADED, str(trouble)) from trouble


def text_of(pieces: Pieces, *, numbered: bool) -> bytes:
    if not numbered:
        return b"".join(pieces.events)
    return b"".join(written(number, event) for number, event in enumerate(pieces.events, pieces.first))


def is_whole(stream: Stream) -> bool:
    """Whether its log ends with an end: a stream of events always does, a document that broke off cannot."""
    return stream.has_events or stream.status is Status.FINISHED or (stream.code or 200) >= 400


def _headers(stream: Stream) -> list[Header]:
    known = {name for name, _ in stream.headers}
    added = LIVE if stream.has_events else ()
    return [
        *stream.headers,
        *(header for header in added if header[0] not in known),
        (b"x-stream-id", stream.id.encode("latin-1")),
    ]
