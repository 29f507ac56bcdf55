"""Images for the tests, where none can be fetched: a small Debian with Python, and what is built on it.

Debian's packages are fetched once and kept under `.switchyard`, which git does not see; the images themselves
are made in each session and leave with it. Sessions side by side build on the same Debian, so that what one of
them has built Docker need not build for another. What is built reaches package registries as this machine does.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".switchyard" / "test-images"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
SUITE = "bookworm"
PACKAGES = "python3,python3-venv,ca-certificates"
DEBIAN = f"switchyard-test-debian:{hashlib.sha256(f'{SUITE} {PACKAGES}'.encode()).hexdigest()[:12]}"


def succeed(*command: str | Path, within_s: float = 600, cwd: Path | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=within_s, check=False, cwd=cwd)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def ways_to_packages() -> list[Path]:
    """Files and folders of this machine by which pip finds packages: its settings, and wheels at hand."""
    settings = [Path("/etc/pip.conf"), Path.home() / ".config/pip/pip.conf"]
    command = (sys.executable, "-m", "pip", "config", "get", "global.find-links")
    asked = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    links = [*asked.stdout.split(), *os.environ.get("PIP_FIND_LINKS", "").split()]
    return [path for path in (*settings, *map(Path, links)) if path.is_absolute() and path.exists()]


@contextlib.contextmanager
def locked(name: str, how: int) -> Iterator[None]:
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / name).open("w") as lock:
        fcntl.flock(lock, how)
        yield


def one_at_a_time() -> contextlib.AbstractContextManager[None]:
    return locked("lock", fcntl.LOCK_EX)


def building() -> contextlib.AbstractContextManager[None]:
    """Any number at once. What a build goes on from bears no name yet, and would go with another's image."""
    return locked("building", fcntl.LOCK_SH)


def remove(*images: str) -> None:
    """Once nobody builds."""
    with locked("building", fcntl.LOCK_EX):
        succeed("docker", "image", "rm", "--force", *images)


def have_debian(scratch: Path) -> None:
    """An image of a Debian that has what our Dockerfiles ask of their base."""
    archive = KEPT / f"{DEBIAN.replace(':', '-')}.tar"
    if not archive.exists():
        root = scratch / "debian"
        succeed("debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, root)
        made = Path(shutil.make_archive(str(KEPT / "making"), "tar", root))
        shutil.rmtree(root)
        made.replace(archive)
    if not succeed("docker", "image", "ls", "--quiet", DEBIAN):
        succeed("docker", "import", archive, DEBIAN)


@pytest.fixture(scope="session")
def base_image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """For `--build-arg BASE=`."""
    if shutil.which("debootstrap") is None or os.geteuid() != 0:
        pytest.skip("an image to build on needs debootstrap, and root")
    if subprocess.run(("docker", "version"), capture_output=True, timeout=30, check=False).returncode != 0:
        pytest.skip("no Docker Engine answers")
    name = f"switchyard-test-{uuid.uuid4().hex[:12]}"
    scratch = tmp_path_factory.mktemp("base")
    for path in (CERTIFICATES, *ways_to_packages()):
        inside = scratch / "brought" / ("etc/pip.conf" if path.name == "pip.conf" else path.relative_to("/"))
        inside.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(path, inside, dirs_exist_ok=True) if path.is_dir() else shutil.copy(path, inside)
    (scratch / "Dockerfile").write_text(
        f"FROM {DEBIAN}\nCOPY brought /\nENV SSL_CERT_FILE={CERTIFICATES} PIP_CERT={CERTIFICATES}\n"
    )
    with one_at_a_time(), building():
        have_debian(scratch)
        succeed("docker", "build", "--tag", f"{name}:base", scratch)
    shutil.rmtree(scratch / "brought")
    yield f"{name}:base"
    with one_at_a_time():
        remove(f"{name}:base")
        # Its name may have gone with another session; what that one has built on it stays.
        subprocess.run(("docker", "image", "rm", DEBIAN), capture_output=True, timeout=60, check=False)


@pytest.fixture(scope="session")
def image_server_image(base_image: str) -> Iterator[str]:
    """As its user builds it, for CPUs."""
    name = f"{base_image.partition(':')[0]}:image-server"
    with building():
        succeed(
            *("docker", "build", "--network", "host", "--file", ROOT / "image-server/Dockerfile"),
            *("--build-arg", f"BASE={base_image}", "--build-arg", "TORCH=cpu", "--tag", name, ROOT),
        )
    yield name
    remove(name)
