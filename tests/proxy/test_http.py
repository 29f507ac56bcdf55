"""What clients say over a connection, right or wrong, and what they get for it, on the loop of production."""

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


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"hello\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
        b"GET http://[/ HTTP/1.1\r\n\r\n",
        b"CONNECT example.org:443 HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 99999999999999999999999\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_refused_in_our_shape(serving: Serving, garbage: bytes) -> None:
    line = await serving.line(garbage)

    head, error = await answer_of(line)

    assert head.startswith("HTTP/1.1 400 Bad Request\r\n")
    assert "connection: close" in head
    assert error["code"] == "invalid_value"


async def test_garbage_in_a_body_is_told_and_ends_the_request(serving: Serving) -> None:
    bodies: list[bytes | None] = []

    async def reads(asked: Asked) -> None:
        bodies.append(await asked.body())

    serving.work = reads
    line = await serving.line(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n")
    await serving.until(lambda: bool(serving.asked))

    line.writer.write(b"not a size\r\n")
    head, _ = await answer_of(line)

    assert head.startswith("HTTP/1.1 400 ")
    await serving.until(lambda: bodies == [None])
    assert serving.asked[0].scope["switchyard.client"].gone


async def test_garbage_after_a_request_never_gets_into_its_reply(serving: Serving) -> None:
    go_on = asyncio.Event()

    async def streams(asked: Asked) -> None:
        await asked.begin()
        await asked.say(b"one")
        await go_on.wait()
        await asked.say(b"two", last=True)

    serving.work = streams
    line = await serving.line(GET)
    await line.until(b"one\r\n")

    line.writer.write(b"garbage\r\n\r\n")
    await asyncio.sleep(0.01)
    go_on.set()

    assert await line.everything() == b"3\r\ntwo\r\n0\r\n\r\n"


async def test_a_slow_head_behind_a_request_does_not_cost_the_request_its_reply(serving: Serving) -> None:
    go_on = asyncio.Event()

    async def waits(asked: Asked) -> None:
        await go_on.wait()
        await asked.answer(b"ok")

    serving.work = waits
    line = await serving.line(GET + b"GET / HT")
    await serving.until(lambda: bool(serving.asked))

    serving.sweep()
    go_on.set()

    assert (await line.everything()).endswith(b"connection: close\r\n\r\nok")


async def test_pipelined_requests_are_answered_in_their_order(serving: Serving) -> None:
    serving.work = echoes

    line = await serving.line(b"".join(POST % 1 + b"%d" % number for number in range(10)))

    for number in range(10):
        await whole(line, b"%d" % number)


async def test_requests_without_end_in_one_breath_are_answered_up_to_a_bound(serving: Serving) -> None:
    line = await serving.line(GET * 5000)

    answers = (await line.everything()).count(b"HTTP/1.1 200")

    assert answers == len(serving.asked) == http.MOST_PIPELINED + 1


async def test_whoever_works_for_a_client_is_told_when_it_hangs_up(serving: Serving) -> None:
    told = asyncio.Event()

    async def works(asked: Asked) -> None:
        asked.scope["switchyard.client"].on_gone = told.set
        await asked.begin()
        await asked.say(b"begun")
        await told.wait()
        assert asked.scope["switchyard.client"].gone

    serving.work = works
    line = await serving.line(GET)
    await line.until(b"begun\r\n")

    await line.hang_up()

    async with asyncio.timeout(SOON_S):
        await told.wait()


@pytest.mark.parametrize("behind", [[1], [100_000], [60_000] * 10, [900_000]])
async def test_a_client_is_seen_to_leave_although_more_of_it_waits_for_its_turn(
    serving: Serving, behind: list[int]
) -> None:
    gone = asyncio.Event()

    async def works(asked: Asked) -> None:
        asked.scope["switchyard.client"].on_gone = gone.set
        await asked.begin()
        await gone.wait()

    serving.work = works
    line = await serving.line(GET, *(POST % size + b"x" * size for size in behind))

    await line.hang_up()

    async with asyncio.timeout(SOON_S):
        await gone.wait()
    assert len(serving.asked) == 1


@pytest.mark.parametrize("behind", [[3_000_000], [300_000] * 10])
async def test_what_waits_for_its_turn_is_read_up_to_a_bound_and_answered_whole(
    serving: Serving, behind: list[int]
) -> None:
    go_on = asyncio.Event()

    async def measures(asked: Asked) -> None:
        await go_on.wait()
        await asked.answer(b"%d" % len(await asked.body()))

    serving.work = measures
    line = await serving.line(GET)
    for size in behind:
        line.writer.write(POST % size + b"x" * size)
    await serving.until(lambda: any(one.flow.read_paused for one in serving.connections))

    go_on.set()

    for size in [0, *behind]:
        await whole(line, b"%d" % size)


async def test_nothing_is_written_for_a_pipelined_client_that_is_gone(serving: Serving) -> None:
    gone, over = asyncio.Event(), asyncio.Event()

    async def works(asked: Asked) -> None:
        asked.scope["switchyard.client"].on_gone = gone.set
        await asked.begin()
        await asked.say(b"begun")
        await gone.wait()
        await asked.say(b"x" * 10_000_000)
        await asked.say(b"", last=True)
        over.set()

    serving.work = works
    line = await serving.line(GET + GET)
    await line.until(b"begun\r\n")

    await line.hang_up()

    async with asyncio.timeout(SOON_S):
        await over.wait()
    assert len(serving.asked) == 1


async def test_a_client_that_half_closes_has_left(serving: Serving) -> None:
    told = asyncio.Event()

    async def works(asked: Asked) -> None:
        asked.scope["switchyard.client"].on_gone = told.set
        await told.wait()

    serving.work = works
    line = await serving.line(GET)
    await serving.until(lambda: bool(serving.asked))

    line.writer.write_eof()

    async with asyncio.timeout(SOON_S):
        await told.wait()
    assert await line.everything() == b""


@pytest.mark.parametrize("late", [0, 200_000])
async def test_a_client_that_sent_what_nobody_reads_is_seen_to_leave(serving: Serving, late: int) -> None:
    """An endless reply to a GET with a large body, of which more may come after the reply has begun."""
    told = asyncio.Event()

    async def goes_on(asked: Asked) -> None:
        asked.scope["switchyard.client"].on_gone = told.set
        await asked.begin()
        await asked.say(b"one")
        await told.wait()

    serving.work = goes_on
    length = 200_000 + late
    line = await serving.line(b"GET / HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % length + bytes(200_000))
    await line.until(b"one\r\n")
    line.writer.write(bytes(late))
    await line.writer.drain()

    line.writer.write_eof()

    async with asyncio.timeout(SOON_S):
        await told.wait()


async def test_a_client_that_leaves_while_its_body_is_read_is_noticed(serving: Serving) -> None:
    bodies: list[bytes | None] = []

    async def reads(asked: Asked) -> None:
        bodies.append(await asked.body())

    serving.work = reads
    line = await serving.line(POST % 100 + b"half")
    await serving.until(lambda: bool(serving.asked))

    await line.hang_up()

    await serving.until(lambda: bodies == [None])


async def test_a_client_that_asks_whether_to_send_its_body_is_told_to_go_on(serving: Serving) -> None:
    serving.work = echoes
    line = await serving.line(
        b"POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n"
    )

    asked_for = await line.until(b"\r\n\r\n")
    line.writer.write(b"hi")

    assert asked_for == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert b"connection: close" not in await whole(line, b"hi")


async def test_a_body_that_nobody_asked_for_is_never_read_as_a_request(serving: Serving) -> None:
    serving.work = lambda asked: asked.answer(b"no", 413)

    line = await serving.line(
        b"POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n"
    )
    reply = await line.everything()

    assert reply.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nconnection: close\r\n" in reply


async def test_http_1_0_gets_no_chunks(serving: Serving) -> None:
    async def streams(asked: Asked) -> None:
        await asked.begin()
        await asked.say(b"one,")
        await asked.say(b"")
        await asked.say(b"two", last=True)

    serving.work = streams

    line = await serving.line(b"GET / HTTP/1.0\r\n\r\n")
    head, _, body = (await line.everything()).partition(b"\r\n\r\n")

    assert b"transfer-encoding" not in head
    assert b"\r\nconnection: close" in head
    assert body == b"one,two"


async def test_http_1_0_gets_a_length_where_there_is_one(serving: Serving) -> None:
    line = await serving.line(b"GET / HTTP/1.0\r\n\r\n")

    head, _, body = (await line.everything()).partition(b"\r\n\r\n")

    assert b"content-length: 2" in head
    assert body == b"ok"


async def test_head_gets_the_head_alone_and_the_connection_stays(serving: Serving) -> None:
    line = await serving.line(b"HEAD / HTTP/1.1\r\nhost: x\r\n\r\n")

    head = await line.until(b"\r\n\r\n")
    line.writer.write(GET)

    assert b"content-length: 2" in head
    assert (await line.until(b"ok")).startswith(b"HTTP/1.1 200 ")


async def test_an_upgrade_that_nobody_speaks_is_served_as_it_is(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    serving.work = echoes
    upgrade = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n"

    line = await serving.line(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n" + upgrade + b"\r\nhi")
    await whole(line, b"hi")
    line.writer.write(POST % 5 + b"again")
    await whole(line, b"again")

    assert caplog.records == []
