"""With a key set, nobody is served without it; without one, everybody is."""

import time
from collections.abc import AsyncIterator

import httpx
import openai
import pytest
from fastapi import FastAPI

from switchyard_image_server.api.access import NeedsKey
from switchyard_image_server.app import build_app
from switchyard_image_server.engine import Engine
from switchyard_image_server.parts import make_parts
from switchyard_image_server.settings import ModelSettings, Settings
from switchyard_image_server.worker import Worker
from tests.image_server.stand_ins import Talker

KEY = "sk-of-this-run"


def app_of(api_key: str | None = None) -> FastAPI:
    """Around a model that nobody loads."""
    engine = Engine("demo", Worker(1, time.monotonic, lambda: None), lambda _: Talker())  # type: ignore[arg-type, return-value]
    return build_app(make_parts(engine, Settings(ModelSettings("demo"), "demo", api_key=api_key)))


def client_of(app: object) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://engine")  # type: ignore[arg-type]


@pytest.fixture
async def locked() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app_of(KEY)) as client:
        yield client


@pytest.fixture
async def guarded() -> AsyncIterator[httpx.AsyncClient]:
    app = app_of()
    async with client_of(app) as unguarded:
        # At its first use of a route, FastAPI looks for the file that it stands in, on the event loop.
        for path in ("/health", "/ready", "/v1/models"):
            await unguarded.get(path)
    async with client_of(NeedsKey(app, KEY)) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/models"),
        ("GET", "/v1/models/demo"),
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/images/generations"),
        ("GET", "/openapi.json"),
        ("GET", "/health/"),
        ("GET", "//health"),
        ("GET", "/ready/"),
        ("GET", "/v1/status"),
        ("GET", "/metrics"),
        ("POST", "/sleep"),
        ("GET", "/nowhere"),
    ],
)
async def test_no_route_but_health_answers_without_the_key(
    locked: httpx.AsyncClient, method: str, path: str
) -> None:
    reply = await locked.request(method, path)

    assert reply.status_code == 401
    assert reply.headers["www-authenticate"] == "Bearer"
    assert reply.json() == {
        "error": {
            "message": "cannot serve without the server's key: send `Authorization: Bearer <key>`",
            "type": "invalid_request_error",
            "param": None,
            "code": "invalid_api_key",
        },
        "source": "switchyard",
    }


@pytest.mark.parametrize("path", ["/health", "/ready"])
async def test_health_is_open_to_everyone(guarded: httpx.AsyncClient, path: str) -> None:
    reply = await guarded.get(path)

    assert (reply.status_code, reply.json()["status"]) == (503, "loading")


@pytest.mark.parametrize("shown", [f"Bearer {KEY}", f"bearer {KEY}", f"Bearer  {KEY}"])
async def test_whoever_shows_the_key_is_served(guarded: httpx.AsyncClient, shown: str) -> None:
    reply = await guarded.get("/v1/models", headers={"authorization": shown})

    assert reply.json()["data"][0]["id"] == "demo"


@pytest.mark.parametrize(
    "shown", [KEY, f"Basic {KEY}", "Bearer", "Bearer ", f"Bearer {KEY}x", "Bearer sk", "Bearer é"]
)
async def test_whatever_else_is_shown_does_not_help(locked: httpx.AsyncClient, shown: str) -> None:
    reply = await locked.get("/v1/models", headers={"authorization": shown.encode()})

    assert reply.status_code == 401


async def test_without_a_key_everyone_is_served() -> None:
    async with client_of(app_of()) as client:
        assert (await client.get("/v1/models")).status_code == 200


async def test_a_client_of_openais_sees_what_it_expects(guarded: httpx.AsyncClient) -> None:
    right = openai.AsyncOpenAI(base_url="http://engine/v1", api_key=KEY, http_client=guarded)
    wrong = openai.AsyncOpenAI(base_url="http://engine/v1", api_key="another", http_client=guarded)

    assert [model.id async for model in right.models.list()] == ["demo"]
    with pytest.raises(openai.AuthenticationError) as refused:
        await wrong.models.list()

    assert refused.value.code == "invalid_api_key"
