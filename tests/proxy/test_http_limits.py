"""Clients that are slow, large or many, over real sockets, on the loop of production."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvloop

from switchyard_proxy import http
from tests.proxy.running import SOON_S
from tests.proxy.serving import GET, POST, Asked, Serving, answer_of, echoes, whole

# Of the ways to choose a loop, this is the one that a module has for itself.
pytestmark = pytest.mark.filterwarnings("ignore:Overriding the .event_loop_policy. fixture")


@pytest.fixture(scope="module")
def event_loop_policy() -> asyncio.AbstractEventLoopPolicy:
    return uvloop.EventLoopPolicy()


@pytest.fixture
async def serving() -> AsyncIterator[Serving]:
    serving = await Serving().start(header_wait_s=20, keep_alive_s=75, write_stall_s=600, max_connections=3)
    yield serving
    await serving.end()


async def test_a_head_that_does_not_come_to_an_end_is_refused_when_its_time_is_over(serving: Serving) -> None:
    line = await serving.line(b"GET / HTTP/1.1\r\nhost: x\r\nx-slow: ")
    await serving.until(lambda: bool(serving.connections))
    await asyncio.sleep(0.01)

    serving.sweep(19)
    line.writer.write(b"still coming")
    serving.sweep(21)
    head, error = await answer_of(line)

    assert head.startswith("HTTP/1.1 408 Request Timeout\r\n")
    assert error["code"] == "request_timeout"
    assert "20 s" in error["message"]
    assert serving.asked == []


async def test_each_byte_of_a_slow_head_wins_no_more_time(serving: Serving) -> None:
    line = await serving.line(b"GET / HT")
    await serving.until(lambda: bool(serving.connections))
    await asyncio.sleep(0.01)
    due = serving.connections[0]._due

    line.writer.write(b"TP/1.1\r\nhost: x\r\n")
    await asyncio.sleep(0.01)

    assert serving.connections[0]._due == due is not None


async def test_a_client_that_says_nothing_at_all_is_closed_without_a_word(serving: Serving) -> None:
    line = await serving.line()
    await serving.until(lambda: bool(serving.connections))

    serving.sweep(21)

    assert await line.everything() == b""


async def test_blank_lines_keep_no_connection_open(serving: Serving) -> None:
    line = await serving.line(GET)
    await whole(line)

    line.writer.write(b"\r\n")
    await asyncio.sleep(0.01)
    serving.sweep(15)
    line.writer.write(b"\r\n\r\n")
    await asyncio.sleep(0.01)
    serving.sweep(21)

    assert await line.everything() == b""


async def test_an_idle_connection_is_kept_for_the_next_request_until_its_time_is_over(serving: Serving) -> None:
    line = await serving.line(GET)
    await whole(line)

    serving.sweep(74)
    line.writer.write(GET)
    await whole(line)
    serving.sweep(76)

    assert await line.everything() == b""
    assert len(serving.asked) == 2


async def test_a_request_that_is_being_answered_has_all_the_time_it_needs(serving: Serving) -> None:
    go_on = asyncio.Event()

    async def waits(asked: Asked) -> None:
        await go_on.wait()
        await asked.answer(b"ok")

    serving.work = waits
    line = await serving.line(GET)
    await serving.until(lambda: bool(serving.asked))

    serving.sweep()
    go_on.set()

    await whole(line)


async def test_what_is_left_of_a_refused_body_must_come_in_the_time_of_a_head(serving: Serving) -> None:
    async def refuses(asked: Asked) -> None:
        await asked.answer(b"no", 413)

    serving.work = refuses
    line = await serving.line(POST % 100)
    await whole(line, b"no")

    line.writer.write(b"x")
    await asyncio.sleep(0.01)
    serving.sweep(15)
    line.writer.write(b"x")
    await asyncio.sleep(0.01)
    serving.sweep(21)

    assert await line.everything() == b""


@pytest.mark.parametrize(("pieces", "size"), [(1, 100_000), (1, 400_000), (40, 10_000)])
async def test_a_head_over_64_kib_is_refused_however_it_comes(serving: Serving, pieces: int, size: int) -> None:
    header = b"x-large: " + b"a" * size + b"\r\n"
    parts = [b"GET / HTTP/1.1\r\nhost: x\r\n", *[header] * pieces, b"\r\n"]
    line = await serving.line()
    for part in [b"".join(parts)] if pieces == 1 else parts:
        line.writer.write(part)
        await asyncio.sleep(0.001)

    head, error = await answer_of(line)

    assert head.startswith("HTTP/1.1 413 Content Too Large\r\n")
    assert error["code"] == "request_too_large"
    assert "64 KiB" in error["message"]
    assert serving.asked == []


async def test_one_header_without_an_end_is_not_gathered_forever(serving: Serving) -> None:
    line = await serving.line(b"GET / HTTP/1.1\r\nhost: x\r\nx-endless: ")

    for _ in range(20):
        line.writer.write(b"a" * 50_000)
        await asyncio.sleep(0.001)
    head, _ = await answer_of(line)

    assert head.startswith("HTTP/1.1 413 ")


async def test_a_large_head_is_served_beside_large_bodies(serving: Serving) -> None:
    serving.work = echoes
    body = b"b" * 150_000
    head = b"POST / HTTP/1.1\r\nhost: x\r\nx-large: " + b"a" * 60_000
    request = head + b"\r\ncontent-length: %d\r\n\r\n" % len(body) + body

    line = await serving.line(request + request)

    for _ in range(2):
        await whole(line, body)


async def test_trailers_are_no_headers_and_are_not_kept(serving: Serving) -> None:
    serving.work = echoes
    chunked = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n"

    line = await serving.line(chunked + b"authorization: Bearer stolen\r\n" * 3 + b"\r\n")
    await whole(line, b"hi")

    assert [name for name, _ in serving.asked[0].scope["headers"]] == [b"host", b"transfer-encoding"]


async def test_one_connection_too_many_is_told_so_and_the_others_are_served(serving: Serving) -> None:
    open_ones = [await serving.line() for _ in range(3)]
    await serving.until(lambda: len(serving.connections) == 3)

    one_more = await serving.line(POST % 400_000 + b"x" * 400_000)
    head, error = await answer_of(one_more)
    open_ones[0].writer.write(GET)

    assert head.startswith("HTTP/1.1 503 Service Unavailable\r\n")
    assert "\r\nretry-after: " in head
    assert error["code"] == "overloaded"
    assert "3 are open" in error["message"]
    await whole(open_ones[0])


async def test_a_refused_connection_takes_nobodys_place(serving: Serving) -> None:
    open_ones = [await serving.line() for _ in range(3)]
    await serving.until(lambda: len(serving.connections) == 3)
    await (await serving.line()).until(b"\r\n\r\n")  # and it stays open

    await open_ones[0].hang_up()
    await serving.until(lambda: len(serving.connections) == 2)
    next_one = await serving.line(GET)

    await whole(next_one)


async def test_a_refused_client_that_never_closes_is_closed(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "LINGER_S", 0.05)
    line = await serving.line(b"\x16\x03\x01 this is TLS\r\n\r\n")
    reply = await line.everything()
    kept = serving.server.config.http_protocol_class.lingering

    await serving.until(lambda: not kept)

    assert reply.startswith(b"HTTP/1.1 400 ")


async def test_a_flood_of_refused_clients_is_not_waited_for(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MOST_LINGERING", 2)
    lines = [await serving.line(b"garbage\r\n\r\n") for _ in range(5)]

    for line in lines:
        assert (await line.everything()).startswith(b"HTTP/1.1 400 ")

    assert len(serving.server.config.http_protocol_class.lingering) <= 2


async def test_a_client_that_takes_nothing_is_cut_off_when_its_time_is_over(serving: Serving) -> None:
    told = asyncio.Event()

    async def pours(asked: Asked) -> None:
        asked.scope["switchyard.client"].on_gone = told.set
        await asked.begin()
        while not told.is_set():
            await asked.say(b"x" * 65536)

    serving.work = pours
    line = await serving.line(GET)
    line.writer.transport.pause_reading()
    await serving.until(lambda: bool(serving.connections))
    connection = serving.connections[0]
    await serving.until(lambda: connection.flow is not None and connection.flow.write_paused)

    serving.sweep(0)
    serving.sweep(599)
    kept = not told.is_set()
    serving.sweep(601)

    assert kept
    async with asyncio.timeout(SOON_S):
        await told.wait()


async def test_a_client_that_takes_something_now_and_then_is_served(serving: Serving) -> None:
    serving.work = lambda asked: asked.answer(b"x" * 20_000_000)
    line = await serving.line(GET)
    await serving.until(lambda: bool(serving.connections))
    connection = serving.connections[0]
    await serving.until(lambda: connection.transport.get_write_buffer_size() > 0)

    serving.sweep(0)
    for round_ in range(1, 4):
        await line.reader.readexactly(4_000_000)
        serving.sweep(500 * round_)

    assert not connection.gone


async def test_the_last_words_too_are_not_kept_forever_for_a_client_that_does_not_take_them(
    serving: Serving,
) -> None:
    async def says_much_and_closes(asked: Asked) -> None:
        await asked.begin(200, (b"connection", b"close"))
        await asked.say(b"x" * 20_000_000, last=True)

    serving.work = says_much_and_closes
    line = await serving.line(GET)
    line.writer.transport.pause_reading()
    await serving.until(lambda: bool(serving.connections))
    await asyncio.sleep(0.02)

    serving.sweep(0)
    serving.sweep(601)

    await serving.until(lambda: not serving.connections)
