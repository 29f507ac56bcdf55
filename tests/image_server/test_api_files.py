"""Finished pictures by address, over HTTP."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse

from switchyard_image_server.api.access import NeedsKey
from switchyard_image_server.files import File
from switchyard_image_server.settings import ResultSettings
from tests.image_server.stand_ins import Painter

KEY = "sk-of-this-run"


@pytest.fixture
def served(serve: Callable[..., Any]) -> Any:
    return serve(Painter, results=ResultSettings(keep_s=60.0)).until_ready()


def put(served: Any, content: bytes = b"a picture") -> str:
    async def on_loop() -> str:
        name: str = served.parts.files.put(File(content, "image/webp"))
        return name

    return f"/v1/images/files/{served.on_loop(on_loop)}"


def test_whoever_knows_the_address_gets_the_picture(served: Any) -> None:
    answer = served.client.get(put(served))

    assert (answer.status_code, answer.content) == (200, b"a picture")
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["cache-control"].startswith("private, max-age=")
    assert 0 < int(answer.headers["cache-control"].split("max-age=")[1].split(",")[0]) <= 60
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_head_tells_its_size_and_type(served: Any) -> None:
    answer = served.client.head(put(served))

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == "9"
    assert answer.headers["content-type"] == "image/webp"


@pytest.mark.parametrize("path", ["/v1/images/files/none.png", "/v1/images/files/%2e%2e", "/v1/images/files/"])
def test_what_is_not_kept_is_a_404_in_the_usual_shape(served: Any, path: str) -> None:
    answer = served.client.get(path)

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] in {"file_not_found", "unknown_url"}


async def asked(method: str, path: str) -> int:
    """The status of an application that has a key, and anything behind it."""

    async def inside(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("inside")(scope, receive, send)

    transport = httpx.ASGITransport(NeedsKey(inside, KEY))
    async with httpx.AsyncClient(transport=transport, base_url="http://engine") as client:
        return (await client.request(method, path)).status_code


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_no_key_is_needed_for_a_name(method: str) -> None:
    assert await asked(method, "/v1/images/files/abc.png") == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/v1/images/files/abc.png"),
        ("POST", "/v1/images/files/abc.png"),
        ("GET", "/v1/images/files"),
        ("GET", "/v1/images/files/deeper/abc.png"),
        ("GET", "/v1/images/files/%2e%2e/%2e%2e/models"),
        ("GET", "/v1/images/filesystem/abc.png"),
        ("GET", "/v1/jobs/job_1"),
    ],
)
async def test_nothing_around_it_is_open_without_a_key(method: str, path: str) -> None:
    assert await asked(method, path) == 401
