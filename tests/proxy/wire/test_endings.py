"""A reply that was cut never looks like one that is over, however the engine marks its end."""

import asyncio
import json

import pytest

from tests.proxy.conftest import House
from tests.proxy.engines import DONE, Script, Wire, chat_chunk, event, says, streams

CHAT = "/v1/chat/completions"
ASKED = json.dumps({"model": "chat", "messages": [], "stream": True}).encode()


def unframed(*pieces: bytes, kind: str = "text/event-stream", version: str = "1.1") -> Script:
    """The reply ends where the connection does."""

    async def script(wire: Wire) -> None:
        head = f"HTTP/{version} 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n"
        await wire.write(head.encode())
        for piece in pieces:
            await wire.write(piece)
        wire.close()

    return script


async def said_by(house: House, script: Script, path: str = CHAT, *, asked: bytes = ASKED) -> bytes:
    _, _, proxy = await house.serving(script)
    line = await house.line(proxy)
    await line.post(path, asked, "connection: close")
    return await line.everything()


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_an_unframed_stream_that_says_its_last_word_is_complete(house: House, version: str) -> None:
    said = await said_by(house, unframed(chat_chunk("a"), chat_chunk(None, "stop"), DONE, version=version))

    assert said.endswith(b"0\r\n\r\n")
    assert b"error" not in said


@pytest.mark.parametrize(
    "pieces",
    [
        [chat_chunk("a")],
        [chat_chunk("a"), b'data: {"half'],
        [chat_chunk("a") + b'data: {"half'],
        [chat_chunk("a"), chat_chunk("b"), chat_chunk("c")[:-1]],
    ],
)
async def test_an_unframed_stream_that_stops_before_its_last_word_is_told_as_broken(
    house: House, pieces: list[bytes]
) -> None:
    said = await said_by(house, unframed(*pieces))

    assert chat_chunk("a") in said
    assert b"half" not in said
    assert b"stream_broken" in said


async def test_an_unframed_stream_that_ends_with_an_error_of_the_engines_is_complete(house: House) -> None:
    said = await said_by(house, unframed(chat_chunk("a"), event({"error": {"message": "no memory"}})))

    assert b"stream_broken" not in said


async def test_an_unframed_stream_of_messages_is_over_with_its_stop(house: House) -> None:
    begun = b'event: message_start\ndata: {"type":"message_start"}\n\n'
    stop = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'

    assert b"stream_broken" not in await said_by(house, unframed(begun, stop), "/v1/messages")


async def test_an_unframed_stream_of_messages_without_a_stop_is_told_as_broken(house: House) -> None:
    begun = b'event: message_start\ndata: {"type":"message_start"}\n\n'

    assert b"event: error" in await said_by(house, unframed(begun), "/v1/messages")


GIVEN_UP = chat_chunk("", "abort")
BEGUN = (
    b'event: message_start\ndata: {"type":"message_start","message":{"type":"message","stop_reason":null}}\n\n'
)
NO_REASON = b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":null}}\n\n'
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


@pytest.mark.parametrize(
    "pieces",
    [
        [chat_chunk("a"), GIVEN_UP, DONE],
        [chat_chunk("a") + GIVEN_UP + DONE],
        [chat_chunk("a"), GIVEN_UP + DONE],
    ],
)
async def test_a_stream_that_an_engine_gave_up_is_told_as_broken(house: House, pieces: list[bytes]) -> None:
    """As vLLM ends one when it is stopped."""
    said = await said_by(house, streams(pieces))

    assert chat_chunk("a") in said
    assert b"stream_broken" in said
    assert b'"abort"' not in said


async def test_a_stream_given_up_before_its_first_word_is_asked_for_once_more(house: House) -> None:
    scripts = iter([streams([GIVEN_UP, DONE]), streams([chat_chunk("a"), DONE])])

    async def first_not_then_well(wire: Wire) -> None:
        await next(scripts)(wire)

    said = await said_by(house, first_not_then_well)

    assert chat_chunk("a") in said
    assert b"error" not in said


async def test_a_model_that_speaks_of_giving_up_is_not_taken_at_its_word(house: House) -> None:
    words = chat_chunk('"finish_reason":"abort" "finish_reason": "abort"')

    said = await said_by(house, streams([words, chat_chunk(None, "stop"), DONE]))

    assert words in said
    assert b"stream_broken" not in said


async def test_a_stream_of_messages_that_an_engine_gave_up_is_told_as_broken(house: House) -> None:
    said = await said_by(house, streams([BEGUN, NO_REASON, STOP]), "/v1/messages")

    assert BEGUN in said
    assert b"event: error" in said
    assert b"message_stop" not in said


@pytest.mark.parametrize(
    ("path", "given_up", "whole"),
    [
        (
            CHAT,
            b'{"choices":[{"message":{"content":"a"},"finish_reason":"abort"}]}',
            b'{"choices":[{"message":{"content":"\\"finish_reason\\":\\"abort\\""},"finish_reason":"stop"}]}',
        ),
        (
            "/v1/messages",
            b'{"type":"message","content":[],"stop_reason":null}',
            b'{"type":"message","content":[],"stop_reason":"end_turn"}',
        ),
    ],
)
async def test_a_reply_that_an_engine_gave_up_is_asked_for_once_more(
    house: House, path: str, given_up: bytes, whole: bytes
) -> None:
    scripts = iter([says(given_up), says(whole)])

    async def first_not_then_well(wire: Wire) -> None:
        await next(scripts)(wire)

    said = await said_by(house, first_not_then_well, path, asked=ASKED.replace(b"true", b"false"))

    assert said.startswith(b"HTTP/1.1 200 ")
    assert said.endswith(whole)


async def test_a_reply_given_up_twice_is_an_error(house: House) -> None:
    reply = says(b'{"choices":[{"message":{"content":"a"},"finish_reason": "abort"}]}')

    said = await said_by(house, reply, asked=ASKED.replace(b"true", b"false"))

    assert said.startswith(b"HTTP/1.1 502 ")
    assert b"gave the request up" in said


async def test_a_reply_given_up_after_it_had_begun_is_left_incomplete(house: House) -> None:
    async def gives_up_late(wire: Wire) -> None:
        await wire.head(transfer_encoding="chunked")
        await wire.chunk(b'{"choices":[{"message":{"content":"a"},')
        await asyncio.sleep(0.05)
        await wire.chunk(b'"finish_reason":"abort"}]}')
        await wire.end_stream()

    said = await said_by(house, gives_up_late, asked=ASKED.replace(b"true", b"false"))

    assert b"content" in said
    assert b"abort" not in said
    assert not said.endswith(b"0\r\n\r\n")


async def test_a_plain_reply_that_breaks_off_is_left_incomplete(house: House) -> None:
    async def breaks_off(wire: Wire) -> None:
        await wire.head(transfer_encoding="chunked")
        await wire.chunk(b'{"choices":')
        wire.drop()

    said = await said_by(house, breaks_off)

    assert b'{"choices":' in said
    assert not said.endswith(b"0\r\n\r\n")


async def test_a_plain_reply_of_known_length_that_breaks_off_stays_short(house: House) -> None:
    async def breaks_off(wire: Wire) -> None:
        await wire.head(content_length="100")
        await wire.write(b'{"choices":')
        wire.drop()

    head, _, body = (await said_by(house, breaks_off)).partition(b"\r\n\r\n")

    assert b"content-length: 100" in head
    assert len(body) < 100


async def test_to_an_old_client_a_plain_reply_that_breaks_off_is_a_connection_reset(house: House) -> None:
    """There, a closed connection is how a reply ends."""

    async def breaks_off(wire: Wire) -> None:
        await wire.head(transfer_encoding="chunked")
        await wire.chunk(b'{"choices":')
        wire.drop()

    _, _, proxy = await house.serving(breaks_off)
    line = await house.line(proxy)
    head = f"POST {CHAT} HTTP/1.0\r\ncontent-length: {len(ASKED)}\r\n\r\n"
    line.writer.write(head.encode() + ASKED)

    with pytest.raises(ConnectionResetError):
        await line.everything()
