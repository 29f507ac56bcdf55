"""A copy of the tree in which a test may plant a fault, and the gate's own steps to find it with."""

import contextlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MEMBERS = ("contracts", "manager", "proxy", "image-server")
COPIED = (*MEMBERS, "docs", "setup", "requirements", ".ci")
FILES = (
    "pyproject.toml",
    "setup.sh",
    "models.json",
    "models.schema.json",
    "tests/conftest.py",
    "tests/setup/fresh_machine.sh",
)
WITHIN_S = 240  # mypy, with nothing to go by, on a machine that is busy with the rest of the gate
NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.egg-info")


@dataclass(frozen=True, slots=True)
class Verdict:
    is_open: bool
    said: str


@dataclass(frozen=True, slots=True)
class Tree:
    root: Path

    @property
    def results(self) -> Path:
        return self.root / ".results"

    def add(self, file: str, text: str) -> None:
        """Write a new file, or more lines at the end of one."""
        target = self.root / file
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("a") as opened:
            opened.write(text)

    def gate(self, step: str) -> Verdict:
        parts = ". setup/say.sh; . setup/jobs.sh; . setup/gate.sh"
        run = f'ROOT=$1; cd "$1"; {parts}; GATE_STEPS=$2; run_gate "$3"'
        self.results.mkdir()
        if step == "types":
            self._know_the_types()
        done = subprocess.run(
            ["bash", "-euc", run, "gate", str(self.root), step, str(self.results)],
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
        return Verdict(done.returncode == 0, done.stdout + done.stderr)

    def _know_the_types(self) -> None:
        """What was found out of the real tree's is true of the copy's. It may be being written just now."""
        with contextlib.suppress(FileNotFoundError, shutil.Error):
            shutil.copytree(ROOT / ".mypy_cache", self.root / ".mypy_cache")

    def _environment(self) -> dict[str, str]:
        # Before the packages of the real tree, which the environment knows by its own path.
        sources = os.pathsep.join(str(self.root / member / "src") for member in MEMBERS)
        return os.environ | {"PYTHONPATH": sources}


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return copy_of_the_tree(tmp_path)


def copy_of_the_tree(folder: Path) -> Tree:
    root = folder / "tree"
    for folder in COPIED:
        shutil.copytree(ROOT / folder, root / folder, ignore=NOT_COPIED)
    for file in FILES:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, root / file)
    (root / ".venv").symlink_to(sys.prefix)
    return Tree(root)
