"""Connections to engines: real sockets, scripted engines."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from switchyard_proxy.errors import Cut, EngineLost
from switchyard_proxy.upstream.connection import HIGH_WATER, Connection, Stage
from switchyard_proxy.upstream.pool import MOST_IDLE, Question, Upstream, endpoint_at
from tests.proxy.conftest import House
from tests.proxy.engines import Held, ScriptedEngine, Wire, dies_unanswered, says, streams

SOON_S = 5.0


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    upstream = Upstream(connect_wait_s=5)
    yield upstream
    upstream.close()
    await asyncio.sleep(0)


@dataclass
class Patient:
    """Asks, and waits for as long as it takes."""

    told: list[Connection] = field(default_factory=list)
    nudged: int = 0

    def began(self, connection: Connection) -> None:
        connection.on_over = lambda: self.told.append(connection)

    async def waits(self) -> None:
        self.nudged += 1


async def asked(upstream: Upstream, engine: ScriptedEngine, body: bytes = b"") -> Connection:
    head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
    async with asyncio.timeout(SOON_S):
        return await upstream.ask(endpoint_at(engine.url), Question(head, body), Patient())


async def everything(connection: Connection) -> bytes:
    parts = []
    async with asyncio.timeout(SOON_S):
        while not connection.ended:
            parts.append(await connection.read())
    return b"".join(parts)


def speaking(*pieces: bytes, close: bool = False) -> Wire:
    """A script that writes exactly these bytes."""

    async def script(wire: Wire) -> None:
        for piece in pieces:
            await wire.write(piece)
            await asyncio.sleep(0)
        if close:
            wire.close()

    return script  # type: ignore[return-value]


async def test_a_connection_is_kept_and_used_again(house: House, upstream: Upstream) -> None:
    engine = await house.engine(says(b"one"), says(b"two"))
    replies = []

    for _ in range(2):
        connection = await asked(upstream, engine)
        replies.append(await everything(connection))
        upstream.give_back(endpoint_at(engine.url), connection)

    assert replies == [b"one", b"two"]
    assert engine.connections == 1


async def test_the_connection_used_last_is_used_first(house: House, upstream: Upstream) -> None:
    engine = await house.engine(says(b"x"))
    first, second = await asked(upstream, engine), await asked(upstream, engine)
    for connection in (first, second):
        await everything(connection)
        upstream.give_back(endpoint_at(engine.url), connection)

    assert await asked(upstream, engine) is second


async def test_a_burst_does_not_leave_its_connections_behind(house: House, upstream: Upstream) -> None:
    engine = await house.engine(says(b"x"))
    burst = [await asked(upstream, engine) for _ in range(MOST_IDLE + 3)]

    for connection in burst:
        await everything(connection)
        upstream.give_back(endpoint_at(engine.url), connection)

    assert upstream.idle == MOST_IDLE


async def test_a_reply_not_read_to_its_end_does_not_go_back(house: House, upstream: Upstream) -> None:
    engine = await house.engine(Held(first=b"begun"))
    connection = await asked(upstream, engine)

    upstream.give_back(endpoint_at(engine.url), connection)

    assert upstream.idle == 0


async def test_a_connection_that_the_engine_closes_while_idle_is_forgotten(
    house: House, upstream: Upstream
) -> None:
    engine = await house.engine(says(b"x"))
    connection = await asked(upstream, engine)
    await everything(connection)
    upstream.give_back(endpoint_at(engine.url), connection)

    await engine.die()
    async with asyncio.timeout(SOON_S):
        while upstream.idle:
            await asyncio.sleep(0.001)

    assert not connection.reusable


async def test_a_request_that_met_a_closing_connection_is_sent_again_on_a_new_one(
    house: House, upstream: Upstream
) -> None:
    engine = await house.engine(says(b"one"), dies_unanswered, says(b"two"))
    first = await asked(upstream, engine, b"a")
    await everything(first)
    upstream.give_back(endpoint_at(engine.url), first)

    second = await asked(upstream, engine, b"b")

    assert await everything(second) == b"two"
    assert [seen.body for seen in engine.seen] == [b"a", b"b", b"b"]


async def test_a_request_on_a_new_connection_is_not_sent_again(house: House, upstream: Upstream) -> None:
    engine = await house.engine(dies_unanswered)

    with pytest.raises(EngineLost) as lost:
        await asked(upstream, engine)

    assert not lost.value.answered
    assert len(engine.seen) == 1


async def test_a_request_of_which_some_reply_came_is_not_sent_again(house: House, upstream: Upstream) -> None:
    engine = await house.engine(says(b"one"), speaking(b"HTTP/1.1 20", close=True))
    first = await asked(upstream, engine)
    await everything(first)
    upstream.give_back(endpoint_at(engine.url), first)

    with pytest.raises(EngineLost) as lost:
        await asked(upstream, engine)

    assert lost.value.answered
    assert len(engine.seen) == 2


async def test_an_engine_that_refuses_connections_is_lost(house: House, upstream: Upstream) -> None:
    engine = await house.engine(says(b"x"))
    await engine.die()

    with pytest.raises(EngineLost, match="refuses connections") as lost:
        await asked(upstream, engine)

    assert not lost.value.answered


@pytest.mark.parametrize("url", ["https://engine:1", "engine:1", "http://", "http://x:port", "unix:/x"])
def test_an_address_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(EngineLost, match="not of the form"):
        endpoint_at(url)


@pytest.mark.parametrize(
    "pieces",
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n",),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"),
        (b"HTTP/1.1 103 Early\r\nx: y\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_reads_every_framing_at_any_cut(
    house: House, upstream: Upstream, pieces: tuple[bytes, ...], size: int
) -> None:
    raw = b"".join(pieces)
    engine = await house.engine(speaking(*(raw[at : at + size] for at in range(0, len(raw), size))))

    connection = await asked(upstream, engine)

    assert await everything(connection) == b"hello"
    assert connection.status == 200
    assert {name for name, _ in connection.headers} <= {b"content-length", b"transfer-encoding"}
    assert connection.reusable


async def test_a_reply_without_a_length_ends_with_the_connection(house: House, upstream: Upstream) -> None:
    engine = await house.engine(speaking(b"HTTP/1.1 200 OK\r\n\r\nhel", b"lo", close=True))

    connection = await asked(upstream, engine)

    assert await everything(connection) == b"hello"
    assert not connection.reusable


async def test_a_reply_that_asks_for_the_end_of_the_connection_ends_it(
    house: House, upstream: Upstream
) -> None:
    reply = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi"
    engine = await house.engine(speaking(reply))
    connection = await asked(upstream, engine)

    body = await everything(connection)
    upstream.give_back(endpoint_at(engine.url), connection)

    assert body == b"hi"
    assert upstream.idle == 0


@pytest.mark.parametrize("status", [204, 304])
async def test_a_reply_without_a_body_is_whole_at_its_head(
    house: House, upstream: Upstream, status: int
) -> None:
    engine = await house.engine(speaking(b"HTTP/1.1 %d X\r\n\r\n" % status))

    connection = await asked(upstream, engine)

    assert connection.ended


@pytest.mark.parametrize(
    "raw",
    [
        b"220 mail.example ESMTP\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/1.1 777 X\r\ncontent-length: 0\r\n\r\n",
    ],
)
async def test_what_is_no_http_reply_is_no_reply(house: House, upstream: Upstream, raw: bytes) -> None:
    engine = await house.engine(speaking(raw))

    with pytest.raises(EngineLost, match="not HTTP"):
        await asked(upstream, engine)


async def test_a_reply_cut_short_is_read_up_to_the_cut_and_then_raises(
    house: House, upstream: Upstream
) -> None:
    engine = await house.engine(speaking(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhel", close=True))
    connection = await asked(upstream, engine)

    first = await connection.read()

    assert first == b"hel"
    with pytest.raises(EngineLost) as lost:
        await connection.read()
    assert lost.value.answered


async def test_an_engine_that_answers_twice_is_not_asked_again(house: House, upstream: Upstream) -> None:
    twice = b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na" * 2
    engine = await house.engine(speaking(twice))

    connection = await asked(upstream, engine)

    assert await everything(connection) == b"a"
    assert not connection.reusable


async def test_a_slow_reader_slows_the_engine_and_fills_no_memory(house: House, upstream: Upstream) -> None:
    chunk = b"x" * 65536
    written = 0

    async def floods(wire: Wire) -> None:
        nonlocal written
        await wire.begin_stream()
        while True:
            await wire.chunk(chunk)
            written += len(chunk)

    engine = await house.engine(floods)
    connection = await asked(upstream, engine)
    before = -1
    while written != before:  # until the engine stands still
        before = written
        await asyncio.sleep(0.05)

    held = len(await connection.read())
    connection.abort(Cut("the test is over"))

    assert HIGH_WATER < held < HIGH_WATER + 1024 * 1024


async def test_a_paused_engine_goes_on_when_it_is_read(house: House, upstream: Upstream) -> None:
    whole = [bytes([n % 256]) * 60_000 for n in range(100)]
    engine = await house.engine(streams(whole))

    connection = await asked(upstream, engine)
    await asyncio.sleep(0.02)  # the buffer fills

    assert await everything(connection) == b"".join(whole)


async def test_an_abort_wakes_the_reader_and_drops_what_it_had_not_read(
    house: House, upstream: Upstream
) -> None:
    held = Held(first=b"begun")
    engine = await house.engine(held)
    connection = await asked(upstream, engine)
    await connection.read()

    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(_broken_by(connection))
        await asyncio.sleep(0)
        connection.abort(Cut("make room"))

    assert reading.result() == "make room"
    async with asyncio.timeout(SOON_S):
        await held.gone.wait()


async def _broken_by(connection: Connection) -> str:
    with pytest.raises(Cut) as cut:
        await connection.read()
    return str(cut.value)


async def test_the_end_of_the_engines_work_is_told_once_and_before_all_is_read(
    house: House, upstream: Upstream
) -> None:
    engine = await house.engine(says(b"whole"))
    patient = Patient()
    head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"

    connection = await upstream.ask(endpoint_at(engine.url), Question(head), patient)
    await everything(connection)
    upstream.give_back(endpoint_at(engine.url), connection)

    assert patient.told == [connection]


async def test_a_nudge_wakes_whoever_waits_for_the_head_and_for_the_body(
    house: House, upstream: Upstream
) -> None:
    script = Held(first=b"one", rest=b"two")
    engine = await house.engine(script)
    patient = Patient()
    head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"

    connection = await upstream.ask(endpoint_at(engine.url), Question(head), patient)
    first = await connection.read()
    connection._loop.call_soon(connection.nudge)
    between = await connection.read()
    script.go_on.set()
    rest = await everything(connection)

    assert (first, between, rest) == (b"one", b"", b"two")
    assert not connection.ended or connection.stage is Stage.OVER


async def test_a_body_in_pieces_goes_out_as_fast_as_the_engine_takes_it(
    house: House, upstream: Upstream
) -> None:
    pieces = [bytes([number]) * 300_000 for number in range(20)]
    engine = await house.engine(says(b"ok"))
    head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 6000000\r\n\r\n"

    async def all_pieces() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    connection = await upstream.ask(endpoint_at(engine.url), Question(head, pieces=all_pieces), Patient())

    assert await everything(connection) == b"ok"
    assert engine.seen[0].body == b"".join(pieces)
    assert connection.reusable


async def test_a_connection_on_which_half_a_body_went_out_is_not_used_again(
    house: House, upstream: Upstream
) -> None:
    async def refuses_early(wire: Wire) -> None:
        await wire.head(413, content_length="2")
        await wire.write(b"no")
        await wire.hangup()

    engine = await house.engine(refuses_early)
    engine.reads_bodies = False
    answered = asyncio.Event()
    head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 60\r\n\r\n"

    async def pieces() -> AsyncIterator[bytes]:
        yield b"x" * 20
        await asyncio.sleep(0.05)
        answered.set()
        yield b"y" * 20
        yield b"z" * 20

    connection = await upstream.ask(endpoint_at(engine.url), Question(head, pieces=pieces), Patient())
    whole = await everything(connection)

    assert (connection.status, whole) == (413, b"no")
    assert not connection.reusable


async def test_a_large_body_arrives_whole(house: House, upstream: Upstream) -> None:
    body = bytes(range(256)) * 20_000
    engine = await house.engine(says(b"ok"))

    connection = await asked(upstream, engine, body)

    assert await everything(connection) == b"ok"
    assert engine.seen[0].body == body
