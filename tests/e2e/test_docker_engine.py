"""The Docker Engine that the tests get is a real one: it runs, labels, lists, kills and forgets a container.

Needs no registry: the image is an empty one, and the programs in it are this machine's own, read-only.
"""

import contextlib
import shutil
import socket
import subprocess
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

LABEL = "switchyard.test"
HOST_FOLDERS = ("/usr", "/bin", "/lib", "/lib64")


def docker(*arguments: str | Path, stdin: bytes = b"") -> str:
    done = subprocess.run(["docker", *arguments], input=stdin, capture_output=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


@pytest.fixture(scope="module", autouse=True)
def engine() -> None:
    if shutil.which("docker") is None:
        pytest.skip("Docker is not installed")
    asked = subprocess.run(["docker", "version"], capture_output=True, text=True, timeout=30, check=False)
    if asked.returncode != 0:
        pytest.skip(f"no Docker Engine answers: {asked.stderr.strip()}")


@pytest.fixture(scope="module")
def empty_image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    archive = shutil.make_archive(
        str(tmp_path_factory.mktemp("empty") / "root"), "tar", tmp_path_factory.mktemp("root")
    )
    name = f"switchyard-test-{uuid.uuid4().hex[:12]}:empty"
    docker("import", archive, name)
    yield name
    docker("image", "rm", "--force", name)


@pytest.fixture
def run_id() -> Iterator[str]:
    """Every container that carries it is gone afterwards."""
    run = uuid.uuid4().hex
    yield run
    for container in labelled(run):
        docker("rm", "--force", container)


def labelled(run: str) -> list[str]:
    return docker("ps", "--all", "--quiet", "--filter", f"label={LABEL}={run}").split()


def start(image: str, run: str, *options: str, script: str) -> str:
    mounts = [f"--volume={folder}:{folder}:ro" for folder in HOST_FOLDERS if Path(folder).exists()]
    return docker("run", f"--label={LABEL}={run}", *mounts, *options, image, "/bin/sh", "-c", script)


def test_a_container_runs_and_is_heard(empty_image: str, run_id: str) -> None:
    said = start(empty_image, run_id, script="echo I am process $$")

    assert said == "I am process 1"


def test_a_container_is_found_by_its_label_killed_and_removed(empty_image: str, run_id: str) -> None:
    container = start(empty_image, run_id, "--detach", script="exec sleep 600")

    found = labelled(run_id)
    running = docker("inspect", "--format", "{{.State.Running}}", container)
    docker("kill", container)
    code = docker("wait", container)
    docker("rm", container)

    assert [container.startswith(name) for name in found] == [True]
    assert running == "true"
    assert code == "137"
    assert labelled(run_id) == []


def test_a_port_of_a_container_is_reached_on_loopback(empty_image: str, run_id: str) -> None:
    container = start(
        empty_image, run_id, "--detach", "--publish=127.0.0.1::8000", script=f"exec perl -e '{SERVES}'"
    )
    host, port = docker("port", container, "8000/tcp").split(":")

    heard = first_words((host, int(port)))

    assert heard == b"hello"


# Again and again: the port is open before the program behind it listens.
SERVES = """
use IO::Socket::INET;
my $listens = IO::Socket::INET->new(LocalPort => 8000, Listen => 5) or die;
while (my $client = $listens->accept) { print $client "hello"; close $client; }
"""


def first_words(address: tuple[str, int]) -> bytes:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(address, timeout=5) as connection:
            heard = connection.recv(100)
            if heard:
                return heard
        threading.Event().wait(0.1)
    return b""
