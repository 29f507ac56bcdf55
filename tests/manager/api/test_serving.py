"""The sockets: TCP for those who hold the token, a file of the owner's alone for those who may open it."""

import asyncio
import contextlib
import json
import signal
import socket
import stat
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import unix_connect

from switchyard_contracts.errors import ErrorEnvelope
from switchyard_contracts.grants import PATH, Hello
from switchyard_manager import catalog_file
from switchyard_manager.api import serving
from switchyard_manager.api.sse import Streams
from switchyard_manager.app import build
from switchyard_manager.errors import AlreadyRunning, BadSetting
from switchyard_manager.settings import Settings
from switchyard_manager.state import StateFolder
from tests.ports import free_port

Ask = Callable[[str], Awaitable[httpx.Response]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


@pytest.fixture
async def served(tmp_path: Path, path: Path) -> AsyncIterator[int]:
    """A whole manager on both sockets; what is given is the port."""
    async with _served(tmp_path, path) as port:
        yield port


def catalog_in(folder: Path) -> Path:
    entry = {"type": "text", "engine": "image-server", "path": "/no/such/weights"}
    file = folder / "models.json"
    file.write_text(json.dumps({"models": {"m": entry}}))
    return file


@contextlib.asynccontextmanager
async def _served(folder: Path, path: Path) -> AsyncIterator[int]:
    settings = Settings(
        catalog_in(folder), folder, "127.0.0.1", 0, "secret", sys.executable, sys.executable, socket=path
    )
    catalog = await asyncio.to_thread(catalog_file.load, settings.catalog)
    streams = Streams()
    app = await asyncio.to_thread(build, settings, catalog, StateFolder(folder / "state"), streams)
    server = serving.server(app, settings.host, settings.port, streams)
    with serving.local_socket(path) as local, socket.create_server(("127.0.0.1", 0)) as listening:
        async with asyncio.TaskGroup() as own:
            own.create_task(server._serve(sockets=[listening, local]))
            async with asyncio.timeout(10):
                while not server.started:
                    await asyncio.sleep(0.01)
            yield listening.getsockname()[1]
            server.should_exit = True


async def test_by_the_file_no_token_is_needed_and_by_tcp_it_is(served: int, path: Path) -> None:
    async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=str(path))) as local:
        by_file = await local.get("http://manager/api/models")
    async with httpx.AsyncClient() as remote:
        by_tcp = await remote.get(f"http://127.0.0.1:{served}/api/models")
        posing = await remote.get(
            f"http://127.0.0.1:{served}/api/models",
            headers={"Host": str(path), "X-Forwarded-For": "", "Forwarded": f"by={path}"},
        )

    assert [model["name"] for model in by_file.json()] == ["m"]
    assert (by_tcp.status_code, posing.status_code) == (401, 401)


async def test_what_is_not_http_is_refused_as_everything_else_is(served: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served)
    writer.write(b"\x16\x03\x01 a client that speaks TLS\r\n\r\n")

    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()

    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n")
    error = ErrorEnvelope.model_validate_json(body).error
    assert (error.code, error.message) == ("invalid_value", "cannot read the request: it is not HTTP/1.1")


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
async def test_told_to_stop_it_ends_cleanly_and_says_its_last_words(
    tmp_path: Path, path: Path, by: signal.Signals
) -> None:
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("switchyard-manager"),
        env={
            "SWITCHYARD_CATALOG": str(catalog_in(tmp_path)),
            "SWITCHYARD_STATE": str(tmp_path / "state"),
            "SWITCHYARD_MANAGER_SOCKET": str(path),
            "SWITCHYARD_MANAGER_PORT": str(free_port()),
            "HOME": str(tmp_path),
        },
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=str(path))) as local:
            while not await is_up(local):
                await asyncio.sleep(0.05)
        async with unix_connect(str(path), f"ws://manager{PATH}") as control:
            await control.send(Hello(proxy="p").model_dump_json())
            await control.recv()
            process.send_signal(by)
            _, said = await process.communicate()

    assert process.returncode == 0
    assert "proxy p is gone" in said.decode()


async def is_up(local: httpx.AsyncClient) -> bool:
    try:
        return (await local.get("http://manager/health")).is_success
    except httpx.TransportError:
        return False


async def test_a_proxy_may_come_by_the_file_too(served: int, path: Path) -> None:
    async with unix_connect(str(path), f"ws://manager{PATH}") as control:
        await control.send(Hello(proxy="p").model_dump_json())
        assert json.loads(await control.recv())["kind"] == "welcome"


async def test_the_file_is_its_owners_alone_and_gone_afterwards(tmp_path: Path, path: Path) -> None:
    async with _served(tmp_path, path):
        mode = (await asyncio.to_thread(path.stat)).st_mode

    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600
    assert not await asyncio.to_thread(path.exists)


def test_a_file_left_by_a_manager_that_was_killed_is_taken_over(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))

    with serving.local_socket(path) as bound:
        assert bound.getsockname() == str(path)


def test_a_socket_on_which_somebody_listens_is_left_alone(path: Path) -> None:
    with serving.local_socket(path) as bound:
        bound.listen()

        with pytest.raises(AlreadyRunning, match="another manager does"), serving.local_socket(path):
            pass
        assert path.exists()


def test_a_file_that_is_no_socket_is_never_removed(path: Path) -> None:
    path.write_text("precious")

    with pytest.raises(BadSetting, match="cannot listen"), serving.local_socket(path):
        pass
    assert path.read_text() == "precious"


@pytest.mark.parametrize("name", ["no/such/folder/s", "x" * 120])
def test_a_path_that_cannot_be_is_refused_with_advice(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadSetting, match="cannot listen on"), serving.local_socket(tmp_path / name):
        pass
