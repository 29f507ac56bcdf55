"""One box as its user has it: a clone, `./setup.sh up`, containers of images built from it."""

import json
import os
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.docker import looking
from tests.e2e.images import ROOT, building, remove, succeed
from tests.ports import free_port

FOLDERS = ("contracts", "manager", "proxy", "image-server", "requirements", "setup")
FILES = ("setup.sh", "pyproject.toml", "models.schema.json", ".dockerignore", ".env.example")
NOBODY = 4242  # owns the clone, and has no account anywhere
UP_WITHIN_S = 400


@dataclass(frozen=True, slots=True)
class Clone:
    folder: Path
    name: str
    port: int
    manager_port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def setup(self, *arguments: str) -> str:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("SWITCHYARD_")}
        with building():
            done = subprocess.run(
                [self.folder / "setup.sh", *arguments],
                env=ours | {"SWITCHYARD_UP": "compose"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=UP_WITHIN_S,
                check=False,
            )
        assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def inspect(self, service: str) -> dict[str, Any]:
        """The container of a service, running or not."""
        of_compose = {"project": self.name, "service": service}
        return newest(labels=[f"com.docker.compose.{key}={value}" for key, value in of_compose.items()])

    def engine(self, model: str) -> dict[str, Any]:
        return newest(labels=[f"switchyard.model={model}"], network=self.name)

    def write_catalog(self, models: dict[str, Any]) -> None:
        """As most editors do it: another file takes the name."""
        fresh = self.folder / "models.json.new"
        fresh.write_text(json.dumps({"models": models}))
        os.chown(fresh, NOBODY, NOBODY)
        fresh.replace(self.folder / "models.json")

    def models(self) -> dict[str, Any]:
        models: dict[str, Any] = json.loads((self.folder / "models.json").read_text())["models"]
        return models


def newest(labels: list[str], network: str | None = None) -> dict[str, Any]:
    found = looking.containers(labels=labels, network=network)
    assert found, f"no container has {labels}{f' on {network}' if network else ''}"
    return looking.inspected(found[0])


def has_compose() -> bool:
    asked = subprocess.run(("docker", "compose", "version"), capture_output=True, timeout=30, check=False)
    return asked.returncode == 0 or shutil.which("docker-compose") is not None


def demo_models() -> dict[str, Any]:
    models: dict[str, Any] = json.loads((ROOT / "models.json").read_text())["models"]
    return {name: model for name, model in models.items() if name.startswith("demo-")}


@pytest.fixture(scope="session")
def clone(
    base_image: str, image_server_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Clone]:
    """With what git has, and a `.env` for this machine: another base, and names that meet nobody else's."""
    if not has_compose():
        pytest.skip("Compose is not installed")
    name = f"switchyard-test-{uuid.uuid4().hex[:8]}"
    clone = Clone(tmp_path_factory.mktemp("compose") / "a clone", name, free_port(), free_port())
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, clone.folder / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (*FILES, *(path.name for path in ROOT.glob("compose*.yaml"))):
        shutil.copy(ROOT / file, clone.folder / file)
    settings = {
        "COMPOSE_PROJECT_NAME": name,
        "SWITCHYARD_ENGINE_NETWORK": name,
        "SWITCHYARD_MANAGER_IMAGE": f"{name}:manager",
        "SWITCHYARD_PROXY_IMAGE": f"{name}:proxy",
        "SWITCHYARD_IMAGE_SERVER_IMAGE": image_server_image,
        "SWITCHYARD_BASE": base_image,
        "SWITCHYARD_BUILD_NETWORK": "host",
        "SWITCHYARD_TORCH": "cpu",
        "SWITCHYARD_PORT": clone.port,
        "SWITCHYARD_MANAGER_PORT": clone.manager_port,
    }
    (clone.folder / ".env").write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    clone.write_catalog(demo_models())
    succeed("chown", "--recursive", f"{NOBODY}:{NOBODY}", clone.folder)
    try:
        yield clone
    finally:
        clone.setup("down")
        volumes = succeed("docker", "volume", "ls", "--quiet", "--filter", f"name={name}_").split()
        succeed("docker", "volume", "rm", *volumes)
        remove(f"{name}:manager", f"{name}:proxy")


@pytest.fixture(scope="session")
def said(clone: Clone) -> str:
    """What `up` says."""
    return clone.setup("up", "--detach")


@pytest.fixture
def up(clone: Clone, said: str) -> Clone:
    return clone


@pytest.fixture
def key(up: Clone) -> str:
    return up.setup("keys", "show-first").strip()


def table(page: str, name: str) -> dict[str, dict[str, str]]:
    """Of a page of docs/: column → row → what stands there."""
    found = re.search(rf"<!-- checked: {name} -->\n(.*?)<!-- end -->", page, re.DOTALL)
    assert found is not None
    head, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in found[1].splitlines())
    return {column: {row[0]: row[number] for row in rows} for number, column in enumerate(head) if number > 0}
