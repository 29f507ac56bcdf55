"""llama.cpp's router, for clients with load buttons, over sockets."""

import json

import pytest

from switchyard_contracts.errors import ErrorCode
from switchyard_contracts.grants import Models, Want
from switchyard_contracts.status import Phase
from switchyard_proxy.access.callers import Role
from switchyard_proxy.errors import Unavailable
from tests.proxy.conftest import House
from tests.proxy.engines import says_json
from tests.proxy.managers import NeverAnswers
from tests.proxy.running import RunningProxy
from tests.proxy.wire.scenes import new_key


def orders_of(proxy: RunningProxy) -> list[tuple[str, str]]:
    """What is asked of the manager."""
    given: list[tuple[str, str]] = []

    async def give(manager: object, model: str, verb: str) -> None:
        given.append((verb, model))

    proxy.parts.commands.give = give  # type: ignore[method-assign, assignment]
    return given


@pytest.mark.parametrize("verb", ["load", "unload"])
async def test_a_button_is_passed_on_with_the_models_own_name(house: House, verb: str) -> None:
    _, _, proxy = await house.serving(says_json({}))
    given = orders_of(proxy)

    async with proxy.client() as client:
        reply = await client.post(f"/models/{verb}", json={"model": "gpt-4o"})

    assert reply.json() == {"success": True}
    assert given == [(verb, "chat")]


@pytest.mark.parametrize(("body", "status"), [({}, 400), ({"model": "nobody"}, 404), ([], 400)])
async def test_a_button_for_nothing_is_refused(house: House, body: object, status: int) -> None:
    _, _, proxy = await house.serving(says_json({}))

    async with proxy.client() as client:
        reply = await client.post("/models/load", json=body)

    assert reply.status_code == status


async def test_a_button_needs_the_right_to_operate(house: House) -> None:
    _, _, proxy = await house.serving(says_json({}), auth="on")
    given = orders_of(proxy)
    lesser, operator = await new_key(proxy, "one"), await new_key(proxy, "two", Role.OPERATE)

    async with proxy.client() as client:
        refused = await client.post("/models/load", json={"model": "chat"}, headers={"authorization": lesser})
        done = await client.post("/models/load", json={"model": "chat"}, headers={"authorization": operator})

    assert (refused.status_code, done.status_code) == (403, 200)
    assert given == [("load", "chat")]


async def test_a_manager_that_is_away_is_told_as_such(house: House) -> None:
    _, manager, proxy = await house.serving(says_json({}))
    await manager.vanish()

    async with proxy.client() as client:
        reply = await client.post("/models/load", json={"model": "chat"})

    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "manager_unavailable")


async def test_the_list_tells_what_is_loaded_and_asks_for_nothing(house: House) -> None:
    manager = await house.manager(kind=NeverAnswers)
    manager.models = [
        model.model_copy(update={"phase": Phase.STOPPED if model.name == "paint" else Phase.READY})
        for model in manager.models
    ]
    proxy = await house.proxy(manager)

    async with proxy.client() as client:
        listed = (await client.get("/models")).json()["data"]

    states = {model["id"]: model["status"]["value"] for model in listed}
    assert (states["chat"], states["paint"]) == ("loaded", "unloaded")
    assert manager.of(Want) == []


async def test_news_come_as_they_happen_until_the_client_leaves(house: House) -> None:
    _, manager, proxy = await house.serving(says_json({}))
    line = await house.line(proxy)

    line.writer.write(b"GET /models/sse HTTP/1.1\r\nhost: x\r\n\r\n")
    head = await line.head()
    first = await line.until(b'"paint"')
    await manager.say(
        Models(models=tuple(model.model_copy(update={"phase": Phase.STOPPED}) for model in manager.models))
    )
    changed = await line.until(b'"unloaded"')

    assert "text/event-stream" in head
    assert b"model_status" in first
    assert b"data: " in changed


async def test_news_end_when_the_proxy_stops(house: House) -> None:
    _, _, proxy = await house.serving(says_json({}))
    line = await house.line(proxy)
    line.writer.write(b"GET /models/sse HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    await line.until(b'"paint"')

    proxy.app.stop()

    assert (await line.everything()).endswith(b"0\r\n\r\n")


async def test_an_order_that_the_manager_refuses_is_told_in_its_words(house: House) -> None:
    _, _, proxy = await house.serving(says_json({}))

    async def refuses(manager: object, model: str, verb: str) -> None:
        raise Unavailable(ErrorCode.OVERLOADED, f"cannot {verb} {model}: it is busy")

    proxy.parts.commands.give = refuses  # type: ignore[method-assign, assignment]
    async with proxy.client() as client:
        reply = await client.post("/models/unload", content=json.dumps({"model": "chat"}))

    assert reply.json()["error"]["message"] == "cannot unload chat: it is busy"
