"""The way with containers, before any is there: when it is taken, what is noted, and what it says instead."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.setup.conftest import ROOT, Machine

WAYS = ("compose.yaml", "compose.gpu-box.yaml", "compose.proxy-only.yaml")
ENGINE = 'case "$1 $2" in version*) echo 28.2.2 ;; "compose version") exit 0 ;; *) exit 1 ;; esac'
ENGINE_WITHOUT_PLUGIN = 'case "$1" in version) echo 20.10.24 ;; *) exit 1 ;; esac'
NEEDED = {
    "SWITCHYARD_GATE_URL": "http://gpu-pc:8078",
    "SWITCHYARD_MANAGER": "http://gpu-pc:8079",
    "SWITCHYARD_TOKEN": "shared",
}


@pytest.fixture
def machine(machine: Machine) -> Machine:
    for file in (*WAYS, "compose.services.yaml", ".env.example"):
        shutil.copy(ROOT / file, machine.folder / file)
    # What a Linux without Docker may lack is not in conftest's list.
    for name in ("grep", "tr", "uname", "stat"):
        assert (machine.bin / name).exists()
    return machine


def way(machine: Machine, **environ: str) -> str:
    done = machine.bash("way_to_run", **environ)
    return (done.stdout or done.stderr).strip()


@pytest.mark.parametrize(
    ("docker", "compose", "taken"),
    [
        (ENGINE, False, "compose"),
        (ENGINE_WITHOUT_PLUGIN, True, "compose"),
        (ENGINE_WITHOUT_PLUGIN, False, "local"),
        ("exit 1", True, "local"),
        (None, True, "local"),
    ],
)
def test_containers_want_an_engine_that_answers_and_compose(
    machine: Machine, docker: str | None, compose: bool, taken: str
) -> None:
    if docker is not None:
        machine.program("docker", docker)
    if compose:
        machine.program("docker-compose", "exit 0")

    assert way(machine) == taken


def test_an_engine_on_another_machine_is_no_reason_for_containers(machine: Machine) -> None:
    machine.program("docker", ENGINE)

    assert way(machine, DOCKER_HOST="tcp://far:2375") == "local"
    assert way(machine, DOCKER_HOST="unix:///run/docker.sock") == "compose"


def test_who_has_run_here_without_containers_stays_with_that(machine: Machine) -> None:
    machine.program("docker", ENGINE)
    (machine.folder / ".switchyard").mkdir()
    (machine.folder / ".switchyard/state.db").touch()

    assert way(machine) == "local"
    assert way(machine, SWITCHYARD_UP="compose") == "compose"


def test_the_operator_chooses_the_way_and_a_slip_is_told(machine: Machine) -> None:
    machine.program("docker", ENGINE)

    assert way(machine, SWITCHYARD_UP="local") == "local"
    assert way(machine, SWITCHYARD_UP="k8s") == "cannot use SWITCHYARD_UP=k8s: write auto, compose or local"


def test_containers_that_were_asked_for_and_cannot_be_say_why(machine: Machine) -> None:
    done = machine.run("up", SWITCHYARD_UP="compose")

    assert done.returncode == 1
    assert done.stderr.startswith("cannot start containers: Docker: not installed, and Compose is needed too")


def test_up_knows_one_word_only(machine: Machine) -> None:
    done = machine.run("up", "--now", SWITCHYARD_UP="compose")

    assert done.returncode == 1
    assert done.stderr == 'cannot do "up --now": write ./setup.sh up, or ./setup.sh up --detach\n'


def test_without_a_base_image_it_goes_on_without_containers(machine: Machine) -> None:
    machine.program("docker", ENGINE)
    machine.program("python3", "echo 3.9.2; exit 1")

    done = machine.run("up")

    assert "The images cannot be built: their base, python:3.12.12-slim-bookworm, cannot be had" in done.stdout
    assert "Going on without containers for manager and proxy" in done.stdout
    assert done.stderr.startswith("cannot install: no Python 3.11 or newer was found")


def test_without_a_base_image_and_without_a_choice_it_ends(machine: Machine) -> None:
    machine.program("docker", ENGINE)

    done = machine.run("up", SWITCHYARD_UP="compose", SWITCHYARD_BASE="no/such:1")

    assert done.returncode == 1
    assert "cannot build the images: their base, no/such:1, cannot be had" in done.stderr


def test_what_a_machine_needs_is_noted_once_and_never_changed(machine: Machine, tmp_path: Path) -> None:
    socket = tmp_path / "docker.sock"
    socket.touch()
    env = machine.folder / ".env"
    env.write_text("SWITCHYARD_UID=1234\n")
    lines = "note_this_machine; note_this_machine"

    done = machine.bash(lines, SWITCHYARD_DOCKER_SOCKET=str(socket), SWITCHYARD_GID="77")

    assert done.returncode == 0, done.stderr
    noted = f"SWITCHYARD_UID=1234\nSWITCHYARD_TORCH=cpu\nSWITCHYARD_DOCKER_GID={os.getgid()}\n"
    assert env.read_text() == noted
    assert done.stdout.count("Noted in .env: SWITCHYARD_TORCH=cpu") == 1


def test_a_gpu_that_docker_can_hand_out_is_noted(machine: Machine) -> None:
    machine.program("nvidia-smi", 'echo "NVIDIA GeForce RTX 4090, 24564 MiB"')
    machine.program("docker", 'echo \'{"nvidia":{},"runc":{}}\'')

    machine.bash("note_this_machine").check_returncode()

    noted = (machine.folder / ".env").read_text()
    assert "SWITCHYARD_TORCH=cuda\nSWITCHYARD_GPU_RUNTIME=nvidia\n" in noted
    assert (machine.folder / ".env").stat().st_mode & 0o077 == 0


def test_a_rootless_engine_has_its_socket_and_its_user_noted(machine: Machine) -> None:
    machine.program("docker", 'echo "[name=rootless]"')

    machine.bash("note_this_machine", DOCKER_HOST="unix:///run/user/1000/docker.sock").check_returncode()

    noted = (machine.folder / ".env").read_text()
    assert "SWITCHYARD_DOCKER_SOCKET=/run/user/1000/docker.sock\nSWITCHYARD_UID=0\nSWITCHYARD_GID=0\n" in noted


@pytest.mark.parametrize("line", ["SWITCHYARD_PORT=81", 'SWITCHYARD_PORT="81"', "SWITCHYARD_PORT='81'"])
def test_a_setting_is_read_as_compose_reads_it(machine: Machine, line: str) -> None:
    (machine.folder / ".env").write_text(f"{line}\n")

    assert machine.bash("unset SWITCHYARD_PORT; setting SWITCHYARD_PORT 80").stdout == "81\n"
    assert machine.bash("setting SWITCHYARD_PORT 80", SWITCHYARD_PORT="82").stdout == "82\n"
    assert machine.bash("setting SWITCHYARD_ELSE 80").stdout == "80\n"


def test_a_command_is_handed_to_the_container_that_it_is_for(machine: Machine) -> None:
    (machine.folder / ".switchyard").mkdir()
    (machine.folder / ".switchyard/compose").touch()
    calls = (
        'case "$1 $2 $3" in "compose ps -q") echo "id-$4" ;; inspect*) echo true ;; exec*) echo "$*" ;; esac'
    )
    machine.program("docker", calls)

    assert machine.run("load", "qwen3", "--json").stdout == "exec -i id-manager switchyard load qwen3 --json\n"
    assert machine.run("keys", "list").stdout == "exec -i id-proxy switchyard-proxy keys list\n"


def test_a_container_that_does_not_run_is_told(machine: Machine) -> None:
    machine.program("docker", ENGINE)

    done = machine.run("status", SWITCHYARD_UP="compose")

    assert done.returncode == 1
    assert 'cannot do "status": no container of the manager runs here; ./setup.sh up starts it' in done.stderr


def named(pattern: str, *files: str) -> set[str]:
    return {name for file in files for name in re.findall(pattern, (ROOT / file).read_text(), re.MULTILINE)}


def test_every_variable_of_the_compose_files_is_explained_and_no_other() -> None:
    used = named(r"\$\{(\w+)", *WAYS, "compose.services.yaml")
    explained = named(r"^#?(\w+)=", ".env.example")

    # Compose's own.
    assert explained == used | {"COMPOSE_FILE", "COMPOSE_PROJECT_NAME"}


def test_what_env_example_shows_is_what_holds_without_it() -> None:
    defaults = dict(
        found
        for file in (*WAYS, "compose.services.yaml")
        for found in re.findall(r"\$\{(\w+):-([^}]*)\}", (ROOT / file).read_text())
    )
    shown = dict(re.findall(r"^#(\w+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    examples = {"SWITCHYARD_MODELS", "SWITCHYARD_MANAGER", "SWITCHYARD_GATE_URL"}

    assert {name: value for name, value in defaults.items() if name not in examples} == {
        name: shown[name] for name in defaults if name not in examples
    }


def test_dockerfiles_and_compose_build_on_the_same_base() -> None:
    files = ("compose.services.yaml", "manager/Dockerfile", "proxy/Dockerfile")

    assert len(named(r"BASE(?::-|=)(python:[\w.-]+)", *files)) == 1


def commands_of_compose() -> list[Any]:
    plugin = shutil.which("docker") and subprocess.run(
        ("docker", "compose", "version"), capture_output=True, timeout=30, check=False
    )
    found = [pytest.param(("docker", "compose"), id="v2")] if plugin and plugin.returncode == 0 else []
    if shutil.which("docker-compose"):
        found.append(pytest.param(("docker-compose",), id="v1"))
    return found


@pytest.mark.parametrize("compose", commands_of_compose())
@pytest.mark.parametrize("file", WAYS)
def test_each_way_is_read_by_the_compose_that_is_here(compose: tuple[str, ...], file: str) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")} | NEEDED

    done = subprocess.run(
        (*compose, "--file", ROOT / file, "config", "--services"),
        env=environ,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    services = {
        "compose.yaml": {"manager", "proxy", "demo"},
        "compose.gpu-box.yaml": {"manager", "gate", "demo"},
        "compose.proxy-only.yaml": {"proxy"},
    }
    assert set(done.stdout.split()) == services[file], done.stderr


@pytest.mark.parametrize("compose", commands_of_compose())
@pytest.mark.parametrize(
    ("file", "missing"),
    [
        ("compose.gpu-box.yaml", "SWITCHYARD_GATE_URL"),
        ("compose.proxy-only.yaml", "SWITCHYARD_MANAGER"),
        ("compose.proxy-only.yaml", "SWITCHYARD_TOKEN"),
    ],
)
def test_a_way_that_lacks_a_setting_names_it(compose: tuple[str, ...], file: str, missing: str) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")} | NEEDED
    del environ[missing]

    done = subprocess.run(
        (*compose, "--file", ROOT / file, "config"),
        env=environ,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert done.returncode != 0
    assert "set it in .env to" in done.stderr


def test_a_signal_to_up_in_a_terminal_ends_the_containers_and_then_itself(machine: Machine) -> None:
    stand_ins = 'compose() { sleep 3; }; down_in_compose() { step Ending "-" sleep 1; echo ended; }; '

    done = machine.bash(stand_ins + "(sleep 0.5; kill -TERM $$) & stay_with_containers")

    assert done.stdout == "ended\n"
    assert done.returncode == 128 + 15
