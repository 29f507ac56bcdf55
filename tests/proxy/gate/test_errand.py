"""How bytes pass the gate: as they come, both ways, none kept, and no end that the other side did not make."""

import asyncio
import socket
import struct
from hashlib import sha256

import pytest

from switchyard_contracts.gate import SAYS_HEADER
from tests.proxy.engines import Held, Wire, dies_after, says, streams
from tests.proxy.gate.gates import Yards, answer, error, until
from tests.proxy.running import SOON_S

MIB = 1024 * 1024


async def test_a_stream_passes_piece_by_piece(yards: Yards) -> None:
    held = Held(first=b"data: 1\n\n", rest=b"data: 2\n\n")
    yard = await yards(held)
    line = await yard.post("/v1/chat/completions", b'{"stream": true}')

    head = await line.head()
    first = await line.until(b"data: 1\n\n\r\n")
    held.go_on.set()
    rest = await line.until(b"0\r\n\r\n")

    assert "transfer-encoding: chunked" in head
    assert (first, rest) == (b"9\r\ndata: 1\n\n\r\n", b"9\r\ndata: 2\n\n\r\n0\r\n\r\n")


async def test_a_client_that_leaves_is_gone_for_the_engine_within_a_second(yards: Yards) -> None:
    held = Held(first=b"data: 1\n\n")
    yard = await yards(held)
    line = await yard.post("/v1/chat/completions", b"{}")
    await line.until(b"data: 1\n\n\r\n")

    await line.hang_up()

    async with asyncio.timeout(1.0):
        await held.gone.wait()


async def test_a_client_that_leaves_before_the_answer_is_gone_for_the_engine(yards: Yards) -> None:
    held = Held()
    yard = await yards(held)
    line = await yard.post("/v1/chat/completions", b"{}")
    await held.begun.wait()

    await line.hang_up()

    async with asyncio.timeout(1.0):
        await held.gone.wait()


async def test_a_client_that_leaves_while_it_sends_is_gone_for_the_engine(yards: Yards) -> None:
    gone = asyncio.Event()

    async def waits(wire: Wire) -> None:
        await wire.hangup()
        gone.set()

    yard = await yards(waits)
    yard.engine.reads_bodies = False
    line = await yard.line(yard.head("POST", "/v1/images/edits", "content-length: 1000"), b"12345")
    await until(lambda: bool(yard.engine.seen))

    await line.hang_up()

    async with asyncio.timeout(1.0):
        await gone.wait()


async def test_an_engine_that_dies_in_a_stream_leaves_it_without_an_end(yards: Yards) -> None:
    yard = await yards(dies_after([b"data: 1\n\n"]))
    line = await yard.post("/v1/chat/completions", b"{}", "connection: close")

    said = await line.everything()

    assert said.endswith(b"9\r\ndata: 1\n\n\r\n")


async def test_an_engine_that_dies_in_a_body_leaves_it_short(yards: Yards) -> None:
    async def breaks_off(wire: Wire) -> None:
        await wire.head(content_length="10")
        await wire.write(b"12345")
        await asyncio.sleep(0.01)
        wire.drop()

    yard = await yards(breaks_off)
    line = await yard.get("/v1/models")

    assert (await line.everything()).endswith(b"\r\n\r\n12345")


async def test_a_reply_that_ends_with_its_connection_does_so_for_the_client(yards: Yards) -> None:
    async def unframed(wire: Wire) -> None:
        await wire.head(kind="text/event-stream")
        await wire.write(b"data: 1\n\n")
        wire.close()

    yard = await yards(unframed)
    line = await yard.post("/v1/chat/completions", b"{}")

    head, _, body = (await line.everything()).partition(b"\r\n\r\n")

    assert body == b"data: 1\n\n"
    assert b"transfer-encoding" not in head
    assert b"connection: close" in head


async def test_a_reply_that_ends_with_its_connection_and_is_dropped_is_dropped(yards: Yards) -> None:
    let_go = asyncio.Event()

    async def dropped(wire: Wire) -> None:
        await wire.head(kind="text/event-stream")
        await wire.write(b"data: 1\n\n")
        await let_go.wait()
        peer = wire.writer.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wire.drop()

    yard = await yards(dropped)
    line = await yard.post("/v1/chat/completions", b"{}")
    await line.until(b"data: 1\n\n")
    let_go.set()

    with pytest.raises(ConnectionResetError):
        await line.everything()


@pytest.mark.parametrize("status", [204, 304])
async def test_a_status_without_a_body_passes(yards: Yards, status: int) -> None:
    async def bare(wire: Wire) -> None:
        await wire.write(b"HTTP/1.1 %d Fine\r\netag: x\r\n\r\n" % status)

    yard = await yards(bare)
    line = await yard.get("/v1/models")

    assert (await answer(line))[:2][0] == status
    line.writer.write(yard.head("GET", "/v1/models"))
    assert (await answer(line))[0] == status


async def test_a_head_that_was_asked_for_keeps_its_length(yards: Yards) -> None:
    yard = await yards(_says_only_a_head)
    line = await yard.line(yard.head("HEAD", "/v1/models", "connection: close"))

    said = await line.everything()

    assert b"content-length: 1234" in said
    assert said.endswith(b"\r\n\r\n")


async def _says_only_a_head(wire: Wire) -> None:
    await wire.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n")


async def test_an_interim_reply_is_no_answer(yards: Yards) -> None:
    async def interim(wire: Wire) -> None:
        await wire.write(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n")
        await says(b"{}")(wire)

    yard = await yards(interim)

    assert (await answer(await yard.get("/v1/models")))[0] == 200


async def test_an_engine_that_speaks_no_http_is_lost(yards: Yards) -> None:
    async def babbles(wire: Wire) -> None:
        await wire.write(b"hello\r\n\r\n")

    yard = await yards(babbles)

    status, headers, _ = await answer(await yard.get("/v1/models"))

    assert (status, headers[SAYS_HEADER]) == (502, "engine-lost")


async def test_a_header_that_would_split_the_reply_does_not_pass(yards: Yards) -> None:
    async def splits(wire: Wire) -> None:
        await wire.write(b"HTTP/1.1 200 OK\r\nx: a\rset-cookie: b\r\ncontent-length: 2\r\n\r\n{}")

    yard = await yards(splits)

    assert (await error(await yard.get("/v1/models")))[0] == 502


class Counts:
    """An engine that reads a body as fast as it is allowed to, and answers with what it read."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.read = 0
        self.digest = sha256()
        self.may_read = asyncio.Event()

    async def __call__(self, wire: Wire) -> None:
        await self.may_read.wait()
        while self.read < self.size:
            piece = await wire.reader.read(256 * 1024)
            if not piece:
                return
            self.read += len(piece)
            self.digest.update(piece)
        await says(self.digest.hexdigest().encode())(wire)


async def test_an_upload_of_200_mib_passes_without_being_kept(yards: Yards) -> None:
    size, piece = 200 * MIB, bytes(range(256)) * 4096
    counts = Counts(size)
    yard = await yards(counts)
    yard.engine.reads_bodies = False
    line = await yard.line(yard.head("POST", "/v1/images/edits", f"content-length: {size}"))
    sent = 0

    async def send() -> None:
        nonlocal sent
        for _ in range(size // len(piece)):
            line.writer.write(piece)
            await line.writer.drain()
            sent += len(piece)

    async with asyncio.timeout(50), asyncio.TaskGroup() as own:
        sending = own.create_task(send())
        await until(lambda: bool(yard.engine.seen))
        before = -1
        while sent != before:  # until it is stopped: the engine has not read a byte
            before = sent
            await asyncio.sleep(0.05)
        assert not sending.done()
        assert sent < 24 * MIB  # what the sockets of the kernel and our marks hold
        counts.may_read.set()
    expected = sha256(piece * (size // len(piece))).hexdigest()

    assert (await answer(line))[2].decode() == expected
    assert yard.engine.seen[0].headers["content-length"] == str(size)


async def test_a_body_that_can_be_had_once_is_not_trusted_to_a_kept_connection(yards: Yards) -> None:
    async def answers_once(wire: Wire) -> None:
        await says(b"{}")(wire)
        await wire.reader.readexactly(1)
        wire.drop()  # just as it is used again

    yard = await yards(answers_once, says(b'"the second"'))
    await answer(await yard.get("/v1/models"))
    line = await yard.line(yard.head("POST", "/v1/images/edits", "content-length: 4"))
    await asyncio.sleep(0.01)
    line.writer.write(b"late")

    assert (await answer(line))[2] == b'"the second"'
    assert (yard.engine.connections, yard.engine.seen[1].body) == (2, b"late")


async def test_a_body_in_chunks_stays_one(yards: Yards) -> None:
    body = b""

    async def reads(wire: Wire) -> None:
        nonlocal body
        while not body.endswith(b"0\r\n\r\n"):
            body += await wire.reader.read(65536)
        await says(b"{}")(wire)

    yard = await yards(reads)
    yard.engine.reads_bodies = False
    line = await yard.line(yard.head("POST", "/v1/completions", "transfer-encoding: chunked"), b"3\r\nabc\r\n")
    await asyncio.sleep(0.01)
    line.writer.write(b"2\r\nde\r\n0\r\n\r\n")

    assert (await answer(line))[0] == 200
    assert body in (b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"5\r\nabcde\r\n0\r\n\r\n")
    assert yard.engine.seen[0].headers["transfer-encoding"] == "chunked"


async def test_a_chunked_body_that_is_here_whole_is_sent_with_its_length(yards: Yards) -> None:
    yard = await yards(says(b"{}"))
    head = yard.head("POST", "/v1/completions", "transfer-encoding: chunked")
    line = await yard.line(head + b"2\r\n{}\r\n0\r\n\r\n")

    assert (await answer(line))[0] == 200
    assert yard.engine.seen[0].body == b"{}"


async def test_who_waits_for_a_go_ahead_gets_one(yards: Yards) -> None:
    yard = await yards(says(b"{}"))
    line = await yard.line(yard.head("POST", "/v1/completions", "content-length: 2", "expect: 100-continue"))
    assert (await line.head()).startswith("HTTP/1.1 100 ")

    line.writer.write(b"{}")

    assert (await answer(line))[0] == 200
    assert "expect" not in yard.engine.seen[0].headers


async def test_an_engine_that_answers_before_it_has_the_body_is_heard(yards: Yards) -> None:
    yard = await yards(says(b'{"error": "too large"}', 413))
    yard.engine.reads_bodies = False
    line = await yard.line(yard.head("POST", "/v1/images/edits", f"content-length: {8 * MIB}"))

    async def send() -> None:
        for _ in range(8):
            line.writer.write(bytes(MIB))
            await line.writer.drain()

    async with asyncio.timeout(SOON_S), asyncio.TaskGroup() as own:
        own.create_task(send())
        status, _, body = await answer(line)

    assert (status, body) == (413, b'{"error": "too large"}')


async def test_a_slow_client_slows_the_engine(yards: Yards) -> None:
    sent = 0

    async def floods(wire: Wire) -> None:
        nonlocal sent
        await wire.begin_stream()
        for _ in range(200):
            await wire.chunk(bytes(MIB))
            sent += 1
        await wire.end_stream()

    yard = await yards(floods)
    line = await yard.get("/v1/models")
    line.reader._transport.pause_reading()
    before = -1
    while sent != before:
        before = sent
        await asyncio.sleep(0.05)

    assert sent < 24
    line.reader._transport.resume_reading()
    size = 0
    async with asyncio.timeout(30):
        while size < 200 * MIB:
            size += len(await line.reader.read(MIB))


async def test_many_at_once_do_not_mix(yards: Yards) -> None:
    async def echoes(wire: Wire) -> None:
        await streams([wire.seen.body, wire.seen.body])(wire)

    yard = await yards(echoes)

    async def one(number: int) -> None:
        body = b"%06d" % number
        line = await yard.post("/v1/completions", body, "connection: close")
        said = await line.everything()
        assert said.count(body) == 2
        assert said.endswith(b"0\r\n\r\n")

    async with asyncio.timeout(30), asyncio.TaskGroup() as own:
        for number in range(200):
            own.create_task(one(number))
