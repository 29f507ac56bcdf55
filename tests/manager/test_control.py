"""The control connection over a real socket, spoken to as a proxy does."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
import uvicorn
import websockets
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect

from switchyard_contracts.grants import PATH, FromManager, FromProxy, Hello, Want, read_from_manager
from switchyard_manager import catalog_file
from switchyard_manager.app import build
from switchyard_manager.settings import Settings
from switchyard_manager.state import StateFolder

TOKEN = "let me in"
Connect = Callable[..., connect]


def _manager(folder: Path) -> FastAPI:
    entry = {"type": "text", "engine": "image-server", "path": "/no/such/weights"}
    (folder / "models.json").write_text(json.dumps({"models": {"m": entry}}))
    settings = Settings(folder / "models.json", folder, "127.0.0.1", 0, TOKEN, sys.executable, sys.executable)
    return build(settings, catalog_file.load(settings.catalog), StateFolder(folder / "state"))


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    """A whole manager, served."""
    app = await asyncio.to_thread(_manager, tmp_path)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="websockets-sansio"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        async with asyncio.TaskGroup() as own:
            own.create_task(server._serve(sockets=[listening]))
            async with asyncio.timeout(10):
                while not server.started:
                    await asyncio.sleep(0.01)
            yield listening.getsockname()[1]
            server.should_exit = True


@pytest.fixture
def dial(port: int) -> Connect:
    def with_token(token: str = TOKEN) -> connect:
        headers = {"Authorization": f"Bearer {token}"}
        return connect(f"ws://127.0.0.1:{port}{PATH}", additional_headers=headers)

    return with_token


@pytest.fixture
def get(port: int) -> Callable[..., Awaitable[httpx.Response]]:
    async def ask(path: str, token: str | None = TOKEN) -> httpx.Response:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            return await http.get(path, headers=headers)

    return ask


async def say(socket: ClientConnection, message: FromProxy) -> None:
    await socket.send(message.model_dump_json())


async def hear(socket: ClientConnection, kind: str) -> FromManager:
    async with asyncio.timeout(10):
        while True:
            message = read_from_manager(await socket.recv())
            if message.kind == kind:
                return message


async def test_hello_is_answered_with_welcome_and_the_models(dial: Connect) -> None:
    async with dial() as socket:
        await say(socket, Hello(proxy="p"))

        welcome = await hear(socket, "welcome")
        models = await hear(socket, "models")

    assert welcome.kind == "welcome"
    assert models.kind == "models"
    assert [model.name for model in models.models] == ["m"]


async def test_a_want_that_cannot_be_served_is_refused_with_the_reason(dial: Connect) -> None:
    async with dial() as socket:
        await say(socket, Hello(proxy="p"))
        await say(socket, Want(model="m", ticket="t1"))

        refused = await hear(socket, "refused")

    assert refused.kind == "refused"
    assert refused.ticket == "t1"
    assert "cannot start m: there is no /no/such/weights" in refused.error.message


@pytest.mark.parametrize("token", ["-", "wrong", TOKEN + "x"])
async def test_without_the_token_nobody_comes_in(
    dial: Connect, get: Callable[..., Awaitable[httpx.Response]], token: str
) -> None:
    with pytest.raises(websockets.InvalidStatus):
        async with dial(token):
            pass

    reply = await get("/status", token)
    assert reply.status_code == 401
    assert reply.json()["error"]["code"] == "invalid_api_key"


@pytest.mark.parametrize(
    "first",
    ["", "{", '{"kind": "nonsense"}', '{"kind": "want", "model": "m", "ticket": "t"}',
     '{"kind": "hello", "proxy": "p", "protocol": 99}'],
)  # fmt: skip
async def test_whoever_does_not_say_hello_is_shown_the_door_and_others_are_served(
    dial: Connect, first: str
) -> None:
    async with dial() as rude, dial() as polite:
        await rude.send(first)
        async with asyncio.timeout(10):
            await rude.wait_closed()
        await say(polite, Hello(proxy="p"))

        assert rude.close_code == 4400
        assert (await hear(polite, "welcome")).kind == "welcome"


async def test_nonsense_after_hello_ends_that_connection_only(
    dial: Connect, get: Callable[..., Awaitable[httpx.Response]]
) -> None:
    async with dial() as socket:
        await say(socket, Hello(proxy="p"))
        await hear(socket, "models")
        await socket.send("nonsense")
        async with asyncio.timeout(10):
            await socket.wait_closed()

    assert socket.close_code == 4400
    assert (await get("/status")).json()["models"][0]["name"] == "m"


async def test_the_status_counts_the_proxies_that_are_here(
    dial: Connect, get: Callable[..., Awaitable[httpx.Response]]
) -> None:
    async with dial() as socket:
        await say(socket, Hello(proxy="p"))
        await hear(socket, "welcome")
        assert (await get("/status")).json()["proxies"] == 1

    async with asyncio.timeout(10):
        while (await get("/status")).json()["proxies"]:
            await asyncio.sleep(0.01)


async def test_health_needs_no_token(get: Callable[..., Awaitable[httpx.Response]]) -> None:
    assert (await get("/health", None)).json() == {"status": "ok"}
