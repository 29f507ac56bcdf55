"""A manager in a container: engines that publish nothing, and folders that the Engine knows by other names.

The manager's own container is a real one, with the mounts and networks of a manager; the runtime is told which.
"""

import asyncio
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from switchyard_contracts.errors import Reason
from switchyard_manager.errors import EngineFailed
from switchyard_manager.runtimes import Bind, ContainerSpec, ExistingSpec
from switchyard_manager.runtimes.docker import DockerRuntime, Site
from switchyard_manager.runtimes.docker.own_container import candidates
from tests.e2e.docker.conftest import HOST_FOLDERS, PYTHON, DockerBench, docker
from tests.manager.runtimes.benches import PROGRAM
from tests.manager.runtimes.contract import Heard

SLEEPS = (PYTHON, "-c", "import time; time.sleep(600)")
LOOKS = (
    "import sys, urllib.request as u;"
    "print(u.build_opener(u.ProxyHandler({})).open(sys.argv[1], timeout=20).status)"
)


def programs() -> list[str]:
    folders = [folder for folder in HOST_FOLDERS if Path(folder).exists()]
    return [f"--volume={folder}:{folder}:ro" for folder in (*folders, str(PROGRAM))]


class Manager:
    """A container that is as a manager's would be."""

    def __init__(self, image: str, folder: Path) -> None:
        mark = uuid.uuid4().hex[:12]
        self.name, self.network, self.volume = f"sw-manager-{mark}", f"sw-engines-{mark}", f"sw-models-{mark}"
        self.folder = folder
        docker("network", "create", self.network)
        docker("volume", "create", self.volume)
        mounts = [f"--volume={folder}:/models:ro", f"--volume={self.volume}:/cache"]
        docker(
            *("run", "--detach", "--init", f"--name={self.name}", f"--network={self.network}", *mounts),
            *(*programs(), image, *SLEEPS),
        )

    @property
    def site(self) -> Site:
        return Site(self.network, self.name)

    def inside(self, *command: str) -> str:
        return docker("exec", self.name, *command)

    async def sees(self, url: str) -> str:
        """Asked until it serves: containers start before their programs do."""
        async with asyncio.timeout(30):
            while True:
                try:
                    return await asyncio.to_thread(self.inside, PYTHON, "-c", LOOKS, url)
                except AssertionError:
                    await asyncio.sleep(0.1)

    def end(self) -> None:
        docker("rm", "--force", self.name)
        docker("volume", "rm", "--force", self.volume)
        docker("network", "rm", self.network)


@pytest.fixture(scope="module")
def manager(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    folder = tmp_path_factory.mktemp("models")
    (folder / "qwen").mkdir()
    (folder / "qwen" / "config.json").write_text("weights of the machine")
    made = Manager(image, folder)
    program = "import os; os.makedirs('/cache/hub/qwen'); open('/cache/hub/qwen/w', 'w').write('of the volume')"
    made.inside(PYTHON, "-c", program)
    yield made
    made.end()


@pytest.fixture
def runtime(bench: DockerBench, manager: Manager) -> DockerRuntime:
    return bench.another_runtime(manager.site)


async def inspected(bench: DockerBench, name: str) -> dict[str, Any]:
    told: list[dict[str, Any]] = json.loads(await bench.docker("inspect", name))
    return told[0]


async def test_an_engine_joins_the_network_and_publishes_nothing(
    bench: DockerBench, runtime: DockerRuntime, manager: Manager
) -> None:
    endpoint = await runtime.start(bench.container_spec(), Heard())

    made = await inspected(bench, bench.name())
    address = made["NetworkSettings"]["Networks"][manager.network]["IPAddress"]
    assert endpoint == f"http://{address}:8000"
    assert await manager.sees(endpoint) == "200"
    assert list(made["NetworkSettings"]["Networks"]) == [manager.network]
    assert not any((made["NetworkSettings"]["Ports"] or {}).values())
    await runtime.stop("one-1", grace_s=20)


async def test_one_whose_name_no_resolver_takes_is_reached_like_any_other(
    bench: DockerBench, runtime: DockerRuntime, manager: Manager
) -> None:
    endpoint = await runtime.start(bench.container_spec(instance="Org-Qwen3.5-1"), Heard())

    assert await manager.sees(endpoint) == "200"
    await runtime.stop("Org-Qwen3.5-1", grace_s=20)


async def test_the_next_manager_finds_it_at_the_same_address(
    bench: DockerBench, runtime: DockerRuntime, manager: Manager
) -> None:
    endpoint = await runtime.start(bench.container_spec(), Heard())
    await runtime.close()

    after = bench.another_runtime(manager.site)
    (found,) = await after.recover()

    assert (found.instance, found.endpoint) == ("one-1", endpoint)
    await after.stop("one-1", grace_s=20)
    assert await bench.ours() == []


async def test_what_a_manager_elsewhere_could_not_reach_is_removed(
    bench: DockerBench, runtime: DockerRuntime
) -> None:
    await runtime.start(bench.container_spec(), Heard())
    await runtime.close()

    assert await bench.runtime.recover() == ()
    assert await bench.ours() == []


async def test_the_operators_network_outlives_every_engine(
    bench: DockerBench, runtime: DockerRuntime, manager: Manager
) -> None:
    await runtime.start(bench.container_spec(), Heard())
    await runtime.stop("one-1", grace_s=20)

    assert await bench.docker("network", "inspect", "--format", "{{.Name}}", manager.network) == manager.network


async def test_a_network_that_is_not_there_is_refused_and_not_made(
    bench: DockerBench, manager: Manager
) -> None:
    runtime = bench.another_runtime(Site("sw-nowhere", manager.name))

    with pytest.raises(EngineFailed, match="docker network create sw-nowhere") as refused:
        await runtime.start(bench.container_spec(), Heard())

    assert refused.value.failure.reason is Reason.RUNTIME_UNAVAILABLE
    assert await bench.ours() == []
    assert await bench.docker("network", "ls", "--quiet", "--filter", "name=sw-nowhere") == ""


@pytest.mark.parametrize("volume", [False, True], ids=["folder", "volume"])
async def test_an_engine_sees_what_the_manager_sees(
    bench: DockerBench, runtime: DockerRuntime, volume: bool
) -> None:
    source, file, said = "/models/qwen", "config.json", "weights of the machine"
    if volume:
        source, file, said = "/cache/hub/qwen", "w", "of the volume"
    spec = reads(bench, Bind(source, "/weights"), f"/weights/{file}")
    await runtime.start(spec, Heard())

    exit_ = await runtime.wait("one-1")

    assert exit_.log_tail[-1] == said
    assert "Read-only file system" in exit_.log_tail[0]


async def test_a_whole_volume_is_the_same_volume(
    bench: DockerBench, runtime: DockerRuntime, manager: Manager
) -> None:
    await runtime.start(reads(bench, Bind("/cache", "/weights"), "/weights/hub/qwen/w", stays=True), Heard())

    mounts = (await inspected(bench, bench.name()))["Mounts"]

    (mount,) = (mount for mount in mounts if mount["Destination"] == "/weights")
    assert (mount["Type"], mount["Name"], mount["RW"]) == ("volume", manager.volume, False)
    await runtime.stop("one-1", grace_s=0)


def reads(bench: DockerBench, bind: Bind, file: str, *, stays: bool = False) -> ContainerSpec:
    """An engine that tries to write beside a file, then says what is in it."""
    program = (
        f"p = {file!r}\ntry: open(p + '.new', 'w')\nexcept OSError as e: print(e, flush=True)\n"
        f"print(open(p).read(), flush=True)\nimport time; time.sleep({600 if stays else 0})"
    )
    spec = bench.container_spec(entrypoint=(PYTHON, "-c"), command=(program,))
    return bench.container_spec(entrypoint=(PYTHON, "-c"), command=(program,), binds=(*spec.binds, bind))


@pytest.mark.parametrize("source", ["/elsewhere/qwen", "/models/../elsewhere/qwen"])
async def test_a_folder_that_the_manager_does_not_share_is_refused_with_what_to_mount(
    bench: DockerBench, runtime: DockerRuntime, source: str
) -> None:
    spec = bench.container_spec(binds=(Bind(source, "/weights"),))

    with pytest.raises(EngineFailed, match="- /elsewhere/qwen:/elsewhere/qwen:ro") as refused:
        await runtime.start(spec, Heard())

    assert refused.value.failure.reason is Reason.MODEL_NOT_FOUND
    assert await bench.ours() == []


@pytest.mark.parametrize("options", [(), ("--hostname=gpu-pc",), ("--network=host",)], ids=str)
async def test_a_program_in_a_container_finds_out_which(
    bench: DockerBench, image: str, options: tuple[str, ...]
) -> None:
    reads_itself = (
        "import socket; r = lambda p: open(p).read();"
        "print(repr((r('/proc/self/mountinfo'), r('/proc/self/cgroup'), socket.gethostname())))"
    )
    name = f"sw-looks-{uuid.uuid4().hex[:12]}"

    said = await bench.docker("run", f"--name={name}", *options, *programs(), image, PYTHON, "-c", reads_itself)

    full_id = (await inspected(bench, name))["Id"]
    await bench.docker("rm", name)
    assert candidates(*eval(said))[0] == full_id  # noqa: S307 - what we had it print


async def test_the_operators_container_on_the_network_is_reached_by_name(
    bench: DockerBench, runtime: DockerRuntime, manager: Manager, image: str
) -> None:
    name = f"sw-theirs-{uuid.uuid4().hex[:12]}"
    command = (PYTHON, str(PROGRAM), "--host", "0.0.0.0", "--port", "8000")
    await bench.docker("create", f"--name={name}", "--publish=127.0.0.1::8000", *programs(), image, *command)
    spec = ExistingSpec(instance="one-1", model="one", container=name, port=8000)
    try:
        with pytest.raises(EngineFailed, match=f"docker network connect {manager.network} {name}"):
            await runtime.start(spec, Heard())
        assert not (await inspected(bench, name))["State"]["Running"]

        await bench.docker("network", "connect", manager.network, name)
        endpoint = await runtime.start(spec, Heard())

        assert endpoint == f"http://{name}:8000"
        assert await manager.sees(endpoint) == "200"
        await runtime.stop("one-1", grace_s=20)
    finally:
        await bench.docker("rm", "--force", name)
