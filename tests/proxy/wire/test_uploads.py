"""Forms on their way to an engine: taken whole, sent as they came, sent again, and given up in the middle."""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from switchyard_contracts.grants import Want
from tests.proxy.conftest import House
from tests.proxy.engines import DONE, Wire, dies_unanswered, event, says_json
from tests.proxy.managers import NeverAnswers, StartsAnotherEngine
from tests.proxy.running import Line
from tests.proxy.wire.scenes import closed_accounts, until_closed

EDITS = "/v1/images/edits"
BOUNDARY = "b0undary"
LARGE = os.urandom(12 * 1024 * 1024)  # more than sockets take without a reader
SOON_S = 5.0


def form(picture: bytes, **fields: str) -> bytes:
    """The file first: who it is for is only known at the end."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image[]"; filename="a.png"\r\n'
        "Content-Type: image/png\r\n\r\n".encode()
        + picture
    ]
    parts += [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
        for name, value in fields.items()
    ]
    return b"\r\n".join((*parts, f"--{BOUNDARY}--\r\n".encode()))


KIND = f"content-type: multipart/form-data; boundary={BOUNDARY}"
HEADERS = {"content-type": KIND.split(": ")[1]}


def nameless_files() -> int:
    """Open ones: what uploads are kept in, and what the test runner has of its own."""
    names = []
    for one in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            names.append(str(one.readlink()))
    return sum("(deleted)" in name for name in names)


@pytest.fixture(autouse=True)
async def _every_upload_is_closed() -> AsyncIterator[None]:
    before = nameless_files()
    yield
    async with asyncio.timeout(SOON_S):
        while nameless_files() > before:
            await asyncio.sleep(0.005)


async def test_a_form_whose_file_comes_first_is_routed_and_arrives_as_it_was(house: House) -> None:
    engine, _, proxy = await house.serving(says_json({"data": []}))
    body = form(b"\x89PNG" * 1000, prompt="x", model="paint")

    async with proxy.client() as client:
        reply = await client.post(EDITS, content=body, headers=HEADERS)

    assert reply.status_code == 200
    assert engine.seen[0].body == body


async def test_an_upload_that_met_a_dying_engine_is_sent_whole_to_the_next(house: House) -> None:
    dying, healthy = await house.engine(dies_unanswered), await house.engine(says_json({"by": "the next"}))
    manager = await house.manager(dying, kind=StartsAnotherEngine, replacements=[healthy.url])
    proxy = await house.proxy(manager)
    accounts = closed_accounts(proxy)
    body = form(LARGE, model="paint")

    async with proxy.client() as client:
        reply = await client.post(EDITS, content=body, headers=HEADERS)

    assert reply.json() == {"by": "the next"}
    assert healthy.seen[0].body == body
    await until_closed(accounts, 1)
    assert [(account.outcome, account.retried) for account in accounts] == [("ok", True)]


async def test_an_upload_whose_engine_dies_half_way_is_sent_whole_to_the_next(house: House) -> None:
    async def takes_half(wire: Wire) -> None:
        await wire.reader.read(100_000)
        wire.drop()

    dying, healthy = await house.engine(takes_half), await house.engine(says_json({"by": "the next"}))
    dying.reads_bodies = False
    manager = await house.manager(dying, kind=StartsAnotherEngine, replacements=[healthy.url])
    proxy = await house.proxy(manager)
    body = form(LARGE, model="paint")

    async with proxy.client() as client:
        reply = await client.post(EDITS, content=body, headers=HEADERS)

    assert reply.json() == {"by": "the next"}
    assert healthy.seen[0].body == body


async def test_an_engine_that_refuses_half_way_is_heard_and_its_connection_not_used_again(house: House) -> None:
    async def refuses(wire: Wire) -> None:
        await wire.reader.read(100_000)
        await says_json({"error": {"message": "too large", "type": "x", "param": None, "code": None}}, 413)(
            wire
        )
        await wire.hangup()

    engine = await house.engine(refuses)
    engine.reads_bodies = False
    manager = await house.manager(engine)
    proxy = await house.proxy(manager)

    async with proxy.client() as client:
        reply = await client.post(EDITS, content=form(LARGE, model="paint"), headers=HEADERS)

    assert (reply.status_code, reply.json()["error"]["message"]) == (413, "too large")
    assert proxy.parts.upstream.idle == 0


async def test_an_engine_that_refuses_and_closes_at_once_is_heard(house: House) -> None:
    async def refuses(wire: Wire) -> None:
        await wire.reader.read(1000)
        await says_json({"error": {"message": "too large", "type": "x", "param": None, "code": None}}, 413)(
            wire
        )
        await asyncio.sleep(0.05)  # the reply is out before the reset that unread bytes cause
        wire.close()

    engine = await house.engine(refuses)
    engine.reads_bodies = False
    manager = await house.manager(engine)
    proxy = await house.proxy(manager)

    async with proxy.client() as client:
        reply = await client.post(EDITS, content=form(LARGE, model="paint"), headers=HEADERS)

    assert reply.status_code == 413


@pytest.mark.parametrize("interim", ["100 Continue", "102 Processing", "103 Early Hints"])
async def test_an_interim_reply_does_not_stop_an_upload(house: House, interim: str) -> None:
    got = bytearray()

    async def encourages(wire: Wire) -> None:
        await wire.write(f"HTTP/1.1 {interim}\r\nlink: </x>\r\n\r\n".encode())
        await asyncio.sleep(0.02)
        got.extend(await wire.reader.readexactly(int(wire.seen.headers["content-length"])))
        await says_json({"ok": True})(wire)

    engine = await house.engine(encourages)
    engine.reads_bodies = False
    manager = await house.manager(engine)
    proxy = await house.proxy(manager)
    body = form(LARGE, model="paint")

    async with proxy.client() as client:
        reply = await client.post(EDITS, content=body, headers=HEADERS)

    assert reply.json() == {"ok": True}
    assert bytes(got) == body
    assert "link" not in reply.headers


async def test_a_streamed_edit_hears_signs_of_life_while_the_engine_takes_its_upload(house: House) -> None:
    go_on = asyncio.Event()

    async def takes_its_time(wire: Wire) -> None:
        await go_on.wait()
        await wire.reader.readexactly(int(wire.seen.headers["content-length"]))
        await wire.begin_stream()
        await wire.chunk(event({"type": "image_edit.completed"}) + DONE)
        await wire.end_stream()

    engine = await house.engine(takes_its_time)
    engine.reads_bodies = False
    manager = await house.manager(engine)
    proxy = await house.proxy(manager, commit_after_s=0.05, heartbeat_s=0.05)
    line = await house.line(proxy)

    await line.post(EDITS, form(LARGE, model="paint", stream="true"), KIND)
    head = await line.head()
    for _ in range(3):
        await line.until(b": keepalive\n\n")
    go_on.set()
    said = await line.until(DONE)

    assert "text/event-stream" in head
    assert b"image_edit.completed" in said


async def test_a_client_that_leaves_while_its_upload_is_sent_on_leaves_nothing_behind(house: House) -> None:
    gone = asyncio.Event()
    begun = asyncio.Event()

    async def takes_nothing(wire: Wire) -> None:
        begun.set()
        await wire.hangup()
        gone.set()

    engine = await house.engine(takes_nothing)
    engine.reads_bodies = False
    manager = await house.manager(engine)
    proxy = await house.proxy(manager)
    accounts = closed_accounts(proxy)
    line = await house.line(proxy)
    await line.post(EDITS, form(LARGE, model="paint"), KIND)
    async with asyncio.timeout(SOON_S):
        await begun.wait()

    await line.hang_up()
    async with asyncio.timeout(SOON_S):
        await gone.wait()

    await proxy.until_idle()
    await until_closed(accounts, 1)
    assert [account.outcome for account in accounts] == ["client_left"]


async def test_a_client_that_leaves_in_the_middle_of_its_upload_is_noted(house: House) -> None:
    engine, _, proxy = await house.serving(says_json({}))
    accounts = closed_accounts(proxy)
    line = await house.line(proxy)
    body = form(LARGE, model="paint")
    line.writer.write(
        f"POST {EDITS} HTTP/1.1\r\nhost: x\r\n{KIND}\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    )
    line.writer.write(body[: len(body) // 2])
    await line.writer.drain()

    await line.hang_up()

    await until_closed(accounts, 1)
    assert [account.outcome for account in accounts] == ["client_left"]
    assert engine.seen == []


async def test_an_upload_that_waits_for_its_model_and_is_given_up_leaves_no_file(house: House) -> None:
    before = nameless_files()
    manager = await house.manager(kind=NeverAnswers)
    proxy = await house.proxy(manager)
    line = await house.line(proxy)
    await line.post(EDITS, form(LARGE, model="paint"), KIND)
    await manager.hear(Want)
    kept = nameless_files()

    await line.hang_up()

    assert kept == before + 1
    await proxy.until_idle()


# Bodies without a length


async def chunked(line: Line, path: str, pieces: list[bytes], *headers: str) -> None:
    head = (f"POST {path} HTTP/1.1", "host: x", "transfer-encoding: chunked", *headers, "", "")
    line.writer.write("\r\n".join(head).encode())
    for piece in pieces:
        line.writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        await line.writer.drain()
        await asyncio.sleep(0)
    line.writer.write(b"0\r\n\r\n")
    await line.writer.drain()


async def test_a_body_in_chunks_reaches_the_engine_with_its_length(house: House) -> None:
    engine, _, proxy = await house.serving(says_json({}))
    line = await house.line(proxy)
    body = json.dumps({"model": "chat", "messages": []}).encode()

    await chunked(line, "/v1/chat/completions", [body[:5], body[5:9], body[9:]])
    head = await line.head()

    assert head.startswith("HTTP/1.1 200")
    assert engine.seen[0].body == body
    assert engine.seen[0].headers["content-length"] == str(len(body))
    assert "transfer-encoding" not in engine.seen[0].headers


async def test_a_form_in_chunks_reaches_the_engine_whole(house: House) -> None:
    engine, _, proxy = await house.serving(says_json({}))
    line = await house.line(proxy)
    body = form(LARGE[:3_000_000], model="paint")

    await chunked(line, EDITS, [body[at : at + 300_000] for at in range(0, len(body), 300_000)], KIND)
    await line.head()

    assert engine.seen[0].body == body


async def test_a_body_in_chunks_over_the_bound_is_refused_before_its_end(house: House) -> None:
    _, _, proxy = await house.serving(says_json({}), body_limit_mib=1)
    line = await house.line(proxy)

    head = (f"POST {EDITS} HTTP/1.1", "host: x", "transfer-encoding: chunked", "", "")
    line.writer.write("\r\n".join(head).encode() + b"%x\r\n%b\r\n" % (2_000_000, b" " * 2_000_000))
    reply = await line.head()

    assert reply.startswith("HTTP/1.1 413")
