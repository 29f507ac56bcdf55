"""Replies as they are framed, and what an application may not do with them. Over real sockets."""

from collections.abc import AsyncIterator

import pytest

from tests.proxy.serving import GET, Asked, Serving


@pytest.fixture
async def serving() -> AsyncIterator[Serving]:
    serving = await Serving().start(header_wait_s=20, keep_alive_s=75, write_stall_s=600, max_connections=3)
    yield serving
    await serving.end()


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: b", b"a\nb", b"a\rb", b"a\0b"])
async def test_a_header_never_becomes_two(serving: Serving, value: bytes) -> None:
    async def injects(asked: Asked) -> None:
        await asked.begin(200, (b"x-what", value), (b"content-length", b"2"))
        await asked.say(b"ok", last=True)

    serving.work = injects

    line = await serving.line(GET)

    assert await line.everything() == b""


@pytest.mark.parametrize("pieces", [(b"toolong",), (b"a",), (b"a", b"bc")])
async def test_a_reply_of_another_length_than_it_said_breaks_off(
    serving: Serving, pieces: tuple[bytes, ...]
) -> None:
    async def lies(asked: Asked) -> None:
        await asked.begin(200, (b"content-length", b"2"))
        for number, piece in enumerate(pieces, 1):
            await asked.say(piece, last=number == len(pieces))

    serving.work = lies

    line = await serving.line(GET)

    assert len((await line.everything()).partition(b"\r\n\r\n")[2]) < 2


async def test_a_head_without_a_length_does_not_wait_for_the_first_of_its_body(serving: Serving) -> None:
    async def waits(asked: Asked) -> None:
        await asked.begin(200, (b"content-type", b"text/event-stream"))
        await asked.receive()
        await asked.receive()  # until the client has left

    serving.work = waits

    line = await serving.line(GET)

    assert b"transfer-encoding: chunked" in await line.until(b"\r\n\r\n")


async def test_a_status_without_a_body_has_none(serving: Serving) -> None:
    async def says_nothing(asked: Asked) -> None:
        await asked.begin(204)
        await asked.say(b"", last=True)

    serving.work = says_nothing

    line = await serving.line(GET + b"GET / HTTP/1.0\r\n\r\n")
    said = await line.everything()

    assert said.count(b"HTTP/1.1 204 No Content") == 2
    assert b"chunked" not in said


async def test_a_reply_may_end_with_its_connection(serving: Serving) -> None:
    async def until_close(asked: Asked) -> None:
        await asked._send({"type": "http.response.start", "status": 200, "switchyard.until_close": True})
        await asked.say(b"all of it")
        await asked.say(b"", last=True)

    serving.work = until_close

    line = await serving.line(GET)
    head, _, body = (await line.everything()).partition(b"\r\n\r\n")

    assert b"connection: close" in head
    assert b"chunked" not in head
    assert body == b"all of it"


async def test_an_application_that_fails_before_it_begins_is_a_500(serving: Serving) -> None:
    async def fails(asked: Asked) -> None:
        raise ValueError("a fault")

    serving.work = fails

    line = await serving.line(GET)

    assert (await line.everything()).startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
