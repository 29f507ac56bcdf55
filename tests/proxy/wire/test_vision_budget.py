"""Pictures and addresses in requests: counted and checked before anybody loads or asks an engine."""

import base64
import json
import struct
import zlib
from typing import Any

import pytest

from switchyard_contracts.grants import Want
from switchyard_contracts.serving import Rewrite, Vision
from tests.proxy.conftest import House
from tests.proxy.engines import ScriptedEngine, says_json
from tests.proxy.managers import GrantsWhatIsWanted
from tests.proxy.running import RunningProxy
from tests.proxy.wire.scenes import serve_as

CHAT = "/v1/chat/completions"


def png(width: int, height: int) -> str:
    """The head of one: nobody decodes it."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    return "data:image/png;base64," + base64.b64encode(data).decode()


def asked(*urls: str, **more: object) -> dict[str, Any]:
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return {"model": "eyes", "messages": [{"role": "user", "content": parts}], **more}


async def seeing(
    house: House, context: int | None = 4096, **settings: object
) -> tuple[ScriptedEngine, GrantsWhatIsWanted, RunningProxy]:
    engine = await house.engine(says_json({}))
    manager = await house.manager(engine)
    serve_as(manager, "eyes", vision=Vision())
    manager.models = [model.model_copy(update={"context_length": context}) for model in manager.models]
    return engine, manager, await house.proxy(manager, **settings)


async def test_what_fits_passes_byte_for_byte(house: House) -> None:
    engine, _, proxy = await seeing(house)
    body = json.dumps(asked(png(512, 512))).encode()

    async with proxy.client() as client:
        reply = await client.post(CHAT, content=body)

    assert reply.status_code == 200
    assert engine.seen[0].body == body


async def test_what_cannot_fit_is_refused_with_the_numbers_and_loads_nothing(house: House) -> None:
    engine, manager, proxy = await seeing(house)

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=asked(png(4096, 4096)))

    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["param"]) == (400, "context_length_exceeded", "messages")
    assert "4096x4096" in error["message"]
    assert "context of 4096 tokens" in error["message"]
    assert (engine.seen, manager.of(Want)) == ([], [])


async def test_without_a_known_context_nothing_is_refused(house: House) -> None:
    _, _, proxy = await seeing(house, context=None)

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=asked(png(4096, 4096)))

    assert reply.status_code == 200


async def test_a_large_body_is_checked_as_well(house: House) -> None:
    _, manager, proxy = await seeing(house)

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=asked(png(4096, 4096), note="x" * 2_000_000))

    assert reply.json()["error"]["code"] == "context_length_exceeded"
    assert manager.of(Want) == []


@pytest.mark.parametrize("path", [CHAT, "/v1/responses", "/v1/messages", "/upstream/eyes/v1/chat/completions"])
async def test_no_engine_is_made_to_fetch_an_address(house: House, path: str) -> None:
    engine, _, proxy = await seeing(house)
    url = "http://169.254.169.254/latest/meta-data"
    parts = [
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "input_image", "image_url": url},
        {"type": "image", "source": {"type": "url", "url": url}},
    ]

    async with proxy.client() as client:
        replies = [
            await client.post(path, json={"model": "eyes", key: [{"role": "user", "content": [part]}]})
            for part in parts
            for key in ("messages", "input")
        ]

    assert {reply.status_code for reply in replies} == {400}
    assert all("media_url_not_allowed" in reply.text for reply in replies)
    assert engine.seen == []


async def test_an_operator_may_allow_addresses(house: House) -> None:
    _, _, proxy = await seeing(house, media_urls="allow")

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=asked("http://example.com/a.png"))

    assert reply.status_code == 200


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x/y", "/etc/passwd", "s3://x"])
async def test_no_operator_can_allow_an_engines_own_files(house: House, url: str) -> None:
    engine, _, proxy = await seeing(house, media_urls="allow")

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=asked(url))

    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_value")
    assert engine.seen == []


async def test_a_key_hidden_in_escapes_hides_nothing(house: House) -> None:
    engine, _, proxy = await seeing(house)
    body = json.dumps(asked("http://evil/x")).replace('"image_url"', '"im\\u0061ge_\\u0075rl"').encode()

    async with proxy.client() as client:
        reply = await client.post(CHAT, content=body)

    assert reply.json()["error"]["code"] == "media_url_not_allowed"
    assert engine.seen == []


async def test_the_second_of_two_fields_of_one_name_is_the_one_that_is_checked(house: House) -> None:
    """As it is the one that engines read."""
    engine, _, proxy = await seeing(house)
    evil = json.dumps(asked("http://evil/x")["messages"])

    async with proxy.client() as client:
        reply = await client.post(CHAT, content=f'{{"model":"eyes","messages":[],"messages":{evil}}}')

    assert reply.json()["error"]["code"] == "media_url_not_allowed"
    assert engine.seen == []


async def test_a_picture_that_is_none_is_refused_by_its_number(house: House) -> None:
    _, _, proxy = await seeing(house)

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=asked(png(64, 64), "data:image/png;base64,!!!"))

    assert reply.status_code == 400
    assert "image 2" in reply.json()["error"]["message"]


async def test_what_the_catalog_sets_is_checked_with_the_rest(house: House) -> None:
    engine = await house.engine(says_json({}))
    manager = await house.manager(engine)
    evil = asked("http://evil/x")["messages"]
    serve_as(manager, "eyes", vision=Vision(), rewrite=Rewrite(default={"messages": evil}))
    proxy = await house.proxy(manager)

    async with proxy.client() as client:
        reply = await client.post(CHAT, json={"model": "eyes"})

    assert reply.json()["error"]["code"] == "media_url_not_allowed"
