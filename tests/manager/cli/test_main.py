"""The table of commands: what holds for every one of them."""

import re
import subprocess
from pathlib import Path

import pytest

from switchyard_contracts import __version__
from switchyard_manager.cli.main import COMMANDS
from tests.manager.cli.conftest import Machine, Served

ROOT = Path(__file__).parents[3]
NAMES = [command.__name__ for command in COMMANDS]
WITHOUT_JSON = {"up", "down"}


@pytest.mark.parametrize("name", NAMES)
def test_every_command_explains_itself(machine: Machine, name: str) -> None:
    done = machine.run(name, "--help")

    assert done.code == 0
    assert ("--json" in done.out) is (name not in WITHOUT_JSON)
    for option in re.findall(r"^  (-\S.*)$", done.out, re.MULTILINE):
        assert len(option.split("  ", 1)) == 2, f"{name}: {option} has no help"


def test_help_lists_them_all(machine: Machine) -> None:
    listed = re.findall(r"^  ([a-z]+)  ", machine.run("--help").out, re.MULTILINE)

    assert listed == NAMES


def test_setup_sh_passes_on_every_command_that_is_not_its_own() -> None:
    script = (ROOT / "setup.sh").read_text()
    passed = re.findall(r"^    ([a-z |]+)\) ask \"\$command\"", script, re.MULTILINE)
    own = re.findall(r"^    ([a-z]+)(?: \|[^)]*)?\) (?!ask)", script, re.MULTILINE)

    handed = {name for line in passed for name in line.split(" | ")}
    assert handed | {name for name in own if name in NAMES} == set(NAMES)


def test_the_version_is_the_same_in_both_forms(machine: Machine) -> None:
    assert machine.run("version").out == f"{__version__}\n"
    assert machine.run("version", "--json").json == {"version": __version__}


IN_JSON = """
status; load chat; load chat --no-wait; switch chat; unload chat; pin chat; unpin chat; cancel chat;
explain chat; logs chat; events; history; validate; doctor; version; sleep chat; wake chat;
load broken; load nobody; add; remove nobody --yes;
pull chat; models
"""


def test_with_json_standard_output_is_json_whatever_comes_of_it(served: Served) -> None:
    commands = [command.split() for command in IN_JSON.split(";")]
    assert {command[0] for command in commands} == set(NAMES) - WITHOUT_JSON

    for command in commands:
        done = served.run(*command, "--json")

        assert done.json is not None, command
        assert done.err == "", command


def test_a_reader_that_leaves_is_no_error(served: Served) -> None:
    served.run("load", "chat")
    command = served.start("events", "-n", "1000", stderr=subprocess.PIPE)
    assert command.stdout is not None
    assert command.stderr is not None
    command.stdout.close()

    errors = command.stderr.read()

    assert command.wait(30) in {0, 1}
    assert "Traceback" not in errors
    assert "BrokenPipe" not in errors


def test_a_bad_setting_is_a_sentence(machine: Machine) -> None:
    machine.env["SWITCHYARD_MANAGER_PORT"] = "many"

    done = machine.run("status")

    assert done.err == "cannot use SWITCHYARD_MANAGER_PORT=many: a port is a number from 0 to 65535\n"
