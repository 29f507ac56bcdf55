"""Ollama's API over the wire: cold and warm, broken and left, and who may have a model loaded and unloaded."""

import asyncio
import json
from typing import Any

import pytest

from switchyard_contracts.errors import ErrorCode
from switchyard_contracts.grants import Want
from switchyard_proxy.access.callers import Role
from switchyard_proxy.errors import Unavailable
from tests.proxy.conftest import House
from tests.proxy.engines import DONE, Held, Script, chat_chunk, dies_after, dies_unanswered, says_json, streams
from tests.proxy.managers import NeverAnswers
from tests.proxy.running import RunningProxy
from tests.proxy.wire.scenes import closed_accounts, new_key, until_closed

ASK = {"model": "chat:latest", "messages": [{"role": "user", "content": "hi"}]}
TALK = [chat_chunk("Hel"), chat_chunk("lo"), chat_chunk(None, "stop"), DONE]
QUICK = {"commit_after_s": 0.03, "heartbeat_s": 0.03}


async def ollama(house: House, *scripts: Script, **more: object) -> tuple[RunningProxy, list[tuple[str, str]]]:
    """And what was asked of the manager."""
    _, _, proxy = await house.serving(*scripts, ollama="on", **more)
    return proxy, commands_of(proxy)


def commands_of(proxy: RunningProxy) -> list[tuple[str, str]]:
    given: list[tuple[str, str]] = []

    async def command(verb: str, model: str) -> None:
        given.append((verb, model))

    proxy.parts.ollama._command = command
    return given


def lines(said: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said.split(b"\n") if line.startswith(b"{")]


async def test_it_is_served_only_where_it_is_wanted(house: House) -> None:
    _, _, proxy = await house.serving(says_json({}))

    async with proxy.client() as client:
        reply = await client.post("/api/chat", json=ASK)

    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "unknown_url")


async def test_an_answer_comes_in_lines_and_ends_with_its_last(house: House) -> None:
    proxy, _ = await ollama(house, streams(TALK))

    async with proxy.client() as client:
        reply = await client.post("/api/chat", json=ASK)

    said = lines(reply.content)
    assert reply.headers["content-type"] == "application/x-ndjson"
    assert "".join(line["message"]["content"] for line in said) == "Hello"
    assert [line["done"] for line in said].count(True) == 1
    assert said[-1]["done_reason"] == "stop"


async def test_a_stream_that_breaks_ends_in_an_error_and_never_in_done(house: House) -> None:
    proxy, _ = await ollama(house, dies_after(TALK[:2]))

    async with proxy.client() as client:
        reply = await client.post("/api/chat", json=ASK)

    said = lines(reply.content)
    assert "error" in said[-1]
    assert not any(line.get("done") for line in said)


async def test_a_request_that_waits_hears_signs_of_life_in_its_own_words(house: House) -> None:
    engine = await house.engine(streams(TALK))
    manager = await house.manager(engine, kind=NeverAnswers)
    proxy = await house.proxy(manager, ollama="on", **QUICK)
    line = await house.line(proxy)

    await line.post("/api/chat", json.dumps(ASK).encode())
    head = await line.head()
    beats = await line.until(b"}\n") + await line.until(b"}\n")
    await manager.grant("chat")
    rest = await line.until(b"0\r\n\r\n")

    assert "application/x-ndjson" in head
    assert all(beat["message"]["content"] == "" and not beat["done"] for beat in lines(beats))
    assert lines(rest)[-1]["done"] is True


async def test_a_failure_after_the_beginning_is_a_line_with_an_error(house: House) -> None:
    manager = await house.manager(kind=NeverAnswers)
    proxy = await house.proxy(manager, ollama="on", **QUICK, load_wait_s=0.2)

    async with proxy.client() as client:
        reply = await client.post("/api/chat", json=ASK)

    assert reply.status_code == 200
    assert "was not ready" in lines(reply.content)[-1]["error"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/chat", {"model": "nobody", "messages": [{"role": "user", "content": "x"}]}, 404),
        ("/api/chat", {"messages": [{"role": "user", "content": "x"}]}, 400),
        ("/api/embed", {"model": "paint", "input": "x"}, 400),
        ("/api/show", {"model": "nobody"}, 404),
    ],
)
async def test_a_refusal_has_ollamas_shape(house: House, path: str, body: dict[str, Any], status: int) -> None:
    proxy, _ = await ollama(house, says_json({}))

    async with proxy.client() as client:
        reply = await client.post(path, json=body)

    assert reply.status_code == status
    assert isinstance(reply.json()["error"], str)


async def test_an_engine_that_dies_unanswered_is_asked_once_more(house: House) -> None:
    proxy, _ = await ollama(house, dies_unanswered, streams(TALK))
    accounts = closed_accounts(proxy)

    async with proxy.client() as client:
        reply = await client.post("/api/chat", json=ASK)

    assert lines(reply.content)[-1]["done"] is True
    await until_closed(accounts, 1)
    assert [(account.outcome, account.retried, account.route) for account in accounts] == [
        ("ok", True, "/api/chat")
    ]


async def test_a_client_that_leaves_ends_the_engines_work(house: House) -> None:
    held = Held(first=chat_chunk("a"))
    proxy, _ = await ollama(house, held)
    accounts = closed_accounts(proxy)
    line = await house.line(proxy)
    await line.post("/api/chat", json.dumps(ASK).encode())
    await line.until(b"}\n")

    await line.hang_up()
    async with asyncio.timeout(1):
        await held.gone.wait()

    await until_closed(accounts, 1)
    await proxy.until_idle()
    assert [account.outcome for account in accounts] == ["client_left"]


# Loading and unloading


async def test_a_request_that_says_nothing_loads_the_model(house: House) -> None:
    proxy, given = await ollama(house, says_json({}))

    async with proxy.client() as client:
        reply = await client.post("/api/generate", json={"model": "chat"})

    assert reply.json()["done_reason"] == "load"
    assert given == [("load", "chat")]


async def test_no_time_to_be_kept_alive_unloads_it(house: House) -> None:
    proxy, given = await ollama(house, says_json({}))

    async with proxy.client() as client:
        await client.post("/api/generate", json={"model": "chat", "keep_alive": 0})

    assert given == [("unload", "chat")]


async def test_an_answer_may_be_the_models_last_for_now(house: House) -> None:
    proxy, given = await ollama(house, streams(TALK))

    async with proxy.client() as client:
        await client.post("/api/chat", json=ASK | {"keep_alive": "0s"})

    async with asyncio.timeout(1):
        while not given:
            await asyncio.sleep(0.001)
    assert given == [("unload", "chat")]


async def test_an_unload_that_fails_after_the_answer_harms_nobody(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    proxy, _ = await ollama(house, streams(TALK))

    async def fails(verb: str, model: str) -> None:
        raise Unavailable(ErrorCode.MANAGER_UNAVAILABLE, "cannot unload: the manager is away")

    proxy.parts.ollama._command = fails
    async with proxy.client() as client:
        replies = [await client.post("/api/chat", json=ASK | {"keep_alive": 0}) for _ in range(2)]

    assert [lines(reply.content)[-1]["done"] for reply in replies] == [True, True]
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_key_without_the_right_to_operate_cannot_unload(house: House) -> None:
    proxy, given = await ollama(house, streams(TALK), auth="on")
    key = await new_key(proxy, "one")

    async with proxy.client(headers={"authorization": key}) as client:
        refused = await client.post("/api/generate", json={"model": "chat", "keep_alive": 0})
        answered = await client.post("/api/chat", json=ASK | {"keep_alive": 0})
    await proxy.until_idle()

    assert refused.status_code == 403
    assert lines(answered.content)[-1]["done"] is True
    assert given == []


async def test_an_operators_key_can(house: House) -> None:
    proxy, given = await ollama(house, says_json({}), auth="on")
    key = await new_key(proxy, "one", Role.OPERATE)

    async with proxy.client(headers={"authorization": key}) as client:
        await client.post("/api/generate", json={"model": "chat", "keep_alive": 0})

    assert given == [("unload", "chat")]


async def test_a_key_loads_only_what_it_may_use(house: House) -> None:
    proxy, given = await ollama(house, says_json({}), auth="on")
    key = await new_key(proxy, "one", Role.OPERATE, "eyes")

    async with proxy.client(headers={"authorization": key}) as client:
        another = await client.post("/api/generate", json={"model": "chat"})
        own = await client.post("/api/generate", json={"model": "eyes"})

    assert (another.status_code, own.status_code) == (403, 200)
    assert given == [("load", "eyes")]


async def test_nothing_that_only_looks_asks_for_a_model(house: House) -> None:
    manager = await house.manager(kind=NeverAnswers)
    proxy = await house.proxy(manager, ollama="on")

    async with proxy.client() as client:
        for path in ("/api/tags", "/api/ps", "/api/version"):
            assert (await client.get(path)).status_code == 200
        assert (await client.post("/api/show", json={"model": "chat"})).status_code == 200
        assert (await client.post("/api/pull", json={"model": "chat", "stream": False})).status_code == 200

    assert manager.of(Want) == []
