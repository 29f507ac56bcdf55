"""How a request finds what answers it, and how everything that does not is told."""

import asyncio
import json
import logging

import httpx
import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from switchyard_contracts.catalog import Capability, ModelType
from switchyard_contracts.errors import Reason
from switchyard_contracts.grants import Loading, Models, Want
from switchyard_contracts.status import Failure, Phase
from switchyard_proxy.routes import Serves, in_force
from tests.proxy.conftest import House
from tests.proxy.engines import says_json
from tests.proxy.managers import status
from tests.proxy.running import Line, RunningProxy

CHAT = "/v1/chat/completions"
HELLO = {"model": "chat", "messages": []}


def code_of(reply: httpx.Response) -> str:
    assert reply.headers["content-type"] == "application/json"
    assert set(reply.json()["error"]) == {"message", "type", "param", "code"}
    code: str = reply.json()["error"]["code"]
    return code


# Paths and methods


@pytest.mark.parametrize("path", ["/nothing", "/v1", "/v1/chat", "/v1/sleep", "/ui/nothing.js"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_unknown_path_is_a_json_error(house: House, path: str, method: str) -> None:
    _, _, proxy = await house.serving(says_json({}))

    async with proxy.client() as client:
        reply = await client.request(method, path)

    if path.startswith("/ui/") and method == "POST":
        assert (reply.status_code, code_of(reply)) == (405, "method_not_allowed")
    else:
        assert (reply.status_code, code_of(reply)) == (404, "unknown_url")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", CHAT, "POST, OPTIONS"), ("DELETE", "/v1/models", "GET, HEAD, OPTIONS"), ("POST", "/health", None)],
)
async def test_a_wrong_method_is_told_the_right_one(
    house: House, method: str, path: str, allowed: str | None
) -> None:
    _, _, proxy = await house.serving(says_json({}))

    async with proxy.client() as client:
        reply = await client.request(method, path)

    assert (reply.status_code, code_of(reply)) == (405, "method_not_allowed")
    assert reply.headers["allow"] == (allowed or "GET, HEAD, OPTIONS")


@pytest.mark.parametrize(
    "path", [route.path for route in in_force(ollama=True)] + ["/v1/responses", "/anything/at/all"]
)
async def test_a_browser_may_ask_first_on_any_path_and_without_a_key(house: House, path: str) -> None:
    _, _, proxy = await house.serving(says_json({}), api_key="sk-right")
    asked = "authorization, content-type, x-stainless-os"

    async with proxy.client() as client:
        reply = await client.options(
            path, headers={"origin": "http://page", "access-control-request-headers": asked}
        )

    assert reply.status_code == 204
    assert reply.headers["access-control-allow-headers"] == asked
    assert reply.headers["access-control-allow-origin"] == "*"
    assert "POST" in reply.headers["access-control-allow-methods"]


@pytest.mark.parametrize("path", ["/health", "/nothing", "/v1/models", "/"])
async def test_every_reply_has_an_id_that_pages_of_other_origins_may_read(house: House, path: str) -> None:
    _, _, proxy = await house.serving(says_json({}))

    async with proxy.client() as client:
        own = await client.get(path)
        given = await client.get(path, headers={"x-request-id": "trace-9"})

    assert own.headers["x-request-id"].startswith("req_")
    assert given.headers["x-request-id"] == "trace-9"
    assert "x-request-id" in own.headers["access-control-expose-headers"]
    assert "retry-after" in own.headers["access-control-expose-headers"]


async def test_an_engines_reply_carries_each_header_of_ours_once(house: House) -> None:
    theirs = {"access_control_allow_origin": "http://engine", "x_request_id": "engine", "date": "Mon"}
    _, _, proxy = await house.serving(says_json({}, **theirs))

    async with proxy.client() as client:
        reply = await client.post(CHAT, json=HELLO)

    for name in ("access-control-allow-origin", "x-request-id", "date"):
        assert len(reply.headers.get_list(name)) == 1
    assert reply.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    "raw",
    [
        b"HELLO\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
    ],
)
async def test_what_is_no_http_is_refused_in_the_same_shape(house: House, raw: bytes) -> None:
    _, _, proxy = await house.serving(says_json({}))
    line = await house.line(proxy)

    line.writer.write(raw)
    reply = await line.everything()

    head, _, payload = reply.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert set(json.loads(payload)["error"]) == {"message", "type", "param", "code"}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), max_size=30),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"]),
    body=st.binary(max_size=40),
)
async def test_no_request_is_a_fault_of_ours(
    open_house: RunningProxy, path: str, method: str, body: bytes
) -> None:
    line = await Line.to(open_house)

    head = f"{method} /{path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    line.writer.write(head.encode() + body)
    reply = await line.everything()
    await line.hang_up()

    assert reply.startswith(b"HTTP/1.1 ")
    assert not reply.startswith(b"HTTP/1.1 5")


@pytest.fixture
async def open_house(house: House) -> RunningProxy:
    _, _, proxy = await house.serving(says_json({}))
    return proxy


# The key


@pytest.mark.parametrize("path", [CHAT, "/v1/models", "/v1/models/chat", "/models"])
async def test_with_a_key_set_nobody_gets_at_a_model_without_it(house: House, path: str) -> None:
    _, _, proxy = await house.serving(says_json({}), api_key="sk-right")
    method = "POST" if path == CHAT else "GET"

    async with proxy.client() as client:
        without = await client.request(method, path, json=HELLO)
        wrong = await client.request(method, path, json=HELLO, headers={"authorization": "Bearer sk-wrong"})
        right = await client.request(method, path, json=HELLO, headers={"authorization": "Bearer sk-right"})

    assert (
        (without.status_code, code_of(without))
        == (wrong.status_code, code_of(wrong))
        == (401, "invalid_api_key")
    )
    assert without.headers["www-authenticate"] == "Bearer"
    assert right.status_code == 200


@pytest.mark.parametrize("path", ["/", "/ui/app.js", "/health"])
async def test_the_page_and_the_health_stay_open(house: House, path: str) -> None:
    _, _, proxy = await house.serving(says_json({}), api_key="sk-right")

    async with proxy.client() as client:
        assert (await client.get(path)).status_code == 200


# What the proxy answers itself


async def test_health_says_what_is_there(house: House) -> None:
    _, manager, proxy = await house.serving(says_json({}))

    async with proxy.client() as client:
        with_manager = await client.get("/health")
        await manager.vanish()
        await proxy.until(met=False)
        without = await client.get("/health")

    assert with_manager.json() == {
        "status": "ok",
        "manager": "connected",
        "models": 3,
        "in_flight": 0,
        "waiting": 0,
    }
    assert without.json()["manager"] == "away"


async def test_the_list_of_models_costs_no_one_anything(house: House) -> None:
    engine, manager, proxy = await house.serving(says_json({}))

    async with proxy.client() as client:
        reply = await client.get("/v1/models")

    assert reply.json()["object"] == "list"
    assert [model["id"] for model in reply.json()["data"]] == ["chat", "eyes", "paint"]
    assert engine.seen == []
    assert manager.of(Want) == []


async def test_the_list_is_served_while_the_manager_is_away(house: House) -> None:
    _, manager, proxy = await house.serving(says_json({}))
    await manager.vanish()
    await proxy.until(met=False)

    async with proxy.client() as client:
        assert len((await client.get("/v1/models")).json()["data"]) == 3


async def test_before_the_manager_was_ever_met_there_is_no_list(house: House) -> None:
    proxy = await house.proxy()

    async with proxy.client() as client:
        reply = await client.get("/v1/models")

    assert (reply.status_code, code_of(reply)) == (503, "manager_unavailable")
    assert 1 <= int(reply.headers["retry-after"]) <= 59


@pytest.mark.parametrize(
    "path", ["/v1/models/org/chat", "/v1/models/org%2Fchat", "/models/gpt-4o", "/v1/models/chat"]
)
async def test_a_model_is_found_by_name_and_alias_with_its_slash_raw_or_encoded(
    house: House, path: str
) -> None:
    _, _, proxy = await house.serving(says_json({}))

    async with proxy.client() as client:
        reply = await client.get(path)

    assert reply.json()["id"] == "chat"
    assert reply.json()["aliases"] == ["gpt-4o", "org/chat"]


async def test_an_unknown_model_is_not_found(house: House) -> None:
    _, _, proxy = await house.serving(says_json({}))

    async with proxy.client() as client:
        reply = await client.get("/v1/models/nobody")

    assert (reply.status_code, code_of(reply)) == (404, "model_not_found")


async def test_a_listed_model_says_what_clients_need_to_choose_it(house: House) -> None:
    manager = await house.manager()
    manager.models = [
        status("m", ModelType.VISION, phase=Phase.STOPPED, context_length=4096, description="A demo."),
        status(
            "edit",
            ModelType.IMAGE,
            phase=Phase.LOADING,
            capabilities=[Capability.IMAGES, Capability.IMAGE_EDITS],
        ),
    ]
    proxy = await house.proxy(manager)
    await manager.say(Loading(model="edit", phase=Phase.LOADING, elapsed_s=3, progress="60 %"))

    async with proxy.client() as client:
        vision = (await client.get("/v1/models/m")).json()
        image = (await client.get("/v1/models/edit")).json()

    created = vision.pop("created")
    assert isinstance(created, int)
    assert vision == {
        "id": "m",
        "object": "model",
        "owned_by": "switchyard",
        "name": "m",
        "type": "vision",
        "aliases": [],
        "tags": [],
        "status": {"value": "unloaded", "phase": "stopped"},
        "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]},
        "context_length": 4096,
        "max_model_len": 4096,
        "description": "A demo.",
    }
    assert image["status"]["value"] == "loading"
    assert (image["status"]["progress"]["value"], image["status"]["progress"]["text"]) == (0.6, "60 %")
    assert image["architecture"] == {"input_modalities": ["text", "image"], "output_modalities": ["image"]}


@pytest.mark.parametrize("phase", list(Phase))
async def test_every_phase_has_a_word_that_clients_know(house: House, phase: Phase) -> None:
    failure = Failure(reason=Reason.NO_GPU_DRIVER, message="cannot start m", advice="install the driver")
    manager = await house.manager()
    manager.models = [status("m", phase=phase, failure=failure if "failed" in phase else None)]
    proxy = await house.proxy(manager)

    async with proxy.client() as client:
        shown = (await client.get("/v1/models/m")).json()["status"]

    assert shown["phase"] == phase
    assert shown["value"] in {"loaded", "loading", "unloaded", "sleeping", "failed"}
    if "failed" in phase:
        assert shown["failed"] is True
        assert shown["reason"] == "no_gpu_driver"
        assert shown["message"] == "cannot start m: install the driver"


async def test_the_list_follows_the_manager(house: House) -> None:
    _, manager, proxy = await house.serving(says_json({}))

    await manager.say(Models(models=(status("new"),)))
    async with proxy.client() as client:
        while (await client.get("/v1/models/new")).status_code != 200:
            pass

        assert [model["id"] for model in (await client.get("/v1/models")).json()["data"]] == ["new"]


async def test_a_head_request_gets_the_head(house: House) -> None:
    _, _, proxy = await house.serving(says_json({}))

    async with proxy.client() as client:
        reply = await client.head("/v1/models")

    assert reply.status_code == 200
    assert reply.content == b""


# Faults of ours


async def test_a_fault_of_ours_is_told_without_a_traceback(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _, _, proxy = await house.serving(says_json({}))
    monkeypatch.delattr(proxy.parts, "fleet")

    with caplog.at_level(logging.ERROR):
        async with proxy.client() as client:
            reply = await client.get("/v1/models")

    assert (reply.status_code, code_of(reply)) == (500, "internal_error")
    assert "AttributeError" not in reply.text
    assert "AttributeError" in caplog.text


def test_every_row_of_the_table_is_answered_by_something() -> None:
    assert {route.serves for route in in_force(ollama=True)} == set(Serves)


async def test_open_connections_are_counted_in_the_metrics(house: House) -> None:
    _, _, proxy = await house.serving(says_json({}))
    lines = [await house.line(proxy) for _ in range(3)]

    async with asyncio.timeout(5):
        while proxy.parts.metrics.readings()["switchyard_proxy_client_connections"] < len(lines):
            await asyncio.sleep(0.01)
