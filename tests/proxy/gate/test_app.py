"""The gate over real sockets: who is let in, what is refused and how, and how it stops."""

import asyncio

import pytest

from switchyard_contracts.gate import KEY_HEADER, SAYS_HEADER
from tests.proxy.engines import Held, dies_unanswered, says, streams
from tests.proxy.gate.gates import Yards, answer, error
from tests.proxy.running import SOON_S


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_health_needs_no_key(yards: Yards, method: str) -> None:
    yard = await yards(says(b"{}"))
    line = await yard.line(f"{method} /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())

    head, _, body = (await line.everything()).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert body == (b'{"status":"ok"}' if method == "GET" else b"")


async def test_a_request_with_its_key_reaches_the_engine_and_its_answer_the_client(yards: Yards) -> None:
    yard = await yards(says(b'{"hi": 1}', 201, x_mine="yes"))
    line = await yard.post("/v1/chat/completions", b'{"model": "m"}', "authorization: Bearer of-this-run")

    status, headers, body = await answer(line)

    assert (status, headers["x-mine"], body) == (201, "yes", b'{"hi": 1}')
    (seen,) = yard.engine.seen
    assert (seen.line, seen.body) == ("POST /v1/chat/completions HTTP/1.1", b'{"model": "m"}')
    assert seen.headers["authorization"] == "Bearer of-this-run"
    assert seen.headers["host"] == f"127.0.0.1:{yard.engine.port}"
    assert KEY_HEADER not in seen.headers


async def test_without_the_key_the_engine_hears_nothing(yards: Yards) -> None:
    yard = await yards(says(b"{}"))
    line = await yard.line(f"GET {yard.path('/v1/models')} HTTP/1.1\r\nhost: x\r\n\r\n".encode())

    status, told = await error(line)

    assert (status, told["code"]) == (403, "engine_key_refused")
    assert yard.engine.connections == 0


@pytest.mark.parametrize("path", ["/sleep", "/v1/../sleep", "/collective_rpc", "/metrics", "//v1/models"])
async def test_what_is_not_on_the_list_is_refused_though_the_key_fits(yards: Yards, path: str) -> None:
    yard = await yards(says(b"{}"))

    for line in (await yard.get(path), await yard.post(path, b"{}")):
        status, told = await error(line)
        assert (status, told["code"]) == (404, "unknown_url")
    assert yard.engine.connections == 0


@pytest.mark.parametrize("form", ["http://{engine}/v1/models", "http://gate{path}", "//gate{path}"])
async def test_a_target_that_names_a_host_is_refused(yards: Yards, form: str) -> None:
    yard = await yards(says(b"{}"))
    target = form.format(engine=f"127.0.0.1:{yard.engine.port}", path=yard.path("/v1/models"))
    line = await yard.line(f"GET {target} HTTP/1.1\r\nhost: x\r\n{KEY_HEADER}: {yard.key}\r\n\r\n".encode())

    assert (await error(line))[0] == 404
    assert yard.engine.connections == 0


async def test_a_tunnel_is_refused(yards: Yards) -> None:
    yard = await yards(says(b"{}"))
    line = await yard.line(
        f"CONNECT 127.0.0.1:{yard.engine.port} HTTP/1.1\r\nhost: x\r\n{KEY_HEADER}: {yard.key}\r\n\r\n".encode()
    )

    assert (await line.head()).startswith("HTTP/1.1 400 ")
    assert yard.engine.connections == 0


async def test_an_upgrade_is_not_passed_on(yards: Yards) -> None:
    yard = await yards(says(b"{}"))
    line = await yard.get("/v1/models", "connection: upgrade", "upgrade: websocket")

    assert (await answer(line))[0] == 200
    assert "upgrade" not in yard.engine.seen[0].headers


SMUGGLED = b"GET /sleep HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.mark.parametrize(
    "framing",
    [
        ("content-length: 3", "transfer-encoding: chunked"),
        ("transfer-encoding: chunked", "content-length: 3"),
        ("content-length: 3", "content-length: 4"),
        ("content-length: 3, 4",),
        ("content-length: +3",),
        ("content-length: 0x3",),
        ("content-length : 3",),
        ("transfer-encoding: xchunked",),
        ("transfer-encoding: chunked, identity",),
        ("transfer-encoding : chunked",),
        ("transfer-encoding:\x0bchunked",),
        ("content-length: 3\r\n folded: 1",),
        ("x: y\nz: 1",),
        ("x: y\rz: 1",),
        ("x: \x00",),
        ("no colon",),
    ],
)
async def test_a_head_that_can_be_read_in_two_ways_reaches_no_engine(
    yards: Yards, framing: tuple[str, ...]
) -> None:
    yard = await yards(says(b"{}"))
    line = await yard.line(yard.head("POST", "/v1/completions", *framing), b"0\r\n\r\n", SMUGGLED)

    reply = await line.everything()

    assert reply.startswith(b"HTTP/1.1 400 ")
    assert [seen.line for seen in yard.engine.seen] == []


async def test_bytes_after_a_request_are_a_request_to_the_gate_and_to_nobody_else(yards: Yards) -> None:
    yard = await yards(says(b"{}"))
    line = await yard.line(yard.head("POST", "/v1/completions", "content-length: 2"), b"{}" + SMUGGLED)

    assert (await answer(line))[0] == 200
    assert (await error(line))[1]["code"] == "unknown_url"
    assert [seen.line for seen in yard.engine.seen] == ["POST /v1/completions HTTP/1.1"]


async def test_an_engine_that_refuses_connections_is_told_as_lost(yards: Yards) -> None:
    yard = await yards(says(b"{}"))
    await yard.engine.die()

    status, headers, _ = await answer(await yard.get("/v1/models"))

    assert (status, headers[SAYS_HEADER]) == (502, "engine-lost")


async def test_an_engine_that_dies_before_it_answers_is_told_as_lost(yards: Yards) -> None:
    yard = await yards(dies_unanswered)

    status, headers, body = await answer(await yard.post("/v1/completions", b"{}"))

    assert (status, headers[SAYS_HEADER]) == (502, "engine-lost")
    assert b'"code":"backend_unavailable"' in body


async def test_when_it_stops_a_reply_that_has_begun_breaks_off(yards: Yards) -> None:
    held = Held(first=b"data: 1\n\n")
    yard = await yards(held)
    line = await yard.post("/v1/completions", b"{}")
    await line.until(b"data: 1\n\n\r\n")

    yard.gate.app.stop()

    assert await line.everything() == b""  # without the chunk that would be the last
    async with asyncio.timeout(SOON_S):
        await held.gone.wait()


async def test_when_it_stops_a_request_without_a_reply_is_told(yards: Yards) -> None:
    held = Held()
    yard = await yards(held)
    line = await yard.post("/v1/completions", b"{}")
    await held.begun.wait()

    yard.gate.app.stop()

    status, told = await error(line)
    assert (status, told["code"]) == (503, "overloaded")


async def test_connections_to_the_engine_are_used_again(yards: Yards) -> None:
    yard = await yards(says(b"{}"))
    line = await yard.get("/v1/models")
    await answer(line)

    for _ in range(5):
        line.writer.write(yard.head("GET", "/v1/models"))
        await answer(line)

    assert (len(yard.engine.seen), yard.engine.connections) == (6, 1)


async def test_who_sends_no_head_is_not_waited_for(yards: Yards) -> None:
    yard = await yards(says(b"{}"), header_wait_s=3)
    line = await yard.line(b"GET /engines/")
    await asyncio.sleep(0.01)

    yard.gate.sweep(after_s=4)

    assert (await line.everything()).startswith(b"HTTP/1.1 408 ")


async def test_a_body_that_does_not_come_is_not_waited_for(yards: Yards) -> None:
    yard = await yards(streams([b"x"]), body_pause_s=0.05)
    line = await yard.line(yard.head("POST", "/v1/completions", "content-length: 10"), b"12345")

    status, told = await error(line)

    assert (status, told["code"]) == (408, "request_timeout")


async def test_more_connections_than_allowed_are_refused(yards: Yards) -> None:
    yard = await yards(says(b"{}"), max_connections=1)
    await answer(await yard.get("/v1/models"))

    async with asyncio.timeout(SOON_S):
        assert (await (await yard.get("/v1/models")).head()).startswith("HTTP/1.1 503 ")
