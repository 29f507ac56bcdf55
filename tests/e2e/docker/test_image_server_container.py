"""The image server's image: built as its user builds it, and run as the manager runs it. It takes minutes.

No image can be fetched here, so what it is built on is made from Debian's packages; it brings along how this
machine reaches package registries.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.docker.conftest import docker

ROOT = Path(__file__).resolve().parents[3]
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PATIENCE_S = 90.0
PACKAGES = "python3,python3-venv,ca-certificates"
TAG = uuid.uuid4().hex[:12]

pytestmark = pytest.mark.timeout(900)


def succeed(*command: str | Path, within_s: float = 600) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=within_s, check=False)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def ways_to_packages() -> list[Path]:
    """Files and folders of this machine by which pip finds packages: its settings, and wheels at hand."""
    settings = [Path("/etc/pip.conf"), Path.home() / ".config/pip/pip.conf"]
    command = (sys.executable, "-m", "pip", "config", "get", "global.find-links")
    asked = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    links = [*asked.stdout.split(), *os.environ.get("PIP_FIND_LINKS", "").split()]
    return [path for path in (*settings, *map(Path, links)) if path.is_absolute() and path.exists()]


@pytest.fixture(scope="module")
def base(_engine_answers: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if shutil.which("debootstrap") is None or os.geteuid() != 0:
        pytest.skip("an image to build on needs debootstrap, and root")
    root = tmp_path_factory.mktemp("debian") / "root"
    succeed("debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", root)
    shutil.copy(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
    for path in ways_to_packages():
        inside = root / ("etc/pip.conf" if path.is_file() else path.relative_to("/"))
        inside.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(path, inside, dirs_exist_ok=True) if path.is_dir() else shutil.copy(path, inside)
    name = f"switchyard-test-{TAG}:base"
    trusting = f"ENV SSL_CERT_FILE={CERTIFICATES} PIP_CERT={CERTIFICATES}"
    archive = shutil.make_archive(str(root.parent / "root"), "tar", root)
    succeed("docker", "import", "--change", trusting, archive, name)
    shutil.rmtree(root)
    Path(archive).unlink()
    yield name
    docker("image", "rm", "--force", name)


@pytest.fixture(scope="module")
def image_server(base: str) -> Iterator[str]:
    name = f"switchyard-test-{TAG}:image-server"
    succeed(
        *("docker", "build", "--network", "host", "--file", ROOT / "image-server/Dockerfile"),
        *("--build-arg", f"BASE={base}", "--build-arg", "TORCH=cpu", "--tag", name, ROOT),
    )
    yield name
    docker("image", "rm", "--force", name)


@pytest.fixture(scope="module")
def weights(image_server: str) -> Iterator[str]:
    """A volume with the demo's models, made by the image itself."""
    volume = f"switchyard-test-{TAG}"
    make = ("-m", "switchyard_image_server.demo", "/models")
    succeed(
        *("docker", "run", "--rm", "--user", "0", "--volume", f"{volume}:/models"),
        *("--entrypoint", "python", image_server, *make, "--only", "image"),
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
        told: list[dict[str, Any]] = json.loads(docker("inspect", self.name))
        state: dict[str, Any] = told[0]["State"]
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
def running(image_server: str, weights: str) -> Iterator[Running]:
    one = Running(image_server, weights)
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


def test_it_runs_as_whoever_it_is_told_to(image_server: str, weights: str) -> None:
    running = Running(image_server, weights, "--user", "4242:4242")

    try:
        assert drawn(running.until_healthy().url).startswith(b"\x89PNG")
    finally:
        running.remove()


def test_it_says_why_it_ended(image_server: str) -> None:
    done = subprocess.run(
        ["docker", "run", "--rm", image_server, "--model", "/models/none"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    assert done.returncode == 1
    assert '"code": "model_not_found"' in done.stderr
