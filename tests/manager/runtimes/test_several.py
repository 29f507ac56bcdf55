"""Several runtimes as one: each run goes where its spec says and stays there."""

import asyncio

import pytest

from switchyard_contracts.errors import Reason
from switchyard_manager.errors import EngineFailed
from switchyard_manager.runtimes import ContainerSpec, ExistingSpec, Kind, Listen, ProcessSpec, RuntimeAway
from switchyard_manager.runtimes.several import Runtimes
from tests.manager.runtimes.contract import Heard
from tests.manager.runtimes.fake_runtime import DockerDown, FakeRuntime, SlowToPull

CONTAINER = ContainerSpec(instance="c-1", model="c", image="engine:1", port=8000)
EXISTING = ExistingSpec(instance="e-1", model="e", container="theirs", port=8000)
PROCESS = ProcessSpec(instance="p-1", model="p", command=("true",), listen=Listen("127.0.0.1", 1))


async def test_each_kind_of_spec_goes_to_its_runtime() -> None:
    docker, process = FakeRuntime(), FakeRuntime(kind=Kind.PROCESS)
    several = Runtimes({Kind.DOCKER: docker, Kind.PROCESS: process})

    for spec in (CONTAINER, EXISTING, PROCESS):
        await several.start(spec, Heard())

    assert docker.started == [CONTAINER, EXISTING]
    assert process.started == [PROCESS]


async def test_a_run_is_stopped_waited_for_and_seen_where_it_runs() -> None:
    docker, process = FakeRuntime(), FakeRuntime(kind=Kind.PROCESS)
    several = Runtimes({Kind.DOCKER: docker, Kind.PROCESS: process})
    for spec in (CONTAINER, PROCESS):
        await several.start(spec, Heard())

    pids = several.processes("p-1")
    await several.stop("p-1", 5)

    assert pids
    assert (await several.wait("p-1")).code == 0
    assert (docker.stopped, process.stopped) == ([], [("p-1", 5)])


async def test_a_stop_reaches_what_is_still_starting() -> None:
    slow = SlowToPull()
    several = Runtimes({Kind.DOCKER: slow})
    async with asyncio.TaskGroup() as tasks:
        starting = tasks.create_task(failure(several))
        await asyncio.sleep(0)

        await several.stop("c-1", 5)

    assert starting.result().failure.reason is Reason.ENGINE_EXITED
    assert slow.machine.alive() == []


async def failure(several: Runtimes) -> EngineFailed:
    with pytest.raises(EngineFailed) as failed:
        await several.start(CONTAINER, Heard())
    return failed.value


async def test_a_kind_that_this_machine_lacks_is_refused_with_advice() -> None:
    failed = await failure(Runtimes({Kind.PROCESS: FakeRuntime(kind=Kind.PROCESS)}))

    assert failed.failure.reason is Reason.RUNTIME_UNAVAILABLE
    assert "start Docker" in failed.failure.advice


async def test_what_is_recovered_is_stopped_where_it_was_found() -> None:
    before = FakeRuntime()
    await before.start(CONTAINER, Heard())
    docker = FakeRuntime(machine=before.machine)
    several = Runtimes({Kind.PROCESS: FakeRuntime(kind=Kind.PROCESS), Kind.DOCKER: docker})

    (found,) = await several.recover(Kind.DOCKER)
    await several.stop(found.instance, 5)

    assert before.machine.alive() == []


async def test_while_one_cannot_be_asked_nothing_is_said_of_what_runs() -> None:
    several = Runtimes({Kind.PROCESS: FakeRuntime(kind=Kind.PROCESS), Kind.DOCKER: DockerDown()})

    with pytest.raises(RuntimeAway):
        await several.recover(Kind.DOCKER)


async def test_whose_model_an_instance_is_can_be_told_until_it_has_ended() -> None:
    several = Runtimes({Kind.DOCKER: FakeRuntime()})
    await several.start(CONTAINER, Heard())
    before = several.models()

    await several.stop("c-1", 5)
    await several.wait("c-1")

    assert (before, several.models()) == ({"c-1": "c"}, {})


async def test_of_what_nobody_runs_there_is_nothing_to_tell() -> None:
    several = Runtimes({})

    await several.stop("never-1", 5)

    assert (await several.wait("never-1")).code is None
    assert several.processes("never-1") == frozenset()


async def test_closing_ends_processes_and_lets_containers_be() -> None:
    docker, process = FakeRuntime(), FakeRuntime(kind=Kind.PROCESS)
    several = Runtimes({Kind.DOCKER: docker, Kind.PROCESS: process})
    for spec in (CONTAINER, PROCESS):
        await several.start(spec, Heard())

    await several.close()

    assert (docker.machine.alive(), process.machine.alive()) == (["c-1"], [])
