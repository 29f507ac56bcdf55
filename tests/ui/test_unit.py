"""The page's pure modules: each `*.test.mjs` by Node's own runner, as `node --test tests/ui/unit` does it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.clients import programs

UNIT = Path(__file__).parent / "unit"
FILES = sorted(UNIT.rglob("*.test.mjs"))
FAILED = re.compile(r"^\s*not ok .*?^\s*\.\.\.$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def node() -> str:
    """The system's, else the one that comes with the clients that tests use."""
    try:
        return shutil.which("node") or programs.node()
    except StopIteration:
        pytest.skip("no Node here: install Debian's package nodejs, or run ./setup.sh test")


def test_there_are_some() -> None:
    assert FILES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(UNIT).as_posix())
def test_it_holds(node: str, file: Path) -> None:
    command = (node, "--test-reporter=tap", file)
    ran = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)

    assert "".join(FAILED.findall(ran.stdout)) == ""
    assert ran.returncode == 0, ran.stdout + ran.stderr
    # A file whose tests were never reached ends well, too.
    assert re.search(r"^# pass [1-9]", ran.stdout, re.MULTILINE), ran.stdout
