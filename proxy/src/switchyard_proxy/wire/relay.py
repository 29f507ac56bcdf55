"""Pass an engine's reply to the client as it comes. Once it has begun, it never breaks off politely.

What breaks before a byte of the reply's body was passed is raised, for then somebody else may still answer.
Afterwards it is returned: by then the client has been told.
"""

import re

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.accounting.account import Outcome
from switchyard_proxy.errors import Broken, Cut, EngineLost, Unavailable
from switchyard_proxy.replies import JSON
from switchyard_proxy.sse import end_of_last_event
from switchyard_proxy.upstream.connection import Connection
from switchyard_proxy.wire.answer import Answer
from switchyard_proxy.wire.headers import is_event_stream, reply_headers, stream_headers
from switchyard_proxy.wire.passage import Passage

LARGEST_ERROR = 1024 * 1024
OF_THE_BODY = frozenset({b"content-type", b"content-length", b"content-encoding"})
# With what a stream says that it is over. One that ends with its connection may have been cut anywhere.
LAST_WORDS = {
    "openai_chat": (b"[DONE]", b'"error"'),
    "openai_completions": (b"[DONE]", b'"error"'),
    "openai_responses": (b'"response.completed"', b'"response.incomplete"', b'"response.failed"', b'"error"'),
    "anthropic": (b'"message_stop"', b'"error"'),
    "ollama": (b"[DONE]", b'"error"'),
}
# An engine that is stopped under a request, or put to sleep, ends its reply as if that were all, but for one
# word: where it may be, and what it is. Inside a string its quotes would be escaped, so no model can say it.
Words = tuple[bytes, re.Pattern[bytes]]
ABORTED: Words = (b'"abort"', re.compile(rb'"finish_reason": ?"abort"'))
STREAM_GIVEN_UP: dict[str, Words] = {
    "openai_chat": ABORTED,
    "openai_completions": ABORTED,
    "anthropic": (b'"message_delta"', re.compile(rb'"message_delta".*"stop_reason": ?null', re.DOTALL)),
    "ollama": ABORTED,
}
REPLY_GIVEN_UP = STREAM_GIVEN_UP | {
    "anthropic": (b'"stop_reason"', re.compile(rb'"stop_reason": ?null')),
}


async def pass_reply(connection: Connection, answer: Answer, passage: Passage) -> Broken | None:
    """Returns what broke the reply, if anything did. Raises `Broken` while nothing of it was passed."""
    passage.account.status = connection.status
    if passage.account.capture is not None:
        passage.account.capture.answers(connection.status, connection.headers)
    if connection.status >= 400:
        return await _pass_error(connection, answer, passage)
    if is_event_stream(connection.headers):
        return await _pass_events(connection, answer, passage)
    return await _pass_bytes(connection, answer, passage)


async def _pass_bytes(connection: Connection, answer: Answer, passage: Passage) -> Broken | None:
    """Broken off, the reply is left incomplete, and the server closes the connection under it."""
    data = await connection.read()
    while not data and not connection.ended:
        await answer.waits()
        data = await connection.read()
    if answer.committed and answer.is_stream:
        raise _no_stream()
    gives_up = REPLY_GIVEN_UP.get(answer.dialect.name)
    if _place_of(gives_up, data) is not None:
        raise _given_up()
    await answer.begin(connection.status, reply_headers(connection.headers))
    sink = answer.sink
    try:
        while True:
            if _place_of(gives_up, data) is not None:
                raise _given_up()
            if data or connection.ended:
                passage.sees(data)
                await sink.body(data, last=connection.ended)
            if sink.complete:
                return None
            data = await connection.read()
    except Broken as broken:
        return broken


async def _pass_error(connection: Connection, answer: Answer, passage: Passage) -> Broken | None:
    """An engine's own error: as it came if it has the one shape, else put into it, in the engine's words."""
    payload = await _whole(connection, answer)
    passage.account.outcome = Outcome.ENGINE_ERROR
    passage.sees(payload)
    sink = answer.sink
    if answer.committed and answer.is_stream:
        await sink.body(answer.voice.refused(connection.status, payload), last=True)
        return None
    if answer.committed:
        return Cut("the engine refused the request after its reply had begun")
    headers = reply_headers(connection.headers)
    if not answer.dialect.is_error(payload):
        payload = answer.dialect.foreign(connection.status, payload)
        headers = [JSON, *(header for header in headers if header[0] not in OF_THE_BODY)]
    elif connection.ended and not any(name == b"content-length" for name, _ in headers):
        headers.append((b"content-length", b"%d" % len(payload)))
    await answer.begin(connection.status, headers)
    await sink.body(payload, last=True)
    return None


async def _whole(connection: Connection, answer: Answer) -> bytes:
    parts, size = [], 0
    while not connection.ended and size < LARGEST_ERROR:
        data = await connection.read()
        if not data:
            await answer.waits()
        parts.append(data)
        size += len(data)
    return b"".join(parts)


async def _pass_events(connection: Connection, answer: Answer, passage: Passage) -> Broken | None:
    """Broken off, the stream gets one more event, which is an error."""
    await answer.begin_stream(connection.status, stream_headers(connection.headers))
    events, sink, pulse = answer.events, answer.sink, answer.pulse
    voice, last, gives_up = answer.voice, b"", STREAM_GIVEN_UP.get(answer.dialect.name)
    try:
        while not sink.complete:
            data = events.whole(await connection.read())
            ended = connection.ended
            if ended:
                rest = events.rest()
                if not connection.framed and _is_cut_short(rest, data or last, answer):
                    await _pass_last(data, answer, passage)
                    raise EngineLost("the engine closed the connection within the stream", answered=True)
                data += rest
            if (at := _place_of(gives_up, data)) is not None:
                await _pass_last(data[: end_of_last_event(data[:at])], answer, passage)
                raise _given_up()
            if data or ended:
                last = data
                pulse.moved = True
                await sink.body(voice.passes(passage.passes(data)) if data else b"", last=ended)
            else:
                await answer.waits()
    except Broken as broken:
        if passage.has_begun:
            return broken
        answer.committed = True  # to a stream: whoever answers next goes on in it
        raise
    return None


def _is_cut_short(rest: bytes, end: bytes, answer: Answer) -> bool:
    """Whether a stream that ended with its connection was cut, as far as its last events tell."""
    words = LAST_WORDS.get(answer.dialect.name)
    return bool(rest) or (words is not None and not any(word in end for word in words))


async def _pass_last(data: bytes, answer: Answer, passage: Passage) -> None:
    if data:
        await answer.sink.body(answer.voice.passes(passage.passes(data)), last=False)


def _place_of(words: Words | None, data: bytes) -> int | None:
    if words is None or words[0] not in data:
        return None
    found = words[1].search(data)
    return found.start() if found else None


def _given_up() -> EngineLost:
    return EngineLost("the engine gave the request up before it was done", answered=True)


def _no_stream() -> Unavailable:
    message = "cannot pass the reply on: a stream was asked for, and the engine sent none"
    return Unavailable(ErrorCode.BACKEND_UNAVAILABLE, message)
