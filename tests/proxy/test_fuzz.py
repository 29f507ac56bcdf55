"""Whatever comes, from clients or from engines: no 500, no traceback, no hang, nothing left behind.

`SWITCHYARD_FUZZ` makes it longer: 1 is what a build can spare, 100 is an hour or so.
"""

import asyncio
import contextlib
import gc
import gzip
import json
import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.proxy.conftest import House
from tests.proxy.engines import DONE, Wire, chat_chunk, event, says_json, streams
from tests.proxy.odd_requests import Said, conversations
from tests.proxy.running import Line, RunningProxy

LONGER = int(os.environ.get("SWITCHYARD_FUZZ", "1"))
ANSWERED_WITHIN_S = 4.0  # two, and two for a machine that has much else to do
Tasks = set[asyncio.Task[Any]]
CHAT = "/v1/chat/completions"
OFTEN = settings(
    max_examples=500 * LONGER,
    phases=[
        Phase.explicit,
        Phase.reuse,
        Phase.generate,
        Phase.shrink,
    ],  # to explain, it traces what must not wait
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)


class Complaints(logging.Handler):
    """What must not be logged: tracebacks, and anything that is called an error."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info or record.levelno >= logging.ERROR:
            self.seen.append(f"{record.name}: {record.getMessage()} {record.exc_info}")


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    handler = Complaints()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


async def obliges(wire: Wire) -> None:
    """Answers as it was asked, in words that every API takes."""
    try:
        wants = json.loads(wire.seen.body).get("stream") is True
    except (ValueError, AttributeError, RecursionError):
        wants = False
    if wants:
        await streams([chat_chunk("hi"), chat_chunk(None, "stop"), DONE])(wire)
    else:
        await says_json({"id": "x", "choices": [], "data": []})(wire)


@pytest.fixture
async def open_house(house: House, complaints: Complaints, monkeypatch: pytest.MonkeyPatch) -> RunningProxy:
    """A proxy of which nothing but its time is asked."""
    # Once for each endpoint, FastAPI looks up its source for what it calls a fault's context.
    monkeypatch.setattr("fastapi.routing._extract_endpoint_context", lambda _: {})
    _, _, proxy = await house.serving(
        obliges,
        ollama="on",
        body_limit_mib=1,
        upload_limit_mib=1,
        load_wait_s=1,
        media_urls="refuse",
        stream_store="memory",
    )
    return proxy


async def _answer(proxy: RunningProxy, said: bytes, *, owed: bool) -> bytes:
    """All that comes back. An answer that is owed must begin in time; whoever then leaves is let go in time."""
    line = await Line.to(proxy)
    try:
        line.writer.write(said)
        begun = b""
        try:
            async with asyncio.timeout(ANSWERED_WITHIN_S if owed else 0.02):
                begun = await line.reader.read(65536)
        except TimeoutError:
            assert not owed, "no answer came"
        with contextlib.suppress(OSError):  # it may have been thrown out
            line.writer.write_eof()
        async with asyncio.timeout(ANSWERED_WITHIN_S):
            return begun + await line.reader.read()
    except ConnectionError:
        return b""  # it was thrown out while it still talked
    finally:
        line.writer.transport.abort()


async def _until_nothing_is_left(proxy: RunningProxy, before: Tasks) -> None:
    await proxy.until_idle()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ANSWERED_WITHIN_S):
            while _ours(before) or proxy.parts.places.kept:
                await asyncio.sleep(0.002)
    assert (_ours(before), proxy.parts.places.kept, len(proxy.parts.pulses)) == ([], 0, 0)


def _ours(before: Tasks) -> list[str]:
    """What the proxy has begun since, and not ended; an engine may keep its connections."""
    names = [getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks() - before]
    return [name for name in names if not name.startswith("ScriptedEngine")]


@OFTEN
@given(conversation=conversations)
async def test_no_request_is_too_odd(
    open_house: RunningProxy, complaints: Complaints, conversation: list[Said]
) -> None:
    tasks = asyncio.all_tasks()
    complaints.seen.clear()
    said = b"".join(one.data for one in conversation)

    reply = await _answer(open_house, said, owed=conversation[0].owed)

    assert b"HTTP/1.1 500" not in reply
    assert b"Traceback" not in reply
    await _until_nothing_is_left(open_house, tasks)
    assert complaints.seen == []


# What engines say


CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
EVENTS = [chat_chunk("one"), chat_chunk("two"), event({"choices": [], "usage": {"prompt_tokens": 1}}), DONE]


def in_chunks(pieces: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


WHOLE = CHUNKED + in_chunks(EVENTS)
JSON = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 14\r\n\r\n{"choices":[]}'
PACKED = gzip.compress(b"".join(EVENTS))
ODD = [
    b"",
    b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\netag: x\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nx",
    b"HTTP/1.1 100 Continue\r\n\r\n" * 50 + WHOLE,
    b"HTTP/1.1 100 Continue\r\n\r\n" * 50,
    b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + JSON,
    b"HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 600 Odd\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 599 Odd\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 299 Odd\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 500 No\r\ncontent-type: text/html\r\n\r\n<html>Traceback</html>",
    b"HTTP/1.1 400 No\r\ncontent-length: 2000000\r\n\r\n" + b"x" * 1_500_000,
    b'HTTP/1.1 400 No\r\ncontent-length: 5\r\n\r\n{"err',
    b"HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + b"".join(EVENTS),
    b"HTTP/1.0 200 OK\r\n\r\nhi",
    b"HTTP/2 200 OK\r\n\r\n",
    b"ICY 200 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nx: " + b"h" * 200_000 + b"\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 5_000 + b"content-length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nx: a\x01b\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nx: a\x00b\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nx\x7f: y\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nx: \xff\xfe\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n: y\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nx: y\r\n folded\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 3\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\ncontent-length: 3, 3\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
    b"HTTP/1.1 200 OK\r\ncontent-length: +3\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\ncontent-length: 003\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\ncontent-length: \r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabcdef",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\ntrailer: x\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\n"
    b"content-length: %d\r\n\r\n%b" % (len(PACKED), PACKED[:30]),
    CHUNKED
    + in_chunks([b"\0" * 1_000, b"\xff\n\n", b"data:\n\n", b"id: 1\nretry: 1\n\n", b"data: {\n\n", DONE]),
    CHUNKED + in_chunks([b"data: [1,2]\n\ndata: null\n\ndata: {}\n\n", b"event: x\r\rdata: y\r\r", DONE]),
    CHUNKED + in_chunks([b"data: {" + b'"a":{' * 20_000 + b"\n\n", b": \n\n" * 100, DONE]),
    CHUNKED + in_chunks([event({"id": 5, "created": "x", "model": None, "choices": {}, "usage": []}), DONE]),
    CHUNKED + in_chunks([event({"id": [], "usage": {"prompt_tokens": 10**30, "completion_tokens": -1}}), DONE]),
    CHUNKED + b"0\r\n\r\n",
    WHOLE + WHOLE,
]
engine_words = (
    st.sampled_from(ODD)
    | st.binary(max_size=80)
    | st.builds(lambda head, end: head + end, st.sampled_from([CHUNKED, JSON[:-14]]), st.binary(max_size=60))
)
asked = st.fixed_dictionaries(
    {"model": st.sampled_from(["chat", "gpt-4o"]), "stream": st.booleans(), "messages": st.just([])}
).map(lambda body: json.dumps(body).encode())


class Says:
    """An engine that says whatever it is told to, and goes."""

    def __init__(self) -> None:
        self.words = b""
        self.abruptly = False

    async def __call__(self, wire: Wire) -> None:
        wire.writer.write(self.words)
        if self.abruptly:
            wire.drop()
        else:
            wire.close()


@pytest.fixture
async def mouth() -> Says:
    return Says()


@pytest.fixture
async def odd_house(house: House, mouth: Says, complaints: Complaints) -> RunningProxy:
    _, _, proxy = await house.serving(mouth, load_wait_s=1)
    return proxy


async def _reply_to(proxy: RunningProxy, body: bytes, path: str = CHAT) -> bytes:
    line = await Line.to(proxy)
    try:
        await line.post(path, body, "connection: close")
        async with asyncio.timeout(ANSWERED_WITHIN_S):
            return await line.reader.read()
    finally:
        line.writer.transport.abort()


@OFTEN
@given(
    body=asked,
    words=engine_words,
    abruptly=st.booleans(),
    path=st.sampled_from([CHAT, "/v1/messages", "/v1/responses", "/v1/completions", "/upstream/chat/tokenize"]),
)
async def test_no_reply_of_an_engine_is_too_odd(
    odd_house: RunningProxy,
    mouth: Says,
    complaints: Complaints,
    body: bytes,
    words: bytes,
    abruptly: bool,
    path: str,
) -> None:
    tasks = asyncio.all_tasks()
    complaints.seen.clear()
    mouth.words, mouth.abruptly = words, abruptly

    reply = await _reply_to(odd_house, body, path)

    assert reply.startswith(b"HTTP/1.1 ")
    assert b"cannot serve this request: a fault of the proxy" not in reply
    await _until_nothing_is_left(odd_house, tasks)
    assert complaints.seen == []


def ends_politely(reply: bytes) -> bool:
    """Whether a client would take it for a whole answer."""
    return reply.startswith(b"HTTP/1.1 200") and reply.endswith(b"0\r\n\r\n") and b'"error"' not in reply


@OFTEN
@given(cut=st.integers(0, len(WHOLE) - 1), abruptly=st.booleans(), body=asked)
async def test_a_stream_that_was_cut_anywhere_never_ends_politely(
    odd_house: RunningProxy, mouth: Says, complaints: Complaints, cut: int, abruptly: bool, body: bytes
) -> None:
    complaints.seen.clear()
    mouth.words, mouth.abruptly = WHOLE[:cut], abruptly

    reply = await _reply_to(odd_house, body)

    assert not ends_politely(reply)
    assert complaints.seen == []


async def test_a_stream_that_was_not_cut_ends_politely(odd_house: RunningProxy, mouth: Says) -> None:
    mouth.words = WHOLE

    assert ends_politely(await _reply_to(odd_house, b'{"model":"chat","stream":true}'))


async def test_what_is_over_is_forgotten(open_house: RunningProxy) -> None:
    """No circle keeps a request until the collector comes by."""
    async with open_house.client() as client:
        for _ in range(20):
            await client.post(CHAT, json={"model": "chat", "stream": True})
    await open_house.until_idle()

    gc.collect()
    kept = [one for one in gc.get_objects() if type(one).__name__ in ("Answer", "Passage", "Right", "Errand")]

    assert kept == []
