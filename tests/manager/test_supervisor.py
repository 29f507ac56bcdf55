"""The supervisor with real engine processes: what is decided really happens."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import httpx
import psutil
import pytest

from switchyard_contracts.catalog import Catalog, Engine
from switchyard_contracts.errors import Reason
from switchyard_contracts.grants import Drained, Granted, Hello, InFlight, Want
from switchyard_contracts.status import ModelStatus, Phase
from switchyard_manager.places import Places
from switchyard_manager.runtimes import leftovers
from switchyard_manager.runtimes.process import ProcessRuntime
from switchyard_manager.supervise import Supervisor
from switchyard_manager.supervise.news import ProxyCame, ProxySaid
from switchyard_manager.supervise.world import World
from tests.manager.conftest import ScriptedAdapter, WritesDown

WITHIN_S = 30.0


@dataclass
class Yard:
    """A supervisor at work, with one proxy connected."""

    supervisor: Supervisor
    world: World
    session: WritesDown
    installation: str

    def want(self, model: str, ticket: str = "t") -> None:
        self.supervisor.post(ProxySaid(self.session, Want(model=model, ticket=ticket)))

    def status(self, model: str) -> ModelStatus:
        statuses = {status.name: status for status in self.world.statuses(time.monotonic())}
        return statuses[model]

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not true():
                await asyncio.sleep(0.01)

    async def granted(self) -> Granted:
        await self.until(lambda: bool(self.session.of_kind("granted")))
        last: Granted = self.session.of_kind("granted")[-1]
        return last

    def finish(self, granted: Granted) -> None:
        """The proxy's requests on this grant are done."""
        self.supervisor.post(ProxySaid(self.session, InFlight(model=granted.model, grant=granted.grant, n=0)))

    async def engines(self) -> list[psutil.Process]:
        return await asyncio.to_thread(self._engines)

    def _engines(self) -> list[psutil.Process]:
        found = list(leftovers.find(leftovers.ENGINE_MARK, self.installation))
        return [process for process in found if "scripted_engine.py" in " ".join(process.cmdline()[:2])]


Open = Callable[[Catalog], Awaitable[Yard]]


@pytest.fixture
async def open_yard(tmp_path: Path, scripted: ScriptedAdapter) -> AsyncIterator[Open]:
    installation = f"test-{os.getpid()}-{tmp_path.name}"
    runtime = ProcessRuntime(tmp_path / "logs", installation)
    numbers = count(1)
    places = Places(tmp_path / "models.json", tmp_path, "-", "-")
    async with httpx.AsyncClient() as http, asyncio.TaskGroup() as own:
        running: list[asyncio.Task[None]] = []

        async def open_it(catalog: Catalog) -> Yard:
            adapters = {Engine.VLLM: scripted}
            world = World("manager", catalog, adapters, lambda model: f"{model}-{next(numbers)}")
            supervisor = Supervisor(world, runtime, adapters, places, http, time.monotonic)
            running.append(own.create_task(supervisor.run()))
            session = WritesDown()
            supervisor.post(ProxyCame(session, Hello(proxy=session.proxy)))
            return Yard(supervisor, world, session, installation)

        yield open_it
        for task in running:
            task.cancel()
        await runtime.close()


async def test_a_wanted_model_is_started_proved_and_granted(
    open_yard: Open, catalog: Callable[..., Catalog]
) -> None:
    yard = await open_yard(catalog(m={"extra_args": ["--load-s", "0.2"]}))

    yard.want("m")
    granted = await yard.granted()

    async with httpx.AsyncClient() as http:
        assert (await http.get(granted.endpoint + "/health")).json() == {"status": "ok"}
    assert {message.phase for message in yard.session.of_kind("loading")} == {Phase.LOADING, Phase.WARMING}


async def test_fifty_concurrent_first_requests_start_exactly_one_process(
    open_yard: Open, catalog: Callable[..., Catalog], tmp_path: Path
) -> None:
    yard = await open_yard(catalog(m={"extra_args": ["--load-s", "0.2", "--count", str(tmp_path / "starts")]}))

    for number in range(50):
        yard.want("m", f"t{number}")
    await yard.granted()

    assert len((tmp_path / "starts").read_text().splitlines()) == 1
    assert yard.status("m").in_flight == 50


async def test_an_idle_model_is_drained_and_its_process_ends(
    open_yard: Open, catalog: Callable[..., Catalog]
) -> None:
    yard = await open_yard(catalog(m={"idle_unload_s": 1}))
    yard.want("m")
    granted = await yard.granted()
    yard.finish(granted)

    await yard.until(lambda: bool(yard.session.of_kind("revoke")))
    yard.supervisor.post(ProxySaid(yard.session, Drained(model="m", grant=granted.grant)))

    await yard.until(lambda: yard.status("m").phase is Phase.STOPPED)
    assert await yard.engines() == []


async def test_an_engine_killed_from_outside_is_replaced_for_the_next_request(
    open_yard: Open, catalog: Callable[..., Catalog]
) -> None:
    yard = await open_yard(catalog(m={}))
    yard.want("m")
    first = await yard.granted()
    (engine,) = await yard.engines()

    engine.send_signal(signal.SIGKILL)
    await yard.until(lambda: yard.status("m").phase is Phase.FAILED)
    yard.want("m", "again")

    await yard.until(lambda: yard.session.of_kind("granted")[-1] != first)
    assert yard.status("m").phase is Phase.READY


async def test_an_engine_that_says_yes_and_cannot_infer_is_never_granted(
    open_yard: Open, catalog: Callable[..., Catalog]
) -> None:
    yard = await open_yard(catalog(m={"extra_args": ["--canary", "bad"]}))

    yard.want("m")
    await yard.until(lambda: bool(yard.session.of_kind("refused")))

    failure = yard.status("m").failure
    assert failure is not None
    assert failure.reason is Reason.CANARY_FAILED
    assert yard.session.of_kind("granted") == []
    assert await yard.engines() == []


async def test_an_engine_that_hangs_at_its_first_request_is_stopped_at_the_limit(
    open_yard: Open, catalog: Callable[..., Catalog]
) -> None:
    yard = await open_yard(catalog(m={"extra_args": ["--canary", "hangs"], "startup_timeout_s": 2}))

    yard.want("m")
    await yard.until(lambda: bool(yard.session.of_kind("refused")))

    failure = yard.status("m").failure
    assert failure is not None
    assert failure.reason is Reason.STARTUP_TIMEOUT
    assert await yard.engines() == []


async def test_the_reason_of_a_failed_start_reaches_who_asked(
    open_yard: Open, catalog: Callable[..., Catalog]
) -> None:
    words = 'SWITCHYARD_FAILURE {"code": "gated_repo", "message": "the licence was not accepted"}'
    yard = await open_yard(catalog(m={"extra_args": ["--exit-while-loading", "1", "--last-words", words]}))

    yard.want("m")
    await yard.until(lambda: bool(yard.session.of_kind("refused")))

    (refused,) = yard.session.of_kind("refused")
    assert refused.error.message == (
        "cannot run m: the licence was not accepted: accept the model's licence on its page and set HF_TOKEN"
    )


async def test_a_slow_stop_of_one_model_does_not_hold_up_another(
    open_yard: Open, catalog: Callable[..., Catalog]
) -> None:
    yard = await open_yard(catalog(slow={"extra_args": ["--deaf"], "idle_unload_s": 1}, quick={}))
    yard.want("slow")
    granted = await yard.granted()
    yard.finish(granted)
    await yard.until(lambda: bool(yard.session.of_kind("revoke")))
    yard.supervisor.post(ProxySaid(yard.session, Drained(model="slow", grant=granted.grant)))
    await yard.until(lambda: yard.status("slow").phase is Phase.STOPPING)

    yard.want("quick")
    await yard.until(lambda: yard.status("quick").phase is Phase.READY)

    assert yard.status("slow").phase is Phase.STOPPING
