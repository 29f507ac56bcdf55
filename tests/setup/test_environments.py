"""What is current is left alone; what changed, moved or was cut short is not taken for current."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.setup.conftest import Machine


@pytest.fixture
def installed(machine: Machine) -> Machine:
    """As `up` leaves it, but for the packages."""
    for env in (".venv", ".venv-image-server"):
        (machine.folder / env / "bin").mkdir(parents=True)
        (machine.folder / env / ".made").mkdir()
        python = machine.folder / env / "bin" / "python"
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        python.chmod(0o755)
    machine.bash(
        'finish_environment "$CONTROL_ENV" control; finish_environment "$IMAGE_SERVER_ENV" image-server;'
        ' torch_recipe cpu > "$IMAGE_SERVER_ENV/.made/torch"'
    ).check_returncode()
    return machine


def is_prepared(machine: Machine, purpose: str = "run", **environ: str) -> bool:
    return machine.bash(f"is_prepared {purpose}", **environ).returncode == 0


def test_what_is_current_is_left_alone(installed: Machine) -> None:
    done = installed.bash("prepare run")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "file",
    [
        "requirements/uv.txt",
        "requirements/control.txt",
        "requirements/image-server.txt",
        "requirements/torch.txt",
        "manager/pyproject.toml",
    ],
)
def test_a_changed_requirement_is_noticed(installed: Machine, file: str) -> None:
    with (installed.folder / file).open("a") as opened:
        opened.write("# changed\n")

    assert not is_prepared(installed)


@pytest.mark.parametrize("cut_short", [".venv/.made/whole", ".venv-image-server/.made/whole"])
def test_an_install_that_was_cut_short_is_not_taken_for_whole(installed: Machine, cut_short: str) -> None:
    (installed.folder / cut_short).unlink()

    assert not is_prepared(installed)


def test_a_folder_that_was_moved_needs_its_environments_anew(installed: Machine, tmp_path: Path) -> None:
    shutil.move(installed.folder, tmp_path / "moved")
    moved = Machine(tmp_path / "moved", installed.bin)

    assert not is_prepared(moved)


def test_a_python_that_went_away_is_noticed(installed: Machine) -> None:
    (installed.folder / ".venv" / "bin" / "python").unlink()

    assert not is_prepared(installed)


def test_the_tests_need_more_than_a_run(installed: Machine) -> None:
    assert not is_prepared(installed, "test")


def test_what_the_tests_have_is_enough_for_a_run(installed: Machine) -> None:
    installed.bash(
        'rm "$CONTROL_ENV/.made/control" "$IMAGE_SERVER_ENV/.made/image-server";'
        " note check; note image-server-test"
    )

    assert is_prepared(installed, "run")
    assert is_prepared(installed, "test")


def test_a_gpu_that_was_added_wants_another_torch(installed: Machine) -> None:
    installed.program("nvidia-smi", 'echo "NVIDIA GeForce RTX 4090, 24564 MiB"')

    assert not is_prepared(installed)


def test_a_gpu_that_went_away_leaves_torch_as_it_is(installed: Machine) -> None:
    installed.bash('torch_recipe cuda > "$IMAGE_SERVER_ENV/.made/torch"')

    assert is_prepared(installed)


def test_the_operators_own_torch_is_installed_in_place_of_ours(installed: Machine) -> None:
    pip = installed.folder / ".venv-image-server" / "bin" / "pip"
    pip.touch(mode=0o755)
    (installed.folder / ".venv-image-server" / "bin" / "python").write_text('#!/bin/sh\necho "$@"\n')

    done = installed.bash(
        'install_torch; cat "$STATE/logs/setup.log"', SWITCHYARD_TORCH_INSTALL="torch==9 --pre"
    )

    assert "-m pip install --disable-pip-version-check --no-input torch==9 --pre" in done.stdout


def test_an_environment_of_somebody_elses_is_moved_aside(machine: Machine) -> None:
    (machine.folder / ".venv").mkdir()
    (machine.folder / ".venv" / "theirs").touch()

    done = machine.bash('remove_environment "$CONTROL_ENV"')

    assert "was not made by this script: it is kept as" in done.stdout
    assert [file.name for file in machine.folder.glob(".venv-before-*/*")] == ["theirs"]


def test_a_python_without_venv_says_which_package_to_install(machine: Machine) -> None:
    machine.program("python3", f'case "$2" in *ensurepip*) exit 1 ;; esac; exec "{sys.executable}" "$@"')

    done = machine.run("up")

    assert done.returncode == 1
    minor = sys.version_info.minor
    assert f"its venv module is not installed; as root: apt-get install python3.{minor}-venv\n" in done.stderr
    assert not (machine.folder / ".venv").exists()


def test_a_state_folder_that_cannot_be_made_names_the_setting(installed: Machine, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    done = installed.run("up", SWITCHYARD_STATE=str(tmp_path / "file" / "state"))

    assert done.returncode == 1
    assert f"cannot write to {tmp_path}/file/state: set SWITCHYARD_STATE to a folder" in done.stderr


def test_a_step_that_fails_shows_the_end_of_its_log_and_what_to_do(machine: Machine) -> None:
    done = machine.bash('step "Fetching uv" "$MENDING" bash -c "echo no route to host; exit 7"')

    assert done.returncode == 1
    assert done.stderr.startswith("no route to host\n")
    assert 'cannot go on: "Fetching uv" failed (exit 7; ' in done.stderr
    assert "and run the same command again" in done.stderr


def says(version: str, *, optimised: bool = True, venv: bool = True) -> str:
    """What a Python answers that is asked for its version, its making, and its modules."""
    lines = {"--enable-optimizations": optimised, "ensurepip": venv}
    cases = "".join(f"*{asked}*) {':' if answer else 'exit 1'} ;; " for asked, answer in lines.items())
    return f'case "$2" in {cases} esac; echo {version}'


def test_of_several_pythons_an_optimised_one_is_taken(machine: Machine) -> None:
    machine.program("python3.13", says("3.13.1", optimised=False))
    machine.program("python3.12", says("3.12.2"))

    assert machine.bash("find_python").stdout == f"{machine.bin / 'python3.12'}\n"


def test_one_of_the_same_name_further_on_is_seen_too(machine: Machine, tmp_path: Path) -> None:
    machine.program("python3.13", says("3.13.1", optimised=False))
    system = Machine(machine.folder, tmp_path / "system")
    system.bin.mkdir()
    system.program("python3.13", says("3.13.0"))

    found = machine.bash("find_python", PATH=f"{machine.bin}:{system.bin}")

    assert found.stdout == f"{system.bin / 'python3.13'}\n"


def test_one_that_is_not_ready_to_make_environments_is_not_preferred(machine: Machine) -> None:
    machine.program("python3.13", says("3.13.1", optimised=False))
    machine.program("python3.12", says("3.12.2", venv=False))
    machine.program("python3", "exit 1")

    assert machine.bash("find_python").stdout == f"{machine.bin / 'python3.13'}\n"


def test_a_python_without_optimisations_will_do_and_the_doctor_says_so(machine: Machine) -> None:
    machine.program("python3", says("3.11.7", optimised=False))

    done = machine.run("doctor")

    assert f"warn  Python 3.11.7 ({machine.bin / 'python3'}): built without optimisations" in done.stdout
    assert "SWITCHYARD_PYTHON" in done.stdout
