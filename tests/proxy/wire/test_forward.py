"""A request's way to an engine and back: client, proxy, manager and engine all speak over real sockets."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import httpx
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from switchyard_contracts.errors import ErrorBody, ErrorCode
from switchyard_contracts.grants import Broken, Drained, InFlight, Unwant, Want
from tests.proxy.conftest import House
from tests.proxy.engines import (
    DONE,
    Held,
    Wire,
    chat_chunk,
    dies_after,
    dies_unanswered,
    event,
    says,
    says_json,
    streams,
)
from tests.proxy.managers import NeverAnswers, RefusesTickets, RevokesItsFirstGrant, StartsAnotherEngine

CHAT = "/v1/chat/completions"
HELLO = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}
HELLO_BYTES = json.dumps(HELLO).encode()
TALK = [chat_chunk("Hel"), chat_chunk("lo"), chat_chunk(None, "stop"), DONE]
SOON_S = 5.0


def error_in(reply: httpx.Response) -> dict[str, object]:
    body = reply.json()
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert body["source"] == "switchyard"
    error: dict[str, object] = body["error"]
    return error


# What passes


async def test_an_answer_passes_unchanged(house: House) -> None:
    engine, _, proxy = await house.serving(says_json({"id": "x", "n": 1}, 200, x_engine="yes"))

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=HELLO)

    assert reply.status_code == 200
    assert reply.json() == {"id": "x", "n": 1}
    assert reply.headers["x-engine"] == "yes"
    assert engine.seen[0].line == f"POST {CHAT} HTTP/1.1"
    assert engine.seen[0].json == HELLO


async def test_unknown_fields_reach_the_engine_byte_for_byte(house: House) -> None:
    engine, _, proxy = await house.serving(says_json({}))
    body = b'{ "x_new" : [1.50, 1e2,\n"\\u00e9"], "model":"chat","big":' + b"9" * 400 + b"}"

    async with proxy.client() as client:
        await client.post(CHAT, content=body)

    assert engine.seen[0].body == body


async def test_an_engines_own_error_passes_unchanged(house: House) -> None:
    payload = {"error": {"message": "too long", "type": "BadRequestError", "param": None, "code": 400}}
    _, _, proxy = await house.serving(says_json(payload, 400))

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=HELLO)

    assert reply.status_code == 400
    assert reply.json() == payload


async def test_a_stream_passes_byte_for_byte_and_may_not_be_kept_on_the_way(house: House) -> None:
    _, _, proxy = await house.serving(streams(TALK))

    async with proxy.client() as client, client.stream("POST", CHAT, json=HELLO | {"stream": True}) as reply:
        body = await reply.aread()

    assert body == b"".join(TALK)
    assert reply.headers["content-type"] == "text/event-stream"
    assert reply.headers["cache-control"] == "no-cache"
    assert reply.headers["x-accel-buffering"] == "no"


async def test_an_event_reaches_the_client_before_the_next_is_made(house: House) -> None:
    held = Held(first=TALK[0], rest=b"".join(TALK[1:]))
    _, _, proxy = await house.serving(held)
    line = await house.line(proxy)

    await line.post(CHAT, HELLO_BYTES)
    first = await line.until(TALK[0])
    held.go_on.set()
    rest = await line.until(b"0\r\n\r\n")

    assert TALK[0] in first
    assert DONE in rest


STREAM = (
    b"".join([event({"n": n, "text": "йx" * n}) for n in range(6)])
    + b": note\n\nevent: x\r\ndata: y\r\n\r\n"
    + DONE
)


@pytest.fixture
async def stream_in_pieces(house: House) -> Callable[[list[bytes]], Awaitable[bytes]]:
    """Sends a stream through the proxy in these pieces; returns what came out."""
    pieces: list[bytes] = []

    async def in_pieces(wire: Wire) -> None:
        await wire.begin_stream()
        for piece in pieces:
            await wire.chunk(piece)
            await asyncio.sleep(0)
        await wire.end_stream()

    _, _, proxy = await house.serving(in_pieces)

    async def send_through(cut: list[bytes]) -> bytes:
        pieces[:] = cut
        async with proxy.client() as client:
            return (await client.post(CHAT, json=HELLO)).content

    return send_through


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=8).map(sorted))
async def test_a_stream_passes_however_it_is_cut(
    stream_in_pieces: Callable[[list[bytes]], Awaitable[bytes]], cuts: list[int]
) -> None:
    pieces = [STREAM[a:b] for a, b in zip([0, *cuts], [*cuts, len(STREAM)], strict=True)]

    assert await stream_in_pieces(pieces) == STREAM


async def test_the_query_is_forwarded_and_plays_no_part_in_routing(house: House) -> None:
    engine, _, proxy = await house.serving(says_json({}))

    async with proxy.client() as client:
        await client.post(f"{CHAT}?beta=true&x=%2F", json=HELLO)

    assert engine.seen[0].line == f"POST {CHAT}?beta=true&x=%2F HTTP/1.1"


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/chat/completions", "chat"),
        ("/v1/completions", "eyes"),
        ("/v1/embeddings", "chat"),
        ("/v1/images/generations", "paint"),
        ("/images/generations", "paint"),
    ],
)
async def test_every_route_reaches_the_engines_route_of_openai(house: House, path: str, model: str) -> None:
    engine, _, proxy = await house.serving(says_json({}))

    async with proxy.client() as client:
        reply = await client.post(path, json={"model": model})

    assert reply.status_code == 200
    assert engine.seen[0].line == f"POST /v1{path.removeprefix('/v1')} HTTP/1.1"


@pytest.mark.parametrize("alias", ["gpt-4o", "org/chat"])
async def test_an_alias_becomes_the_models_name_and_nothing_else_changes(house: House, alias: str) -> None:
    engine, _, proxy = await house.serving(says_json({}))
    body = b'{"messages":[{"model":"%b"}],  "model" : "%b" , "n":1.0}'

    async with proxy.client() as client:
        await client.post(CHAT, content=body % (alias.encode(), alias.encode()))

    assert engine.seen[0].body == body.replace(b'"model" : "%b"', b'"model" : "chat"') % alias.encode()


async def test_a_clients_key_stays_with_the_proxy_and_the_grants_headers_go_along(house: House) -> None:
    engine = await house.engine(says_json({}))
    manager = await house.manager(engine, headers={"X-Secret": "s3", "Authorization": "Bearer engine"})
    proxy = await house.proxy(manager)

    async with proxy.client() as client:
        headers = {"Authorization": "Bearer client", "x-api-key": "client", "x-request-id": "trace-1"}
        reply = await client.post(CHAT, json=HELLO, headers=headers)

    seen = engine.seen[0].headers
    assert seen["authorization"] == "Bearer engine"
    assert seen["x-secret"] == "s3"
    assert "x-api-key" not in seen
    assert seen["x-request-id"] == reply.headers["x-request-id"] == "trace-1"


async def test_a_kept_alive_connection_is_no_model(house: House) -> None:
    """Each request is routed by itself: the second on a connection may be for another model."""
    chat, paint = await house.engine(says_json({"by": "chat"})), await house.engine(says_json({"by": "paint"}))
    manager = await house.manager(chat)
    manager.endpoints["paint"] = paint.url
    proxy = await house.proxy(manager)

    async with proxy.client() as client:
        first = await client.post(CHAT, json=HELLO)
        second = await client.post("/v1/images/generations", json={"model": "paint", "prompt": "x"})

    assert (first.json()["by"], second.json()["by"]) == ("chat", "paint")


async def test_a_large_answer_passes_a_slow_client_whole(house: House) -> None:
    payload = bytes(range(256)) * 12_000
    _, _, proxy = await house.serving(says(payload, kind="application/octet-stream"))

    async with proxy.client() as client, client.stream("POST", CHAT, json=HELLO) as reply:
        parts = []
        async for part in reply.aiter_raw(65_536):
            parts.append(part)
            await asyncio.sleep(0)

    assert b"".join(parts) == payload


# What is asked of the manager


async def test_a_warm_request_costs_no_message_to_the_manager(house: House) -> None:
    _, manager, proxy = await house.serving(says_json({}))

    async with proxy.client() as client:
        for _ in range(5):
            await client.post(CHAT, json=HELLO)

    assert len(manager.of(Want)) == 1
    assert len(manager.of(Unwant)) == 1


async def test_many_who_wait_are_served_by_one_grant(house: House) -> None:
    engine = await house.engine(says_json({}))
    manager = await house.manager(kind=NeverAnswers)
    proxy = await house.proxy(manager)
    manager.endpoints["chat"] = engine.url

    async with proxy.client() as client, asyncio.TaskGroup() as tasks:
        asking = [tasks.create_task(client.post(CHAT, json=HELLO)) for _ in range(20)]
        await manager.hear(Want, times=20)
        await manager.grant("chat")

    assert [task.result().status_code for task in asking] == [200] * 20
    assert manager.of(InFlight)[0].n == 20


async def test_the_manager_hears_when_the_last_request_has_ended(house: House) -> None:
    _, manager, proxy = await house.serving(says_json({}))

    async with proxy.client() as client:
        await client.post(CHAT, json=HELLO)
    async with asyncio.timeout(SOON_S):
        while (await manager.hear(InFlight)).n:
            await asyncio.sleep(0.001)

    assert manager.of(InFlight)[-1].n == 0


async def test_a_refused_ticket_is_told_in_the_managers_words_and_not_to_be_retried(house: House) -> None:
    error = ErrorBody.of(ErrorCode.MODEL_LOAD_FAILED, "cannot start chat: no GPU driver: install it")
    manager = await house.manager(kind=RefusesTickets, error=error)
    proxy = await house.proxy(manager)

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=HELLO)

    assert reply.status_code == 503
    assert reply.headers["x-should-retry"] == "false"
    assert error_in(reply)["message"] == "cannot start chat: no GPU driver: install it"


async def test_a_model_that_takes_too_long_is_told_to_be_loading_still(house: House) -> None:
    manager = await house.manager(kind=NeverAnswers)
    proxy = await house.proxy(manager, load_wait_s=0.02)

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=HELLO)

    assert reply.status_code == 504
    assert error_in(reply)["code"] == "model_load_timeout"
    assert reply.headers["retry-after"] == "30"
    await manager.hear(Unwant)


async def test_a_request_that_no_model_can_serve_never_reaches_the_manager(house: House) -> None:
    _, manager, proxy = await house.serving(says_json({}))

    async with proxy.client() as client:
        unknown = await client.post(CHAT, json=HELLO | {"model": "nobody"})
        of_another_type = await client.post(CHAT, json=HELLO | {"model": "paint"})

    assert (unknown.status_code, error_in(unknown)["code"]) == (404, "model_not_found")
    assert (of_another_type.status_code, error_in(of_another_type)["code"]) == (400, "unsupported_endpoint")
    assert manager.of(Want) == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "invalid_json"),
        (b"{", 400, "invalid_json"),
        (b"{}", 400, "missing_required_parameter"),
        (b'{"model":1}', 400, "invalid_value"),
        (b'{"model":"chat","x":"' + b"x" * 1_100_000 + b'"}', 413, "request_too_large"),
    ],
)
async def test_a_body_that_cannot_be_used_is_refused(house: House, body: bytes, status: int, code: str) -> None:
    _, _, proxy = await house.serving(says_json({}), body_limit_mib=1)

    async with proxy.client() as client:
        reply = await client.post(CHAT, content=body)
        after = await client.post(CHAT, json=HELLO)

    assert (reply.status_code, error_in(reply)["code"]) == (status, code)
    assert after.status_code == 200


# The client leaves


async def test_a_client_that_leaves_a_stream_ends_the_engines_work_at_once(house: House) -> None:
    held = Held(first=TALK[0])
    _, manager, proxy = await house.serving(held)
    line = await house.line(proxy)
    await line.post(CHAT, HELLO_BYTES)
    await line.until(TALK[0])

    await line.hang_up()
    async with asyncio.timeout(1):
        await held.gone.wait()

    await proxy.until_idle()
    assert manager.of(Broken) == []


async def test_a_client_that_leaves_before_the_first_byte_ends_the_engines_work_at_once(house: House) -> None:
    held = Held()
    _, manager, proxy = await house.serving(held)
    line = await house.line(proxy)
    await line.post(CHAT, HELLO_BYTES)
    async with asyncio.timeout(SOON_S):
        await held.begun.wait()

    await line.hang_up()
    async with asyncio.timeout(1):
        await held.gone.wait()

    await proxy.until_idle()
    assert manager.of(Broken) == []


async def test_a_client_that_leaves_the_queue_gives_up_its_ticket(house: House) -> None:
    manager = await house.manager(kind=NeverAnswers)
    proxy = await house.proxy(manager)
    line = await house.line(proxy)
    await line.post(CHAT, HELLO_BYTES)
    want = await manager.hear(Want)

    await line.hang_up()

    assert (await manager.hear(Unwant)).ticket == want.ticket
    await proxy.until_idle()


async def test_a_storm_of_leaving_clients_leaves_nothing_behind(house: House) -> None:
    held = Held(first=TALK[0])
    engine, manager, proxy = await house.serving(held)
    lines = [await house.line(proxy) for _ in range(30)]
    for number, line in enumerate(lines):
        await line.post(CHAT, HELLO_BYTES)
        if number % 3:
            await line.until(TALK[0])

    for line in lines:
        await line.hang_up()
    await proxy.until_idle()
    grant = await manager.grant("chat")
    await manager.revoke("chat", grant)

    await manager.hear(Drained)
    assert engine.failures == []


# The engine dies


async def test_an_engine_that_dies_unanswered_is_replaced_and_the_client_never_knows(house: House) -> None:
    dying, healthy = await house.engine(dies_unanswered), await house.engine(says_json({"by": "the next"}))
    manager = await house.manager(dying, kind=StartsAnotherEngine, replacements=[healthy.url])
    proxy = await house.proxy(manager)

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=HELLO)

    assert reply.json() == {"by": "the next"}
    assert len(manager.of(Broken)) == 1
    await manager.hear(Drained)


async def test_an_engine_that_refuses_connections_is_replaced_as_well(house: House) -> None:
    dead, healthy = await house.engine(says_json({})), await house.engine(says_json({"by": "the next"}))
    await dead.die()
    manager = await house.manager(dead, kind=StartsAnotherEngine, replacements=[healthy.url])
    proxy = await house.proxy(manager)

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=HELLO)

    assert reply.json() == {"by": "the next"}


async def test_a_request_is_tried_twice_and_no_more(house: House) -> None:
    engine, manager, proxy = await house.serving(dies_unanswered)

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=HELLO)

    assert (reply.status_code, error_in(reply)["code"]) == (502, "backend_unavailable")
    assert 1 <= int(reply.headers["retry-after"]) <= 59
    assert len(engine.seen) == 2
    assert len(manager.of(Want)) == 2


async def test_a_dead_engine_and_no_manager_is_told_as_what_it_is(house: House) -> None:
    engine, manager, proxy = await house.serving(says_json({}), manager_wait_s=0.05)
    async with proxy.client() as client:
        await client.post(CHAT, json=HELLO)
        await manager.vanish()
        await proxy.until(met=False)
        await engine.die()

        reply = await client.post(CHAT, json=HELLO)

    assert (reply.status_code, error_in(reply)["code"]) == (502, "backend_unavailable")


async def test_a_stream_that_breaks_ends_in_an_error_and_never_politely(house: House) -> None:
    _, manager, proxy = await house.serving(dies_after([*TALK[:2], b'data: {"half']))

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=HELLO)

    sent, _, end = reply.content.partition(b'data: {"error"')
    assert sent == b"".join(TALK[:2])
    assert json.loads(b'{"error"' + end.split(b"\n")[0])["error"]["code"] == "stream_broken"
    assert end.endswith(DONE)
    assert len(manager.of(Broken)) <= 1
    await manager.hear(Broken)


async def test_a_whole_body_that_breaks_is_left_incomplete(house: House) -> None:
    async def breaks(wire: Wire) -> None:
        await wire.head(content_length="100")
        await wire.write(b'{"half":')
        wire.close()

    _, _, proxy = await house.serving(breaks)

    async with proxy.client() as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post(CHAT, json=HELLO)


async def test_a_body_of_unknown_length_that_breaks_is_left_incomplete(house: House) -> None:
    async def breaks(wire: Wire) -> None:
        await wire.head(transfer_encoding="chunked")
        await wire.chunk(b'{"half":')
        wire.close()

    _, _, proxy = await house.serving(breaks)

    async with proxy.client() as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post(CHAT, json=HELLO)


async def test_after_a_break_the_next_request_asks_the_manager_again(house: House) -> None:
    _, manager, proxy = await house.serving(dies_after(TALK[:1]), says_json({"ok": True}))

    async with proxy.client() as client:
        await client.post(CHAT, json=HELLO)
        reply = await client.post(CHAT, json=HELLO)

    assert reply.json() == {"ok": True}
    assert len(manager.of(Want)) == 2


# The manager wants the room


async def test_a_revoked_stream_runs_to_its_end_and_is_drained_only_then(house: House) -> None:
    held = Held(first=TALK[0], rest=DONE)
    _, manager, proxy = await house.serving(held)
    line = await house.line(proxy)
    await line.post(CHAT, HELLO_BYTES)
    await line.until(TALK[0])

    await manager.revoke("chat", "g1")
    drained_early = bool(manager.of(Drained))
    held.go_on.set()
    rest = await line.until(b"0\r\n\r\n")

    assert not drained_early
    assert DONE in rest
    assert (await manager.hear(Drained)).grant == "g1"


async def test_a_request_after_the_revoke_waits_for_the_next_grant(house: House) -> None:
    held = Held(first=TALK[0], rest=DONE)
    old, new = await house.engine(held), await house.engine(says_json({"by": "the next"}))
    manager = await house.manager(old)
    proxy = await house.proxy(manager)
    line = await house.line(proxy)
    await line.post(CHAT, HELLO_BYTES)
    await line.until(TALK[0])
    manager.endpoints["chat"] = new.url

    await manager.revoke("chat", "g1")
    async with proxy.client() as client:
        reply = await client.post(CHAT, json=HELLO)
    held.go_on.set()

    assert reply.json() == {"by": "the next"}
    assert len(old.seen) == 1


async def test_a_stream_past_the_drain_limit_is_cut_and_told_why(house: House) -> None:
    held = Held(first=TALK[0])
    _, manager, proxy = await house.serving(held)
    line = await house.line(proxy)
    await line.post(CHAT, HELLO_BYTES)
    await line.until(TALK[0])

    await manager.revoke("chat", "g1", drain_s=0.03)
    end = await line.until(b"0\r\n\r\n")

    assert b"the model had to make room, and the 0.03 s that requests had to finish are over" in end
    assert b"stream_broken" in end
    assert (await manager.hear(Drained)).grant == "g1"
    async with asyncio.timeout(1):
        await held.gone.wait()
    assert manager.of(Broken) == []


async def test_a_client_that_reads_nothing_cannot_hold_a_model_past_its_drain_limit(house: House) -> None:
    async def floods(wire: Wire) -> None:
        await wire.begin_stream()
        while True:
            await wire.chunk(event({"x": "x" * 50_000}))

    _, manager, proxy = await house.serving(floods)
    line = await house.line(proxy)
    await line.post(CHAT, HELLO_BYTES)
    await manager.hear(InFlight)

    await manager.revoke("chat", "g1", drain_s=0.03)

    await manager.hear(Drained)


async def test_a_request_cut_before_its_first_byte_is_tried_once_more(house: House) -> None:
    held = Held()
    _, manager, proxy = await house.serving(held, says_json({"second": True}))

    async with proxy.client() as client, asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(client.post(CHAT, json=HELLO))
        async with asyncio.timeout(SOON_S):
            await held.begun.wait()
        await manager.revoke("chat", "g1", drain_s=0)

    assert asking.result().json() == {"second": True}


async def test_a_grant_cut_before_it_could_be_used_is_not_used(house: House) -> None:
    engine, manager, proxy = await house.serving(says_json({"ok": True}), kind=RevokesItsFirstGrant)

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=HELLO)

    assert reply.json() == {"ok": True}
    assert len(engine.seen) == 1
    assert len(manager.of(Want)) == 2


# The manager goes and comes


async def test_streams_and_warm_requests_go_on_while_the_manager_is_away(house: House) -> None:
    held = Held(first=TALK[0], rest=DONE)
    _, manager, proxy = await house.serving(held, says_json({"warm": True}))
    line = await house.line(proxy)
    await line.post(CHAT, HELLO_BYTES)
    await line.until(TALK[0])

    await manager.vanish()
    await proxy.until(met=False)
    async with proxy.client() as client:
        warm = await client.post(CHAT, json=HELLO)
        cold = await client.get("/v1/models")
    held.go_on.set()

    assert warm.json() == {"warm": True}
    assert cold.status_code == 200
    assert DONE in await line.until(b"0\r\n\r\n")


async def test_a_cold_request_is_told_that_the_manager_is_away(house: House) -> None:
    _, manager, proxy = await house.serving(says_json({}), manager_wait_s=0.03)
    await manager.vanish()
    await proxy.until(met=False)

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=HELLO)

    assert (reply.status_code, error_in(reply)["code"]) == (503, "manager_unavailable")
    assert 1 <= int(reply.headers["retry-after"]) <= 59


async def test_a_request_that_waits_survives_a_restart_of_the_manager(house: House) -> None:
    engine = await house.engine(says_json({"ok": True}))
    silent = await house.manager(engine, kind=NeverAnswers)
    proxy = await house.proxy(silent)

    async with proxy.client() as client, asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(client.post(CHAT, json=HELLO))
        await silent.hear(Want)
        await silent.vanish()
        await house.manager(engine, port=silent.port)

    assert asking.result().json() == {"ok": True}


async def test_a_grant_that_the_manager_does_not_honour_on_its_return_is_given_back(house: House) -> None:
    engine, manager, proxy = await house.serving(says_json({}))
    async with proxy.client() as client:
        await client.post(CHAT, json=HELLO)
        await manager.vanish()
        await proxy.until(met=False)
        another = await house.manager(engine, port=manager.port)
        await proxy.until(met=True)
        await another.revoke("chat", "g1")
        await another.hear(Drained)

        await client.post(CHAT, json=HELLO)

    assert len(another.of(Want)) == 1
