"""setup.sh for real: a copy of the tree in a folder with spaces, real packages, the product. Takes minutes."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.ports import free_port

ROOT = Path(__file__).parents[3]
MEMBERS = ("contracts", "manager", "proxy", "image-server")
FILES = ("setup.sh", "pyproject.toml", "models.json", "models.schema.json")
INSTALL_WITHIN_S = 900


@dataclass(frozen=True, slots=True)
class Clone:
    folder: Path
    port: int
    manager_port: int

    def setup(self, *arguments: str) -> str:
        ports = {"SWITCHYARD_PORT": str(self.port), "SWITCHYARD_MANAGER_PORT": str(self.manager_port)}
        ports["SWITCHYARD_UP"] = "local"
        ports["PYTHONDONTWRITEBYTECODE"] = "1"  # as shells in images for development have it
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SWITCHYARD_")}
        done = subprocess.run(
            [self.folder / "setup.sh", *arguments],
            cwd="/",
            env=inherited | ports,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALL_WITHIN_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    folder = tmp_path_factory.mktemp("real") / "a clone with spaces"
    for name in (*MEMBERS, "setup", "requirements"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file in FILES:
        shutil.copy(ROOT / file, folder / file)
    clone = Clone(folder, free_port(), free_port())
    try:
        yield clone
    finally:
        clone.setup("down")
        shutil.rmtree(folder)  # over a gigabyte


@pytest.fixture(scope="module")
def first_up(clone: Clone) -> str:
    return clone.setup("up", "--detach")


@pytest.fixture(scope="module")
def answer(clone: Clone, first_up: str) -> str:
    question = {"model": "demo-chat", "messages": [{"role": "user", "content": "What can you do?"}]}
    reply = httpx.post(f"http://localhost:{clone.port}/v1/chat/completions", json=question, timeout=120)
    return str(reply.json()["choices"][0]["message"]["content"])


pytestmark = pytest.mark.timeout(INSTALL_WITHIN_S)


def test_from_nothing_to_an_answer(clone: Clone, first_up: str, answer: str) -> None:
    assert "Installing with Python 3." in first_up
    assert f"http://localhost:{clone.port}/v1" in first_up
    assert "models.json" in answer


@pytest.mark.usefixtures("answer")
def test_what_is_compiled_is_kept_for_the_next_start(clone: Clone) -> None:
    kept = {
        file.parent.parent.name for file in clone.folder.glob(".venv*/lib/*/site-packages/*/__pycache__/*.pyc")
    }

    assert {"fastapi", "torch", "transformers"} <= kept


def test_the_control_plane_is_installed_without_torch(clone: Clone, first_up: str) -> None:
    asked = [clone.folder / ".venv" / "bin" / "python", "-c", "import torch"]

    done = subprocess.run(asked, capture_output=True, text=True, check=False)

    assert "No module named 'torch'" in done.stderr


def test_a_second_up_installs_nothing(clone: Clone, first_up: str) -> None:
    made = when_made(clone)

    said = clone.setup("up", "--detach")

    assert "Installing" not in said
    assert "Switchyard is up already" in said
    assert when_made(clone) == made


def when_made(clone: Clone) -> dict[str, int]:
    notes = [*clone.folder.glob(".venv*/.made/*"), *clone.folder.glob(".venv*/pyvenv.cfg")]
    return {str(note): note.stat().st_mtime_ns for note in notes}


def test_an_install_that_was_cut_short_is_repaired(clone: Clone, first_up: str) -> None:
    clone.setup("down")
    (clone.folder / ".venv" / ".made" / "whole").unlink()
    shutil.rmtree(next((clone.folder / ".venv" / "lib").glob("python3*/site-packages/uvicorn")))

    said = clone.setup("up", "--detach")

    assert "Installing with Python 3." in said
    assert "Switchyard is up." in said
