"""A client may leave at any point: what it held is given back, and nobody else is harmed."""

import asyncio
import contextlib
import json
import socket
from collections.abc import Iterator

import pytest

from switchyard_contracts.grants import Broken, Granted, Revoke, Want
from tests.proxy.conftest import House
from tests.proxy.engines import DONE, Held, Wire, chat_chunk, event, says_json, streams
from tests.proxy.managers import NeverAnswers
from tests.proxy.wire.scenes import closed_accounts, serve_as, until_closed

CHAT = "/v1/chat/completions"
STREAM = json.dumps({"model": "chat", "stream": True, "messages": []}).encode()
REQUEST = b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (CHAT.encode(), len(STREAM), STREAM)


@pytest.mark.parametrize("sent", [*range(0, len(REQUEST), 23), len(REQUEST)])
async def test_after_any_part_of_a_request(house: House, sent: int) -> None:
    held = Held(first=chat_chunk("a"))
    engine, _, proxy = await house.serving(held, says_json({}))
    line = await house.line(proxy)
    line.writer.write(REQUEST[:sent])
    await line.writer.drain()

    await line.hang_up()
    await proxy.until_idle()
    if sent < len(REQUEST):
        assert engine.seen == []
    async with proxy.client() as client:
        held.go_on.set()
        reply = await client.post(CHAT, content=STREAM)

    assert reply.status_code == 200


@pytest.mark.parametrize("turns", range(0, 40, 3))
async def test_after_any_turn_of_the_loop(house: House, turns: int) -> None:
    """Cold: through the queue, the grant, the connection and the stream."""
    _, manager, proxy = await house.serving(streams([chat_chunk("a"), DONE]))
    accounts = closed_accounts(proxy)
    line = await house.line(proxy)
    line.writer.write(REQUEST)
    for _ in range(turns):
        await asyncio.sleep(0)

    await line.hang_up()

    await asyncio.sleep(0.01)
    await proxy.until_idle()
    assert manager.of(Broken) == []
    assert [account.outcome for account in accounts] in ([], ["client_left"], ["ok"])
    assert len(proxy.parts.pulses) == 0


async def test_in_the_very_moment_its_lease_arrives(house: House) -> None:
    engine = await house.engine(says_json({}))
    manager = await house.manager(engine, kind=NeverAnswers)
    proxy = await house.proxy(manager)
    accounts = closed_accounts(proxy)
    line = await house.line(proxy)
    await line.post(CHAT, STREAM)
    want = await manager.hear(Want)
    connection = next(iter(proxy._server.server_state.connections))
    leases = proxy.parts.sites.all[0].leases

    leases.granted(Granted(model="chat", grant="g9", endpoint=engine.url, headers={}))
    connection.connection_lost(None)  # in the same turn: both have happened when the request looks up

    await until_closed(accounts, 1)
    await proxy.until_idle()
    leases.revoked(Revoke(model="chat", grant="g9"))
    assert want.model == "chat"
    assert leases.grants == 0
    assert [account.outcome for account in accounts] == ["client_left"]
    assert engine.seen == []


@pytest.fixture
def nobody_accepts() -> Iterator[str]:
    """An address whose backlog is full: connections to it are neither taken nor refused."""
    with contextlib.ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = sockets.enter_context(socket.socket())
            filler.settimeout(0)
            filler.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


async def test_while_a_connection_to_the_engine_is_opened(house: House, nobody_accepts: str) -> None:
    manager = await house.manager()
    manager.endpoints["chat"] = nobody_accepts
    proxy = await house.proxy(manager, connect_wait_s=30)
    accounts = closed_accounts(proxy)
    line = await house.line(proxy)
    await line.post(CHAT, STREAM)
    async with asyncio.timeout(5):
        while not proxy.parts.sites.in_flight:
            await asyncio.sleep(0.001)

    await line.hang_up()

    await until_closed(accounts, 1)
    await proxy.until_idle()
    assert [account.outcome for account in accounts] == ["client_left"]


async def test_an_engine_that_takes_no_connection_is_told_as_such(house: House, nobody_accepts: str) -> None:
    manager = await house.manager()
    manager.endpoints["chat"] = nobody_accepts
    proxy = await house.proxy(manager, connect_wait_s=0.05)

    async with proxy.client() as client:
        reply = await client.post(CHAT, content=STREAM)

    assert (reply.status_code, reply.json()["error"]["code"]) == (502, "backend_unavailable")
    assert "took no connection within 0.05 s" in reply.json()["error"]["message"]


async def test_while_it_takes_nothing_of_a_stream_that_does_not_end(house: House) -> None:
    gone = asyncio.Event()

    async def floods(wire: Wire) -> None:
        await wire.begin_stream()
        try:
            while True:
                await wire.chunk(event({"x": "x" * 50_000}))
        finally:
            gone.set()

    _, _, proxy = await house.serving(floods)
    accounts = closed_accounts(proxy)
    line = await house.line(proxy)
    await line.post(CHAT, STREAM)
    await line.head()
    await asyncio.sleep(0.05)

    await line.hang_up()
    async with asyncio.timeout(2):
        await gone.wait()

    await until_closed(accounts, 1)
    await proxy.until_idle()
    assert [account.outcome for account in accounts] == ["client_left"]


async def test_a_half_closed_connection_has_left(house: House) -> None:
    held = Held(first=chat_chunk("a"))
    _, _, proxy = await house.serving(held)
    line = await house.line(proxy)
    await line.post(CHAT, STREAM)
    await line.until(b'"a"')

    line.writer.write_eof()

    async with asyncio.timeout(2):
        await held.gone.wait()
    await proxy.until_idle()


async def test_with_another_request_behind_it(house: House) -> None:
    held = Held(first=chat_chunk("a"))
    engine, _, proxy = await house.serving(held)
    accounts = closed_accounts(proxy)
    line = await house.line(proxy)
    line.writer.write(REQUEST * 3)
    await line.until(b'"a"')

    await line.hang_up()

    await until_closed(accounts, 1)
    await proxy.until_idle()
    assert len(engine.seen) == 1
    assert len(accounts) == 1


async def test_many_at_once_leave_the_turns_to_those_who_stay(house: House) -> None:
    engine = await house.engine(
        *[Held(first=chat_chunk("a")) for _ in range(2)], streams([chat_chunk("b"), DONE])
    )
    manager = await house.manager(engine)
    serve_as(manager, "chat", max_concurrency=2)
    proxy = await house.proxy(manager)
    accounts = closed_accounts(proxy)
    lines = [await house.line(proxy) for _ in range(30)]
    for count, line in enumerate(lines):
        await line.post(CHAT, STREAM)
        async with asyncio.timeout(5):
            while proxy.parts.lines.waiting < count - 1 or proxy.parts.sites.in_flight < min(count + 1, 2):
                await asyncio.sleep(0.001)
    await lines[0].until(b'"a"')
    await lines[1].until(b'"a"')

    stays = lines[-1]
    for line in lines[:-1]:
        await line.hang_up()
    said = await stays.until(DONE)

    assert b'"b"' in said
    await until_closed(accounts, 30)
    await proxy.until_idle()
    assert len(accounts) == 30


@pytest.mark.parametrize("path", ["/api/keys", "/models/load", CHAT, "/upstream/chat/tokenize", "/api/chat"])
async def test_in_the_middle_of_a_body_it_is_nobodys_fault(
    house: House, path: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Once for each endpoint, FastAPI looks up its source for what it calls a fault's context.
    monkeypatch.setattr("fastapi.routing._extract_endpoint_context", lambda _: {})
    _, _, proxy = await house.serving(says_json({}), ollama="on")
    line = await house.line(proxy)
    line.writer.write(b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{" % path.encode())
    await line.writer.drain()
    tasks = proxy._server.server_state.tasks
    async with asyncio.timeout(2):
        while not tasks:
            await asyncio.sleep(0.001)

    await line.hang_up()

    async with asyncio.timeout(2):
        while tasks:
            await asyncio.sleep(0.001)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_after_something_that_is_no_body_though_it_was_to_be_asked_for_it(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    _, _, proxy = await house.serving(says_json({}))
    line = await house.line(proxy)

    head = (
        b"POST %b HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n"
        % CHAT.encode()
    )
    line.writer.write(head + b"zz\r\n")

    assert (await line.head()).startswith("HTTP/1.1 400")
    await asyncio.sleep(0.02)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
