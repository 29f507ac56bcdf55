"""`switchyard doctor`: what it finds, on machines of all kinds."""

import json
import socket
from pathlib import Path

import pytest

from switchyard_contracts.catalog import Engine, ModelType
from switchyard_contracts.errors import ErrorCode, Reason
from switchyard_contracts.status import Failure, ManagerStatus, ModelStatus
from switchyard_manager.cli import findings, machine_checks
from switchyard_manager.cli.asking import Failed
from switchyard_manager.cli.findings import Finding, Level
from switchyard_manager.cli.machine_checks import Instruments, look
from switchyard_manager.gpu import GpuReading, Reading
from switchyard_manager.runtimes.docker.facts import DockerFacts
from tests.manager.cli.conftest import Machine, Served

CARD = GpuReading("GPU-1", "NVIDIA GeForce RTX 4090", 24_564, 300)
DOCKER = DockerFacts(answers=True, version="28.2.2", nvidia_runtime=True)
NO_DOCKER = DockerFacts(answers=False, problem="cannot reach Docker: no such socket")
UP = ManagerStatus(manager="m", version="0.1.0", runtime="process")


def away() -> ManagerStatus:
    raise Failed.because(ErrorCode.MANAGER_UNAVAILABLE, "cannot reach the manager")


def looked(
    machine: Machine,
    docker: DockerFacts = DOCKER,
    gpus: Reading | None = None,
    manager: ManagerStatus | None = UP,
) -> dict[str, Finding]:
    by = Instruments(
        docker=lambda: docker,
        gpus=lambda: gpus if gpus is not None else Reading((CARD,)),
        manager=away if manager is None else lambda: manager,
    )
    return {finding.what.partition(":")[0]: finding for finding in look(machine.settings(), by)}


def test_a_machine_that_has_everything_has_nothing_to_mend(machine: Machine) -> None:
    found = looked(machine)

    assert {finding.level for finding in found.values()} <= {Level.OK, Level.WARN}
    assert str(found["GPU 0"]) == "  ok    GPU 0: NVIDIA GeForce RTX 4090, 24564 MiB, 300 in use (GPU-1)"
    assert found["Docker"].what == "Docker: containers can have GPUs (the nvidia runtime)"
    assert found["manager"].what == "manager: 0.1.0 answers; engines run as: process; 0 models"
    assert "is valid, 3 models" in found["catalog"].what


def test_without_docker_what_wants_a_container_is_named(machine: Machine) -> None:
    machine.env["SWITCHYARD_RUNTIME"] = "docker"

    docker = looked(machine, docker=NO_DOCKER)["Docker"]

    assert docker.level is Level.FAIL
    assert docker.remedy.startswith("chat, slow, broken cannot run without it; start it")


def test_without_docker_and_nothing_that_wants_it_all_is_well(machine: Machine) -> None:
    assert looked(machine, docker=NO_DOCKER)["Docker"].level is Level.WARN


@pytest.mark.parametrize(("runtime", "level"), [("docker", Level.FAIL), ("process", Level.WARN)])
def test_gpus_that_containers_cannot_have_are_told_with_the_remedy(
    machine: Machine, runtime: str, level: Level
) -> None:
    machine.env["SWITCHYARD_RUNTIME"] = runtime
    bare = DockerFacts(answers=True, version="28.2.2")

    docker = looked(machine, docker=bare)["Docker"]

    assert (docker.level, docker.what) == (level, "Docker: containers cannot have GPUs")
    assert "nvidia-container-toolkit" in docker.remedy
    assert looked(machine, docker=bare, gpus=Reading())["Docker"].what == "Docker: engine 28.2.2 answers"


@pytest.mark.parametrize(
    ("version", "level"), [("19.03.1", Level.WARN), ("20.10.24+dfsg1", Level.OK), ("master-x", Level.OK)]
)
def test_an_old_docker_is_told(version: str, level: Level) -> None:
    facts = DockerFacts(answers=True, version=version)

    (finding,) = findings.of_docker(facts, [], has_gpus=False)

    assert finding.level is level


def test_a_driver_that_does_not_work_is_told_with_its_remedy(machine: Machine) -> None:
    reading = Reading(fault="cannot ask NVML: Driver/library version mismatch: reboot this machine")

    driver = looked(machine, gpus=reading)["NVIDIA driver"]

    assert driver == Finding(
        Level.FAIL, "NVIDIA driver: cannot ask NVML: Driver/library version mismatch", "reboot this machine"
    )


def test_no_gpu_at_all_is_no_failure(machine: Machine) -> None:
    assert looked(machine, gpus=Reading())["NVIDIA"].level is Level.WARN


@pytest.mark.parametrize(
    ("free_mib", "level"), [(None, Level.WARN), (100, Level.FAIL), (5_000, Level.WARN), (500_000, Level.OK)]
)
def test_a_disk_is_judged_by_what_is_free(free_mib: int | None, level: Level) -> None:
    assert findings.of_disk("x", "/x", free_mib).level is level


def test_the_disk_is_the_one_that_the_folder_will_be_on(tmp_path: Path) -> None:
    free = machine_checks._free_mib(tmp_path / "not" / "yet" / "there")

    assert free is not None


def test_a_catalog_with_faults_is_a_failure_and_a_missing_one_too(machine: Machine) -> None:
    machine.catalog.write_text('{"models": {"m": {"type": "text", "vram_mb": 1}}}')
    faulty = looked(machine)["catalog"]
    machine.catalog.unlink()
    missing = looked(machine)["catalog"]

    assert faulty.level is missing.level is Level.FAIL
    assert "did you mean 'vram_mib'" in faulty.what
    assert "No such file" in missing.what


def test_a_taken_port_is_a_failure_unless_it_is_ours(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        machine.env["SWITCHYARD_MANAGER_PORT"] = str(port)

        strange = looked(machine, manager=None)[f"port {port} (for the manager)"]
        ours = looked(machine)[f"port {port} (for the manager)"]

    assert strange == Finding(
        Level.FAIL,
        f"port {port} (for the manager): taken",
        "end what listens there, or choose another with SWITCHYARD_MANAGER_PORT",
    )
    assert ours.what.endswith("Switchyard itself")


def test_in_a_container_nothing_is_said_of_a_port_that_another_container_has(machine: Machine) -> None:
    before = looked(machine)
    machine.env["SWITCHYARD_ENGINE_NETWORK"] = "engines"

    told = before.keys() - looked(machine).keys()

    assert [name.partition(" (")[2] for name in told] == ["for clients)"]


def test_a_manager_that_does_not_run_is_no_failure_of_the_machine(machine: Machine) -> None:
    assert looked(machine, manager=None)["manager"].level is Level.WARN


def test_the_managers_own_troubles_and_its_failed_models_are_told() -> None:
    failure = Failure(reason=Reason.GATED_REPO, message="cannot run m: gated", advice="accept it")
    model = ModelStatus(name="m", type=ModelType.TEXT, engine=Engine.VLLM, failure=failure)
    status = UP.model_copy(update={"trouble": ("the disk is full",), "models": (model,), "version": "0.0.9"})

    old, trouble, failed = findings.of_manager(status, "0.1.0")

    assert (old.level, trouble.level, failed.level) == (Level.WARN, Level.FAIL, Level.WARN)
    assert "restart it" in old.remedy
    assert trouble.what == "manager: the disk is full"
    assert str(failed) == "  warn  m: cannot run m: gated\n        accept it"


def test_the_command_looks_at_this_very_machine_and_ends_by_what_it_finds(served: Served) -> None:
    served.env["SWITCHYARD_MANAGER_HOST"] = "127.0.0.1"

    done = served.run("doctor")
    said = served.run("doctor", "--json").json

    levels = {finding["level"] for finding in said["findings"]}
    assert done.code == (1 if "fail" in levels else 0)
    assert said["ok"] is ("fail" not in levels)
    assert any(finding["what"].startswith("manager: ") for finding in said["findings"])
    assert "Switchyard itself" in done.out


def test_a_fail_is_exit_code_1_in_text_and_in_json(machine: Machine) -> None:
    machine.catalog.write_text("{")

    done = machine.run("doctor")

    assert done.code == 1
    assert "  fail  catalog: " in done.out
    assert 'mend what is marked "fail"' in done.err
    assert json.loads(machine.run("doctor", "--json").out)["ok"] is False
