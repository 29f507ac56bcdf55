"""K23: an Engine that dies, is upgraded, or is not there. Real SIGKILLs, to an Engine of the test's own."""

import asyncio
import contextlib
import gc
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from switchyard_contracts.errors import Reason
from switchyard_manager.errors import EngineFailed
from switchyard_manager.runtimes import RuntimeAway, StopFailed
from switchyard_manager.runtimes.docker import runtime as docker_runtime
from switchyard_manager.runtimes.log_files import LogFiles
from tests.e2e.docker.conftest import PYTHON, DockerBench
from tests.e2e.docker.private_engine import PrivateEngine, needs_one_of_its_own
from tests.manager.runtimes.contract import Acts, Heard, run

IMAGE = "switchyard-test:empty"

# Of an attempt to connect in the very moment of a kill, the SDK leaves the socket to be collected.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture(params=[True], ids=["live-restore"])
async def daemon(request: pytest.FixtureRequest, empty_archive: Path) -> AsyncIterator[PrivateEngine]:
    needs_one_of_its_own()
    made = PrivateEngine(live_restore=request.param)
    try:
        await made.start()
        yield made
    finally:
        await asyncio.to_thread(made.clean_up)


class InsideBench(DockerBench):
    """Asks from inside: the Engine's network is not this machine's."""

    async def answers(self, endpoint: str) -> bool:
        path = "/" + endpoint.partition("://")[2].partition("/")[2]
        ask = f"import urllib.request as r; r.urlopen('http://127.0.0.1:8000{path}')"
        async with asyncio.timeout(30):
            while True:
                with contextlib.suppress(AssertionError):
                    await self.docker("exec", self.name(), PYTHON, "-c", ask)
                    return True
                await asyncio.sleep(0.1)


@pytest.fixture
async def bench(daemon: PrivateEngine, tmp_path: Path, empty_archive: Path) -> AsyncIterator[DockerBench]:
    made = InsideBench(LogFiles(tmp_path / "logs"), uuid.uuid4().hex, IMAGE, daemon.host)
    await made.docker("import", empty_archive, IMAGE)
    yield made
    for runtime in made.runtimes:
        await runtime.close()
    gc.collect()


async def log_has(bench: DockerBench, text: str) -> None:
    async with asyncio.timeout(30):
        while text not in await asyncio.to_thread(bench.logs.current("one").read_text):
            await asyncio.sleep(0.05)


async def test_a_restart_is_no_exit_and_costs_no_line_of_the_log(
    bench: DockerBench, daemon: PrivateEngine
) -> None:
    endpoint = await run(bench, Acts(says=("first", "second")))
    await bench.answers(endpoint)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(bench.runtime.wait("one-1"))

        await daemon.kill()
        await daemon.start()
        await bench.answers(endpoint + "/say")
        await log_has(bench, "something was said")

        assert not waiting.done()
        await bench.runtime.stop("one-1", grace_s=20)
    assert waiting.result().code == 0
    assert waiting.result().log_tail == ("first", "second", "something was said")
    assert await bench.ours() == []


@pytest.mark.parametrize("daemon", [False], indirect=True, ids=["plain"])
async def test_an_engine_that_a_restart_took_along_has_ended(bench: DockerBench, daemon: PrivateEngine) -> None:
    await bench.answers(await run(bench, Acts(says=("first",))))
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(bench.runtime.wait("one-1"))

        await daemon.kill()
        unknown = waiting.done()
        await daemon.start()

    assert not unknown
    assert waiting.result().log_tail == ("first",)
    assert await bench.are_all_removed()


async def test_an_end_while_nobody_looked_is_found_when_the_engine_is_back(
    bench: DockerBench, daemon: PrivateEngine
) -> None:
    await bench.answers(await run(bench))
    pids = await asyncio.to_thread(bench.runtime.processes, "one-1")
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(bench.runtime.wait("one-1"))

        await daemon.kill()
        for pid in pids:
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(pid).kill()
        assert await bench.gone(pids)
        unknown = waiting.done()
        await daemon.start()

    assert not unknown
    assert waiting.result().code != 0
    assert await bench.are_all_removed()


async def test_while_it_is_away_nothing_is_known_and_afterwards_all_goes_on(
    bench: DockerBench, daemon: PrivateEngine
) -> None:
    await daemon.kill()

    with pytest.raises(RuntimeAway, match="cannot reach the Docker Engine"):
        await bench.runtime.recover()
    with pytest.raises(EngineFailed) as failed:
        await run(bench)
    await daemon.start()

    assert failed.value.failure.reason is Reason.RUNTIME_UNAVAILABLE
    assert "start Docker" in failed.value.failure.advice
    assert await bench.runtime.recover() == ()
    await run(bench, instance="one-2")
    assert await bench.ours() == [bench.name("one-2")]


async def test_a_stop_holds_on_until_the_engine_is_back(bench: DockerBench, daemon: PrivateEngine) -> None:
    await bench.answers(await run(bench))
    await daemon.kill()

    async with asyncio.TaskGroup() as tasks:
        stopping = tasks.create_task(bench.runtime.stop("one-1", grace_s=40))
        tasks.create_task(daemon.start())

    assert stopping.exception() is None
    assert (await bench.runtime.wait("one-1")).code == 0


async def test_a_stop_that_cannot_be_confirmed_says_so(
    bench: DockerBench, daemon: PrivateEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_runtime, "KILL_LIMIT_S", 0.2)
    await bench.answers(await run(bench))
    await daemon.kill()

    with pytest.raises(StopFailed, match=f"cannot stop container {bench.name()}"):
        await bench.runtime.stop("one-1", grace_s=0.1)

    await daemon.start()
    await bench.runtime.stop("one-1", grace_s=20)


async def test_what_was_begun_when_it_went_away_is_removed_when_it_is_back(
    bench: DockerBench, daemon: PrivateEngine
) -> None:
    starts = []
    async with asyncio.TaskGroup() as tasks:
        for number in range(8):
            spec = bench.container_spec(instance=f"one-{number}", model=f"m{number}")
            starts.append(tasks.create_task(attempt(bench, spec.instance)))
        await asyncio.sleep(0.3)
        await daemon.kill()
    await daemon.start()

    async with asyncio.timeout(40):
        alive = [f"one-{number}" for number, start in enumerate(starts) if start.result()]
        while sorted(await bench.ours()) != sorted(bench.name(instance) for instance in alive):
            await asyncio.sleep(0.2)


async def attempt(bench: DockerBench, instance: str) -> bool:
    try:
        await bench.runtime.start(bench.container_spec(instance=instance, model=instance), Heard())
    except EngineFailed:
        return False
    return True
