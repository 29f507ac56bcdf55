"""The image server's image: built as its user builds it (`tests/e2e/images.py`), run as the manager runs it."""

import base64
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.docker import looking
from tests.e2e.docker.conftest import docker
from tests.e2e.images import succeed

PATIENCE_S = 90.0
TAG = uuid.uuid4().hex[:12]

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def weights(image_server_image: str) -> Iterator[str]:
    """A volume with the demo's models, made by the image itself."""
    volume = f"switchyard-test-{TAG}"
    make = ("-m", "switchyard_image_server.demo", "/models")
    succeed(
        *("docker", "run", "--rm", "--user", "0", "--volume", f"{volume}:/models"),
        *("--entrypoint", "python", image_server_image, *make, "--only", "image"),
    )
    yield volume
    docker("volume", "rm", "--force", volume)


class Running:
    """A container of the image, as closed as the manager's."""

    def __init__(self, image: str, weights: str, *options: str) -> None:
        self.name = docker(
            *("run", "--detach", "--init", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
            *("--health-interval", "1s", "--volume", f"{weights}:/models:ro"),
            *("--publish", "127.0.0.1::8000", *options),
            *(image, "--model", "/models/image", "--served-model-name", "demo"),
        )
        self.url = f"http://{docker('port', self.name, '8000/tcp').splitlines()[0]}"

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = looking.inspected(self.name)["State"]
        return state

    def until_healthy(self) -> "Running":
        deadline = time.monotonic() + PATIENCE_S
        while self.state()["Health"]["Status"] != "healthy":
            assert self.state()["Running"], docker("logs", self.name)
            assert time.monotonic() < deadline, docker("logs", self.name)
            threading.Event().wait(0.2)
        return self

    def remove(self) -> None:
        docker("rm", "--force", "--volumes", self.name)


@pytest.fixture
def running(image_server_image: str, weights: str) -> Iterator[Running]:
    one = Running(image_server_image, weights)
    yield one
    one.remove()


def drawn(url: str) -> bytes:
    body = {"prompt": "a lighthouse", "size": "64x64", "seed": 1}
    answer = httpx.post(f"{url}/v1/images/generations", json=body, timeout=PATIENCE_S).raise_for_status()
    return base64.b64decode(answer.json()["data"][0]["b64_json"])


def test_it_draws_as_nobody_in_particular_is_healthy_and_stops_cleanly(running: Running) -> None:
    running.until_healthy()

    picture = drawn(running.url)
    user = docker("exec", running.name, "id", "-u")
    began = time.monotonic()
    docker("stop", "--time", "20", running.name)

    assert picture.startswith(b"\x89PNG")
    assert user == "10001"
    assert running.state()["ExitCode"] == 0
    assert time.monotonic() - began < 10


def test_it_runs_as_whoever_it_is_told_to(image_server_image: str, weights: str) -> None:
    running = Running(image_server_image, weights, "--user", "4242:4242")

    try:
        assert drawn(running.until_healthy().url).startswith(b"\x89PNG")
    finally:
        running.remove()


def test_it_says_why_it_ended(image_server_image: str) -> None:
    done = subprocess.run(
        ["docker", "run", "--rm", image_server_image, "--model", "/models/none"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    assert done.returncode == 1
    assert '"code": "model_not_found"' in done.stderr
