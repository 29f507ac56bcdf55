"""Replies that outlive their connection: read again, stopped, made in the background."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from switchyard_proxy.access.keys import make_key
from tests.proxy.conftest import House
from tests.proxy.engines import DONE, Held, Script, chat_chunk, says_json, streams
from tests.proxy.managers import NeverAnswers
from tests.proxy.running import RunningProxy

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
RESUMABLE = {"X-Resumable": "1"}
BACKGROUND = {"model": "chat", "input": "hi", "background": True}
WORDS = [chat_chunk(f"word{number} ") for number in range(5)]
SPOKEN = [*WORDS, chat_chunk(None, "stop"), DONE]


def asked(**more: Any) -> dict[str, Any]:
    return {"model": "chat", "stream": True, "messages": [], **more}


def response_event(kind: str, number: int, **more: Any) -> bytes:
    data = json.dumps({"type": kind, "sequence_number": number, **more})
    return f"event: {kind}\ndata: {data}\n\n".encode()


def response_events(status: str = "completed") -> list[bytes]:
    response = {"id": "resp_engine", "object": "response", "status": "in_progress", "output": []}
    usage = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
    return [
        response_event("response.created", 0, response=response),
        response_event(
            "response.output_text.delta", 1, delta="hi", item_id="m", output_index=0, content_index=0
        ),
        response_event(f"response.{status}", 2, response=response | {"status": status, "usage": usage}),
    ]


def ids(text: str) -> list[int]:
    return [int(line[4:]) for line in text.split("\n") if line.startswith("id: ")]


async def until(client: httpx.AsyncClient, path: str, status: str) -> Any:
    async with asyncio.timeout(5):
        while True:
            found = (await client.get(path)).json()
            if found["status"] == status:
                return found
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("headers", [RESUMABLE, {"X-Conversation-Id": "evening"}])
async def test_an_opted_in_stream_is_numbered_and_can_be_read_again_from_any_event(
    house: House, headers: dict[str, str]
) -> None:
    _, _, proxy = await house.serving(streams(SPOKEN))

    async with proxy.client() as client:
        first = await client.post(CHAT, json=asked(), headers=headers)
        path = f"/v1/streams/{first.headers['x-stream-id']}"
        again = await client.get(path)
        later = await client.get(path, headers={"Last-Event-ID": "4"})
        same = await client.get(path, params={"starting_after": 4})
        from_four = await client.get(path, params={"from": 4})

    assert ids(first.text) == list(range(1, 8))
    assert again.text == first.text
    assert ids(later.text) == ids(same.text) == [5, 6, 7]
    assert ids(from_four.text) == [4, 5, 6, 7]


async def test_nobody_else_gets_a_number(house: House) -> None:
    _, _, proxy = await house.serving(streams(SPOKEN))

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=asked())

    assert ids(reply.text) == []
    assert "x-stream-id" not in reply.headers


async def test_the_engine_goes_on_when_the_client_leaves_and_nothing_is_lost(house: House) -> None:
    held = Held(first=WORDS[0], rest=b"".join(SPOKEN[1:]))
    engine, _, proxy = await house.serving(held)
    line = await house.line(proxy)
    await line.post(CHAT, json.dumps(asked()).encode(), "X-Conversation-Id: tunnel")
    await line.until(b"word0")
    await line.hang_up()
    held.go_on.set()

    async with proxy.client() as client:
        rest = await client.get("/v1/stream", params={"conv_id": "tunnel", "starting_after": 1})

    assert not held.gone.is_set()
    assert ids(rest.text) == list(range(2, 8))
    assert rest.text.endswith("data: [DONE]\n\n")
    assert len(engine.seen) == 1


async def test_a_stream_that_is_stopped_ends_the_engines_work_and_tells_every_listener(house: House) -> None:
    held = Held(first=WORDS[0])
    _, _, proxy = await house.serving(held)
    line = await house.line(proxy)
    await line.post(CHAT, json.dumps(asked()).encode(), "X-Conversation-Id: tunnel")
    await line.until(b"word0")

    async with proxy.client() as client:
        stopped = await client.delete("/v1/stream", params={"conv_id": "tunnel"})
    said = await line.until(b"[DONE]\n\n")
    async with asyncio.timeout(1):
        await held.gone.wait()

    assert stopped.json()["status"] == "cancelled"
    assert b'"code":"request_cancelled"' in said
    await proxy.until_idle()


async def test_a_stream_to_which_nobody_listens_any_more_is_cancelled(house: House) -> None:
    held = Held(first=WORDS[0])
    _, _, proxy = await house.serving(held, cancel_after_disconnect_s=0.1)
    line = await house.line(proxy)
    await line.post(CHAT, json.dumps(asked()).encode(), "X-Resumable: 1")
    await line.until(b"word0")

    await line.hang_up()

    async with asyncio.timeout(5):
        await held.gone.wait()
    await proxy.until_idle()


async def test_a_resumable_request_that_waits_for_its_model_survives_its_client(house: House) -> None:
    engine = await house.engine(streams(SPOKEN))
    manager = await house.manager(engine, kind=NeverAnswers)
    proxy = await house.proxy(manager, commit_after_s=0.05, heartbeat_s=0.05)
    line = await house.line(proxy)
    await line.post(CHAT, json.dumps(asked()).encode(), "X-Conversation-Id: cold")
    async with asyncio.timeout(5):
        while not proxy.parts.sites.waiting:
            await asyncio.sleep(0.01)
    await line.hang_up()
    await manager.grant("chat")

    async with proxy.client() as client:
        reply = await client.get("/v1/stream", params={"conv_id": "cold"})

    assert "word4" in reply.text
    assert ids(reply.text)[0] == 1


async def test_a_resumable_request_that_is_refused_has_its_real_status(house: House) -> None:
    _, _, proxy = await house.serving(streams(SPOKEN))

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=asked(model="nobody"), headers=RESUMABLE)

    assert reply.status_code == 404
    assert reply.json()["error"]["code"] == "model_not_found"


async def test_each_resumable_request_has_one_account(house: House) -> None:
    _, _, proxy = await house.serving(streams(SPOKEN))
    closed: list[str] = []
    proxy.parts.accounts.close = lambda account: closed.append(account.outcome)  # type: ignore[method-assign]

    async with proxy.client() as client:
        await client.post(CHAT, json=asked(), headers=RESUMABLE)
        await client.post(CHAT, content=b"{", headers=RESUMABLE)

    assert closed == ["ok", "refused"]


# The Responses API


async def serving_responses(house: House, *scripts: Script) -> RunningProxy:
    _, _, proxy = await house.serving(*(scripts or (streams(response_events()),)))
    return proxy


async def test_a_background_response_is_answered_at_once_and_made_without_its_client(house: House) -> None:
    engine, _, proxy = await house.serving(streams(response_events()))

    async with proxy.client() as client:
        queued = (await client.post(RESPONSES, json=BACKGROUND)).json()
        done = await until(client, f"{RESPONSES}/{queued['id']}", "completed")
        items = (await client.get(f"{RESPONSES}/{queued['id']}/input_items")).json()

    assert queued["status"] == "queued"
    assert done["id"] == queued["id"]
    assert done["usage"]["total_tokens"] == 7
    assert items["data"][0]["content"][0]["text"] == "hi"
    assert engine.seen[0].json == {
        "model": "chat",
        "input": "hi",
        "background": False,
        "store": False,
        "stream": True,
    }


async def test_a_background_response_can_be_followed_from_any_number(house: House) -> None:
    proxy = await serving_responses(house)

    async with proxy.client() as client:
        body = {"model": "chat", "input": "hi", "background": True, "stream": True}
        whole = await client.post(RESPONSES, json=body)
        created = json.loads(whole.text.split("\n")[1].removeprefix("data: "))
        path = f"{RESPONSES}/{created['response']['id']}"
        rest = await client.get(path, params={"stream": "true", "starting_after": 0})
        again = await client.get(path, params={"stream": "true"})

    assert "id: " not in whole.text
    assert again.text == whole.text
    assert rest.text == whole.text.split("\n\n", 1)[1]


async def test_a_background_response_is_cancelled_for_good_and_the_engine_stops(house: House) -> None:
    held = Held(first=response_events()[0])
    proxy = await serving_responses(house, held)

    async with proxy.client() as client:
        queued = (await client.post(RESPONSES, json=BACKGROUND)).json()
        await held.begun.wait()
        path = f"{RESPONSES}/{queued['id']}"
        cancelled = (await client.post(f"{path}/cancel")).json()
        again = (await client.post(f"{path}/cancel")).json()
        followed = await client.get(path, params={"stream": "true"})
    async with asyncio.timeout(1):
        await held.gone.wait()

    assert cancelled["status"] == again["status"] == "cancelled"
    assert followed.status_code == 200
    await proxy.until_idle()


async def test_what_is_not_to_be_kept_is_not_made_in_the_background(house: House) -> None:
    proxy = await serving_responses(house)

    async with proxy.client() as client:
        body = {"model": "chat", "input": "hi", "background": True, "store": False}
        reply = await client.post(RESPONSES, json=body)

    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == "store"


async def test_a_background_response_for_a_model_that_is_not_there_is_refused_at_once(house: House) -> None:
    proxy = await serving_responses(house)

    async with proxy.client() as client:
        reply = await client.post(RESPONSES, json={"model": "nobody", "input": "hi", "background": True})

    assert reply.status_code == 404


async def test_any_response_can_be_retrieved_by_the_engines_id_unless_the_client_said_no(house: House) -> None:
    whole = {"id": "resp_plain", "object": "response", "status": "completed", "output": []}
    other = {"id": "resp_other", "object": "response", "status": "completed", "output": []}
    proxy = await serving_responses(house, streams(response_events()), says_json(whole), says_json(other))

    async with proxy.client() as client:
        await client.post(RESPONSES, json={"model": "chat", "input": "hi", "stream": True})
        await client.post(RESPONSES, json={"model": "chat", "input": "hi"})
        await client.post(RESPONSES, json={"model": "chat", "input": "hi", "store": False})
        streamed = await client.get(f"{RESPONSES}/resp_engine")
        plain = await client.get(f"{RESPONSES}/resp_plain")
        not_kept = await client.get(f"{RESPONSES}/resp_other")

    assert streamed.json()["status"] == "completed"
    assert plain.json() == whole
    assert not_kept.status_code == 404
    assert not_kept.json()["error"]["code"] == "stream_not_found"


async def test_a_key_sees_its_own_streams_only(house: House) -> None:
    _, _, proxy = await house.serving(streams(SPOKEN), api_key="sk-environment")
    record, key = make_key("other", 0.0)
    await asyncio.to_thread(proxy.parts.gate.keys.add, record, 1.0)
    await asyncio.to_thread(proxy.parts.gate.refresh)

    async with proxy.client() as client:
        mine = {"authorization": "Bearer sk-environment"}
        first = await client.post(CHAT, json=asked(), headers=RESUMABLE | mine)
        path = f"/v1/streams/{first.headers['x-stream-id']}"
        theirs = await client.get(path, headers={"authorization": f"Bearer {key}"})
        own = await client.get(path, headers=mine)

    assert own.status_code == 200
    assert theirs.status_code == 404
