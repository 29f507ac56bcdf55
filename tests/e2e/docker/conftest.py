"""What the tests against a real Docker Engine share: an image that needs no registry, and what runs in it.

The image is empty: the programs in it are this machine's own, read-only.
"""

import asyncio
import contextlib
import shutil
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from switchyard_manager.runtimes import AnySpec, Bind, ContainerSpec
from switchyard_manager.runtimes.docker import DockerRuntime, Site
from switchyard_manager.runtimes.log_files import LogFiles
from tests.manager.runtimes.benches import PROGRAM, all_gone, process_spec, serves
from tests.manager.runtimes.contract import SERVES, Acts

# Each once: Debian's own Python has its prefix in /usr.
HOST_FOLDERS = tuple(dict.fromkeys(("/usr", "/bin", "/lib", "/lib64", sys.base_prefix)))
REMOVED_WITHIN_S = 20.0
PYTHON = str(Path(sys.base_prefix, "bin", "python3"))


def docker(*arguments: str | Path, host: str = "") -> str:
    where = ["--host", host] if host else []
    done = subprocess.run(["docker", *where, *arguments], capture_output=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


@pytest.fixture(scope="session")
def _engine_answers() -> None:
    if shutil.which("docker") is None:
        pytest.skip("Docker is not installed")
    asked = subprocess.run(["docker", "version"], capture_output=True, text=True, timeout=30, check=False)
    if asked.returncode != 0:
        pytest.skip(f"no Docker Engine answers: {asked.stderr.strip()}")


@pytest.fixture(autouse=True)
def engine(_engine_answers: None) -> None:
    pass


@pytest.fixture(scope="session")
def empty_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("root")
    return Path(shutil.make_archive(str(tmp_path_factory.mktemp("empty") / "root"), "tar", folder))


@pytest.fixture(scope="session")
def image(_engine_answers: None, empty_archive: Path) -> Iterator[str]:
    name = f"switchyard-test-{uuid.uuid4().hex[:12]}:empty"
    docker("import", empty_archive, name)
    yield name
    docker("image", "rm", "--force", name)


class DockerBench:
    def __init__(self, logs: LogFiles, installation: str, image: str, host: str = "") -> None:
        self.logs = logs
        self.installation = installation
        self.image = image
        self.host = host
        self.runtimes: list[DockerRuntime] = []
        self.runtime = self.another_runtime()

    def another_runtime(self, site: Site | None = None) -> DockerRuntime:
        """As a manager that starts anew has it."""
        self.runtimes.append(DockerRuntime(self.logs, self.installation, host=self.host or None, site=site))
        return self.runtimes[-1]

    async def clean_up(self) -> None:
        """Nothing of it is left, neither threads nor containers."""
        for runtime in self.runtimes:
            await runtime.close()
        for container in await self.ours():
            await self.docker("rm", "--force", container)
        label = f"label=switchyard.installation={self.installation}"
        for network in (await self.docker("network", "ls", "--quiet", "--filter", label)).split():
            await self.docker("network", "rm", network)

    async def spec(
        self, acts: Acts = SERVES, *, instance: str = "one-1", model: str = "one", **more: Any
    ) -> AnySpec:
        return self.container_spec(acts, instance=instance, model=model, **more)

    def container_spec(
        self, acts: Acts = SERVES, *, instance: str = "one-1", model: str = "one", **more: Any
    ) -> ContainerSpec:
        folders = [folder for folder in HOST_FOLDERS if Path(folder).exists()]
        said: dict[str, Any] = {
            "image": self.image,
            "entrypoint": (PYTHON, str(PROGRAM)),
            "command": ("--host", "0.0.0.0", "--port", "8000", *acts.flags()),
            "port": 8000,
            "binds": tuple(Bind(folder, folder) for folder in (*folders, str(PROGRAM))),
        }
        return ContainerSpec(instance=instance, model=model, **(said | more))

    def foreign_spec(self) -> AnySpec:
        return process_spec(("true",))

    async def answers(self, endpoint: str) -> bool:
        return await serves(endpoint)

    async def kill(self, instance: str) -> None:
        await self.docker("kill", self.name(instance))

    async def gone(self, pids: frozenset[int]) -> bool:
        return await all_gone(pids)

    def name(self, instance: str = "one-1") -> str:
        return f"switchyard-{self.installation[:8]}-{instance}"

    async def docker(self, *arguments: str | Path) -> str:
        return await asyncio.to_thread(lambda: docker(*arguments, host=self.host))

    async def are_all_removed(self) -> bool:
        """An end is told before what ended is removed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REMOVED_WITHIN_S):
                while await self.ours():
                    await asyncio.sleep(0.05)
        return not await self.ours()

    async def ours(self) -> list[str]:
        """The containers of this installation, in whatever state."""
        label = f"label=switchyard.installation={self.installation}"
        return (await self.docker("ps", "--all", "--format", "{{.Names}}", "--filter", label)).split()


@pytest.fixture
async def benches(tmp_path: Path, image: str) -> AsyncIterator[Callable[[], DockerBench]]:
    """Each call gives the bench of another installation. Nothing of any is left afterwards."""
    made: list[DockerBench] = []

    def make() -> DockerBench:
        logs = LogFiles(tmp_path / f"logs-{len(made)}")
        made.append(DockerBench(logs, uuid.uuid4().hex, image))
        return made[-1]

    yield make
    for bench in made:
        await bench.clean_up()


@pytest.fixture
def bench(benches: Callable[[], DockerBench]) -> DockerBench:
    return benches()
