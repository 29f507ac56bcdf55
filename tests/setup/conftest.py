"""setup.sh in a folder of the test's own, on a machine that has only what the test gives it."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What setup.sh may take for granted on any Linux or macOS.
ORDINARY = """
awk basename bash cat cksum cut date df dirname env grep head id mkdir mktemp mv ps readlink rm sed setsid sleep
sort stat tail timeout tr uname
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """A PATH and a folder with setup.sh in it. Whatever is not put on the PATH is not there."""

    folder: Path
    bin: Path

    @property
    def setup(self) -> Path:
        return self.folder / "setup.sh"

    def program(self, name: str, script: str) -> None:
        file = self.bin / name
        file.unlink(missing_ok=True)
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def run(
        self, *arguments: str, command: Path | None = None, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [command or self.setup, *arguments],
            env=self.environ(**environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )

    def bash(self, lines: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run lines of bash that know setup.sh's functions."""
        known = 'ROOT=$1; STATE=$ROOT/.switchyard; for file in "$ROOT"/setup/*.sh; do . "$file"; done; '
        return self.run("-euc", known + lines, "setup", str(self.folder), command=self.bin / "bash", **environ)

    def environ(self, **more: str) -> dict[str, str]:
        # Ports that nothing listens on, whatever else runs on this machine.
        ports = {"SWITCHYARD_PORT": "1", "SWITCHYARD_MANAGER_PORT": "2"}
        return {"PATH": str(self.bin), "HOME": str(self.folder.parent), "LC_ALL": "C"} | ports | more


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    folder = tmp_path / "a path with spaces"
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    for name in ORDINARY.split():
        found = shutil.which(name)
        if found:
            (bin_ / name).symlink_to(found)
    # Not a link: a Python finds its library by where it stands.
    machine = Machine(folder, bin_)
    machine.program("python3", f'exec "{sys.executable}" "$@"')
    shutil.copytree(ROOT / "setup", folder / "setup")
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    for name in ("setup.sh", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    for member in ("contracts", "manager", "proxy", "image-server"):
        (folder / member).mkdir()
        shutil.copy(ROOT / member / "pyproject.toml", folder / member)
    return machine
