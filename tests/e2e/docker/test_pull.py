"""An image that must be fetched first: how far it is, why it cannot be had, and a stop in the middle."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from switchyard_contracts.errors import Reason
from switchyard_manager.errors import EngineFailed
from tests.e2e.docker.conftest import DockerBench
from tests.e2e.docker.registry import Registry, serving
from tests.manager.runtimes.contract import Acts, Heard


@pytest.fixture
async def registry(bench: DockerBench) -> AsyncIterator[Registry]:
    with serving(Registry()) as made:
        yield made
        await asyncio.to_thread(made.full_speed.set)
        if await bench.docker("image", "ls", "--quiet", made.image):
            await bench.docker("image", "rm", "--force", made.image)


async def heard(tell: Heard, part: str) -> None:
    async with asyncio.timeout(30):
        while not any(part in words for words in tell.words):
            await asyncio.sleep(0.02)


async def test_a_pull_tells_how_far_it_is_and_then_the_engine_starts(
    bench: DockerBench, registry: Registry
) -> None:
    tell, spec = Heard(), bench.container_spec(Acts(exits=3), image=registry.image)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(bench.runtime.start(spec, tell))
        await heard(tell, " of 4.2 MB")
        registry.full_speed.set()

    assert (await bench.runtime.wait("one-1")).code == 3
    assert tell.words[0] == f"pulling image {registry.image}"
    assert tell.words[-1] == f"pulling image {registry.image}: unpacking 4.2 MB"


async def test_an_image_that_is_there_is_not_pulled(bench: DockerBench) -> None:
    tell = Heard()

    await bench.runtime.start(bench.container_spec(Acts(exits=0)), tell)

    assert tell.words == []


async def test_a_stop_in_the_middle_of_a_pull_ends_the_start_at_once(
    bench: DockerBench, registry: Registry
) -> None:
    tell, spec = Heard(), bench.container_spec(image=registry.image)
    async with asyncio.TaskGroup() as tasks:
        starting = tasks.create_task(outcome(bench, spec.image, tell))
        await heard(tell, " %, ")

        await bench.runtime.stop("one-1", grace_s=20)
        failed = await starting
        told = len(tell.words)

    registry.full_speed.set()
    assert failed.failure.reason is Reason.ENGINE_EXITED
    assert (await bench.runtime.wait("one-1")).code is None
    assert await bench.ours() == []
    assert len(tell.words) == told


async def test_a_stop_before_a_pull_has_begun_lets_none_begin(bench: DockerBench, registry: Registry) -> None:
    for pause_s in (0.0, 0.002, 0.005, 0.01, 0.02):
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            starting = tasks.create_task(outcome(bench, registry.image))
            await asyncio.sleep(pause_s)

            await bench.runtime.stop("one-1", grace_s=20)

        assert starting.result().failure.reason is Reason.ENGINE_EXITED
    assert await bench.ours() == []


async def outcome(bench: DockerBench, image: str, tell: Heard | None = None) -> EngineFailed:
    with pytest.raises(EngineFailed) as failed:
        await bench.runtime.start(bench.container_spec(image=image), tell or Heard())
    return failed.value


async def test_a_tag_that_the_registry_lacks_is_explained(bench: DockerBench, registry: Registry) -> None:
    failed = await outcome(bench, registry.image.replace(":latest", ":no-such-tag"))

    assert failed.failure.reason is Reason.IMAGE_MISSING
    assert "`image`" in failed.failure.advice


async def test_a_registry_that_wants_a_login_is_explained(bench: DockerBench, registry: Registry) -> None:
    registry.shut = True

    failed = await outcome(bench, registry.image)

    assert failed.failure.reason is Reason.IMAGE_MISSING
    assert "`docker login`" in failed.failure.advice


async def test_a_registry_that_cannot_be_reached_is_explained(bench: DockerBench) -> None:
    failed = await outcome(bench, "127.0.0.1:1/engine:latest")

    assert failed.failure.reason is Reason.IMAGE_MISSING
    assert "reaches the registry" in failed.failure.advice


async def test_a_name_that_is_none_is_explained(bench: DockerBench) -> None:
    failed = await outcome(bench, "No Such Name")

    assert failed.failure.reason is Reason.IMAGE_MISSING


async def test_k34_a_disk_that_is_nearly_full_is_told_before_a_pull_begins(
    bench: DockerBench, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("switchyard_manager.runtimes.docker.image.LEAST_FREE", 2**60)
    tell = Heard()

    with pytest.raises(EngineFailed, match="are free where Docker keeps images") as refused:
        await bench.runtime.start(bench.container_spec(image=registry.image), tell)

    assert refused.value.failure.reason is Reason.DISK_FULL
    assert tell.words == []
