"""setup.sh before anything is installed: what it says, and that each refusal says what to do."""

import fcntl
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.setup.conftest import ROOT, Machine

LITTLE_DISK = 'echo "Filesystem 1024-blocks Used Available Capacity Mounted"; echo "/dev/x 9 9 102400 99% /"'


@pytest.mark.parametrize("asked", [["help"], ["--help"], []])
def test_help_names_every_command(machine: Machine, asked: list[str]) -> None:
    done = machine.run(*asked)

    assert done.returncode == 0
    for command in ("up", "down", "status", "doctor", "check", "test", "version", "help"):
        assert f"./setup.sh {command}" in done.stdout


def test_an_unknown_command_is_named_and_answered_with_help(machine: Machine) -> None:
    done = machine.run("frobnicate")

    assert done.returncode == 2
    assert done.stderr.startswith('cannot do "frobnicate": there is no such command\n')
    assert "./setup.sh up" in done.stderr


def test_works_from_anywhere_and_through_a_link(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "switchyard"
    link.symlink_to(Path("..") / machine.folder.name / "setup.sh")

    done = machine.run("version", command=link)

    assert (
        done.stdout.strip() == re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.M)[1]
    )  # type: ignore[index]


def test_the_doctor_needs_nothing_installed(machine: Machine) -> None:
    done = machine.run("doctor")

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"ok    Python 3\.\d+", done.stdout)
    assert "warn  Docker: not installed" in done.stdout
    assert "warn  NVIDIA: no driver works" in done.stdout
    assert "warn  git: not found" in done.stdout
    assert "warn  not installed yet\n        ./setup.sh up installs it" in done.stdout
    assert "Runtime: process" in done.stdout


def test_the_doctor_lists_gpus_and_the_engine(machine: Machine) -> None:
    machine.program(
        "nvidia-smi", 'echo "NVIDIA GeForce RTX 4090, 24564 MiB"; echo "NVIDIA GeForce RTX 3060, 12288 MiB"'
    )
    machine.program(
        "docker", 'case "$1" in version) echo 28.2.2 ;; info) echo \'{"nvidia":{},"runc":{}}\' ;; esac'
    )

    done = machine.run("doctor")

    assert (
        "ok    NVIDIA: NVIDIA GeForce RTX 4090, 24564 MiB\n  ok    NVIDIA: NVIDIA GeForce RTX 3060"
        in done.stdout
    )
    assert "ok    NVIDIA container toolkit: found" in done.stdout
    assert "ok    Docker: engine 28.2.2 answers" in done.stdout


def test_the_doctor_tells_a_user_who_may_not_use_docker_how_to(machine: Machine) -> None:
    machine.program("docker", 'echo "permission denied while trying to connect to the docker API" >&2; exit 1')

    done = machine.run("doctor")

    assert "warn  Docker: this user may not use the engine" in done.stdout
    assert "sudo usermod -aG docker" in done.stdout


def test_the_doctor_fails_on_a_taken_port_and_names_the_setting(machine: Machine) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        done = machine.run("doctor", SWITCHYARD_PORT=str(port))

    assert done.returncode == 1
    assert f"fail  port {port} (for clients): taken" in done.stdout
    assert "choose another with SWITCHYARD_PORT" in done.stdout


@pytest.mark.parametrize(("code", "ends"), [("0", 0), ("1", 1)])
def test_the_doctor_asks_what_is_installed_too(machine: Machine, code: str, ends: int) -> None:
    installed = machine.folder / ".venv/bin/switchyard"
    installed.parent.mkdir(parents=True)
    installed.write_text(f'#!/bin/sh\necho "asked: $*"; exit {code}\n')
    installed.chmod(0o755)
    is_installed = "is_prepared() { :; }; environment_for_the_launcher() { :; }; version() { :; }; "

    done = machine.bash(is_installed + "doctor")

    assert "asked: doctor" in done.stdout
    assert done.returncode == ends


@pytest.mark.parametrize("command", ["load", "logs", "explain", "add"])
def test_a_command_of_what_is_to_be_installed_says_how_to_start(machine: Machine, command: str) -> None:
    done = machine.run(command, "qwen3")

    assert done.returncode == 1
    assert f'cannot do "{command}": nothing is installed here yet' in done.stderr


def test_without_a_new_enough_python_it_says_what_to_install(machine: Machine) -> None:
    machine.program("python3", "echo 3.9.2; exit 1")

    done = machine.run("up")

    assert done.returncode == 1
    assert done.stderr.startswith("cannot install: no Python 3.11 or newer was found: ")
    assert not (machine.folder / ".venv").exists()


def test_a_python_that_was_asked_for_and_does_not_do_is_named(machine: Machine) -> None:
    done = machine.run("up", SWITCHYARD_PYTHON="/no/such/python")

    assert done.returncode == 1
    assert "SWITCHYARD_PYTHON=/no/such/python is no Python 3.11 or newer" in done.stderr


def test_refuses_a_full_disk_with_the_numbers_before_anything_is_made(machine: Machine) -> None:
    machine.program("df", LITTLE_DISK)

    done = machine.run("up")

    assert done.returncode == 1
    assert f"cannot install: {machine.folder} has 100 MB free and needs 5120 MB; make room" in done.stderr
    assert not (machine.folder / ".venv").exists()


def test_nothing_installed_is_nothing_to_stop(machine: Machine) -> None:
    done = machine.run("down")

    assert (done.returncode, done.stdout) == (0, "Nothing is installed here, so there is nothing to stop.\n")


def test_the_status_of_what_is_not_installed_says_how_to_start(machine: Machine) -> None:
    done = machine.run("status")

    assert done.returncode == 1
    assert done.stderr == 'cannot do "status": nothing is installed here yet; start with ./setup.sh up\n'


def test_two_setups_at_once_take_turns(machine: Machine) -> None:
    machine.program("df", LITTLE_DISK)
    folder = os.open(machine.folder, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    second = subprocess.Popen(
        [machine.setup, "up"], env=machine.environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert second.stdout is not None

    waits = second.stdout.readline()
    has_ended = second.poll()
    os.close(folder)
    _, then = second.communicate(timeout=30)

    assert waits == "Another setup is at work in this folder: waiting until it is done\n"
    assert has_ended is None
    assert "cannot install" in then


@pytest.mark.parametrize(
    "newer",
    [
        r"declare -A",
        r"\bmapfile\b",
        r"\breadarray\b",
        r"\$\{\w+(,,|\^\^|@)",
        r"wait -n",
        r"&>>",
        r"\|&",
        r"\[\[ -v",
    ],
)
def test_speaks_the_bash_that_macos_has(newer: str) -> None:
    for script in (ROOT / "setup.sh", *(ROOT / "setup").glob("*.sh")):
        assert not re.search(newer, script.read_text()), script
