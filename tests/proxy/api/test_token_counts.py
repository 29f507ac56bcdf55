"""What a request would cost: pictures by their heads, words by an engine that runs, and nothing is loaded."""

import asyncio
import json
from typing import Any

import pytest

from switchyard_contracts.catalog import Engine, ModelType
from switchyard_contracts.grants import Want
from switchyard_contracts.serving import Vision
from switchyard_contracts.status import Phase
from switchyard_proxy.access.callers import Role
from switchyard_proxy.budget.prompt import PIXEL
from switchyard_proxy.wire import looking
from tests.proxy.conftest import House
from tests.proxy.engines import ScriptedEngine, Wire, says_json
from tests.proxy.managers import GrantsWhatIsWanted
from tests.proxy.running import SOON_S, RunningProxy
from tests.proxy.wire.scenes import new_key, serve_as
from tests.proxy.wire.test_vision_budget import png

PATH = "/api/tokens"
WORDS = {"role": "user", "content": "12345678"}


def picture(width: int = 512, height: int = 512) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": png(width, height)}}


def prompt(*parts: dict[str, Any], model: str = "eyes") -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": list(parts)}]}


async def seeing(
    house: House,
    *scripts: Any,
    engine: Engine = Engine.VLLM,
    phase: Phase = Phase.READY,
    **settings: object,
) -> tuple[ScriptedEngine, GrantsWhatIsWanted, RunningProxy]:
    served = await house.engine(*scripts)
    manager = await house.manager(served)
    serve_as(manager, "eyes", vision=Vision())
    said = {"context_length": 4096, "engine": engine, "phase": phase}
    manager.models = [model.model_copy(update=said) for model in manager.models]
    return served, manager, await house.proxy(manager, **settings)


async def hold_grant(proxy: RunningProxy, model: str) -> None:
    """As after a first request."""
    async with proxy.client() as client:
        await client.post("/v1/chat/completions", json={"model": model, "messages": [WORDS]})


async def test_nothing_is_loaded_for_a_count(house: House) -> None:
    served, manager, proxy = await seeing(house, says_json({}), phase=Phase.STOPPED)

    async with proxy.client() as client:
        told = (await client.post(PATH, json={"model": "chat", "messages": [WORDS]})).json()

    assert told["items"] == [{"type": "text", "tokens": 6, "exact": False}]
    assert (told["total"], told["exact"], told["context"], told["remaining"]) == (6, False, 4096, 4090)
    assert (told["fits"], told["level"]) == (True, "ok")
    assert (told["warning_above"], told["critical_above"]) == (20_000, 50_000)
    assert manager.of(Want) == []
    assert served.seen == []


async def test_a_picture_is_counted_to_the_token_whoever_runs(house: House) -> None:
    _, _, proxy = await seeing(house, says_json({}))

    async with proxy.client() as client:
        told = (await client.post(PATH, json=prompt({"type": "text", "text": "Look:"}, picture()))).json()

    assert told["items"][0] == {
        "type": "image",
        "tokens": 256,
        "exact": True,
        "param": "messages[0].content[1]",
        "width": 512,
        "height": 512,
    }
    assert told["items"][1]["type"] == "text"
    assert told["total"] == 256 + told["items"][1]["tokens"]


async def test_words_are_counted_by_the_engine_that_runs(house: House) -> None:
    served, manager, proxy = await seeing(
        house, says_json({}), says_json({"count": 21, "max_model_len": 2048, "tokens": [1]})
    )
    await hold_grant(proxy, "eyes")

    async with proxy.client() as client:
        told = (await client.post(PATH, json=prompt({"type": "text", "text": "Look:"}, picture()))).json()

    asked = served.seen[1]
    assert asked.line == "POST /tokenize HTTP/1.1"
    assert asked.json["model"] == "eyes"
    assert asked.json["messages"][0]["content"][1] == {
        "type": "text",
        "text": "<|vision_start|><|image_pad|><|vision_end|>",
    }
    assert told["items"][1] == {"type": "text", "tokens": 20, "exact": True}
    assert (told["total"], told["exact"], told["context"]) == (276, True, 2048)
    assert len(manager.of(Want)) == 1  # of the request before


async def test_our_own_engine_gets_pixels_for_pictures_and_says_the_rest(house: House) -> None:
    items = [
        {"type": "image", "tokens": 64, "label": "Image 1", "width": 1, "height": 1},
        {"type": "text", "tokens": 9},
    ]
    counted = {"count": 73, "max_model_len": 4096, "tokens": [], "items": items}
    served, _, proxy = await seeing(house, says_json({}), says_json(counted), engine=Engine.IMAGE_SERVER)
    await hold_grant(proxy, "eyes")

    async with proxy.client() as client:
        told = (await client.post(PATH, json=prompt(picture() | {"label": "Mine"}) | {"labels": False})).json()

    asked = served.seen[1].json
    assert asked["messages"][0]["content"] == [
        {"type": "image_url", "image_url": {"url": PIXEL}, "label": "Mine"}
    ]
    assert asked["labels"] is False
    assert (
        told["items"][0] | {"width": 512, "height": 512, "label": "Image 1", "tokens": 256} == told["items"][0]
    )
    assert told["items"][1] == {"type": "text", "tokens": 9, "exact": True}


async def test_a_video_goes_to_our_own_engine_whole_but_no_address_does(house: House) -> None:
    items = [
        {"type": "video", "tokens": 60, "frames": 4, "width": 160, "height": 96},
        {"type": "image", "tokens": 64},
        {"type": "text", "tokens": 5},
    ]
    counted = {"count": 129, "max_model_len": 4096, "tokens": [], "items": items}
    served, _, proxy = await seeing(
        house, says_json({}), says_json(counted), engine=Engine.IMAGE_SERVER, media_urls="allow"
    )
    await hold_grant(proxy, "eyes")
    here = {"type": "video_url", "video_url": {"url": "data:video/x-odd;base64,AAAA"}}
    there = {"type": "video_url", "video_url": {"url": "http://10.0.0.1/film.mp4"}}

    async with proxy.client() as client:
        told = (await client.post(PATH, json=prompt(here, there))).json()

    assert served.seen[1].json["messages"][0]["content"][0] == here
    assert b"10.0.0.1" not in served.seen[1].body
    assert [(item["tokens"], item["exact"]) for item in told["items"]] == [(60, True), (0, False), (5, True)]


async def test_an_engine_that_does_not_answer_in_time_is_estimated(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "ANSWERS_WITHIN_S", 0.05)
    left = asyncio.Event()

    async def ponders(wire: Wire) -> None:
        await wire.hangup()
        left.set()

    _, manager, proxy = await seeing(house, says_json({}), ponders)
    await hold_grant(proxy, "chat")

    async with proxy.client() as client:
        told = (await client.post(PATH, json={"model": "chat", "messages": [WORDS]})).json()
    async with asyncio.timeout(SOON_S):
        await left.wait()

    assert (told["total"], told["exact"]) == (6, False)
    assert len(manager.of(Want)) == 1


async def refuses(wire: Wire) -> None:
    await wire.head(404, content_length="2")
    await wire.write(b"{}")


async def talks_nonsense(wire: Wire) -> None:
    await wire.head(200, content_length="4")
    await wire.write(b"what")


@pytest.mark.parametrize("script", [refuses, talks_nonsense])
async def test_an_engine_that_cannot_count_is_estimated(house: House, script: Any) -> None:
    _, _, proxy = await seeing(house, says_json({}), script)
    await hold_grant(proxy, "chat")

    async with proxy.client() as client:
        told = (await client.post(PATH, json={"model": "chat", "messages": [WORDS]})).json()

    assert (told["total"], told["exact"]) == (6, False)


async def test_more_than_the_context_holds_does_not_fit(house: House) -> None:
    _, _, proxy = await seeing(house, says_json({}))

    async with proxy.client() as client:
        told = (await client.post(PATH, json=prompt(*[picture(4096, 4096)] * 2))).json()

    assert told["total"] > 32_000
    assert (told["fits"], told["remaining"], told["level"]) == (False, 0, "warning")


async def test_a_broken_picture_is_named_by_its_place(house: House) -> None:
    _, _, proxy = await seeing(house, says_json({}))
    broken = {"type": "image_url", "image_url": {"url": "data:image/png;base64,!!!!"}}

    async with proxy.client() as client:
        reply = await client.post(PATH, json=prompt({"type": "text", "text": "a"}, broken))

    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["param"]) == (
        400,
        "invalid_value",
        "messages[0].content[1]",
    )


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ([], 400, "invalid_json"),
        ({"model": "chat"}, 400, "invalid_json"),
        ({"model": "chat", "messages": "hello"}, 400, "invalid_json"),
        ({"model": "nobody", "messages": [WORDS]}, 404, "model_not_found"),
        ({"model": "paint", "messages": [WORDS]}, 400, "unsupported_endpoint"),
    ],
)
async def test_what_cannot_be_counted_is_refused(house: House, body: Any, status: int, code: str) -> None:
    _, _, proxy = await seeing(house, says_json({}))

    async with proxy.client() as client:
        reply = await client.post(PATH, json=body)

    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)


async def test_a_key_counts_for_its_own_models(house: House) -> None:
    _, _, proxy = await seeing(house, says_json({}), auth="on")
    key = {"authorization": await new_key(proxy, "some", Role.USE, "chat")}

    async with proxy.client() as client:
        own = await client.post(PATH, json={"model": "chat", "messages": [WORDS]}, headers=key)
        other = await client.post(PATH, json=prompt(picture()), headers=key)

    assert (own.status_code, other.status_code) == (200, 403)


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user"},
        {"role": "user", "content": None},
        {"role": "user", "content": [1, "x", {"type": "text"}]},
    ],
)
async def test_odd_messages_are_counted_for_what_they_hold(house: House, message: Any) -> None:
    _, _, proxy = await seeing(house, says_json({}))

    async with proxy.client() as client:
        reply = await client.post(PATH, content=json.dumps({"model": "chat", "messages": [message]}))

    assert (reply.status_code, reply.json()["total"]) == (200, 4)


async def test_a_model_that_does_not_see_says_nothing_of_pictures(house: House) -> None:
    _, manager, proxy = await seeing(house, says_json({}))

    async with proxy.client() as client:
        told = (await client.post(PATH, json=prompt(picture(), model="chat"))).json()

    assert ModelType.TEXT is manager.models[0].type
    assert told["items"][0] == {"type": "image", "tokens": 0, "exact": False, "param": "messages[0].content[0]"}
