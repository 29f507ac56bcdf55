"""A reply that was cut never looks like one that is over, however the engine marks its end."""

import json

import pytest

from tests.proxy.conftest import House
from tests.proxy.engines import DONE, Script, Wire, chat_chunk, event

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


async def said_by(house: House, script: Script, path: str = CHAT) -> bytes:
    _, _, proxy = await house.serving(script)
    line = await house.line(proxy)
    await line.post(path, ASKED, "connection: close")
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
