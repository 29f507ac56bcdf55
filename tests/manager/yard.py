"""A supervisor at work on real engine processes, with one proxy that does as the test says."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from switchyard_contracts.catalog import Catalog
from switchyard_contracts.grants import Drained, Granted, Hello, InFlight, Want
from switchyard_contracts.status import ModelStatus, Phase
from switchyard_manager.gpu import Meter, Reading
from switchyard_manager.places import Places
from switchyard_manager.runtimes import Kind, leftovers
from switchyard_manager.runtimes.log_files import LogFiles
from switchyard_manager.runtimes.process import ProcessRuntime
from switchyard_manager.runtimes.several import Runtimes
from switchyard_manager.scheduler import Policy, consider
from switchyard_manager.supervise import Supervisor, supervisor
from switchyard_manager.supervise.chronicle import Chronicle
from switchyard_manager.supervise.means import Means
from switchyard_manager.supervise.news import News, ProxyCame, ProxySaid
from switchyard_manager.supervise.supervisor import Hands
from switchyard_manager.supervise.world import Beginning, World
from tests.manager.conftest import WritesDown, workshop_of

WITHIN_S = 30.0


@dataclass
class Yard:
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

    async def settle(self) -> None:
        """Until it has measured and decided a few times more."""
        for _ in range(3):
            await asyncio.sleep(supervisor.MEASURE_EVERY_S)

    async def granted(self, model: str | None = None) -> Granted:
        def found() -> list[Granted]:
            return [one for one in self.session.of_kind("granted") if model in {None, one.model}]

        await self.until(lambda: bool(found()))
        return found()[-1]

    async def serve(self, model: str) -> None:
        """One request for it, from its start to its end; and the pause after which it may be moved out."""
        self.want(model, f"serve-{model}")
        await self.done(model)

    async def done(self, model: str) -> None:
        """Its requests have ended, long enough ago."""
        granted = await self.granted(model)
        said = InFlight(model=model, grant=granted.grant, n=0, idle_s=60)
        self.supervisor.post(ProxySaid(self.session, said))
        await self.until(lambda: self.status(model).phase is Phase.READY and not self.status(model).in_flight)

    async def drained(self, model: str) -> None:
        """The proxy is told to drain it, and does."""

        def revoked() -> set[str]:
            return {one.grant for one in self.session.of_kind("revoke") if one.model == model}

        last = (await self.granted(model)).grant
        await self.until(lambda: last in revoked())
        self.supervisor.post(ProxySaid(self.session, Drained(model=model, grant=last)))

    def finish(self, granted: Granted) -> None:
        """The proxy's requests on this grant are done."""
        self.supervisor.post(ProxySaid(self.session, InFlight(model=granted.model, grant=granted.grant, n=0)))

    async def engines(self) -> list[psutil.Process]:
        return await asyncio.to_thread(self._engines)

    def _engines(self) -> list[psutil.Process]:
        return list(filter(_is_engine, leftovers.find(leftovers.ENGINE_MARK, self.installation)))


def _is_engine(process: psutil.Process) -> bool:
    """And neither its warden nor what it has started itself."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return "scripted_engine.py" in " ".join(process.cmdline()[:2])
    return False


class Unmeasured:
    """A machine without a GPU."""

    def read(self) -> Reading:
        return Reading()


@contextlib.asynccontextmanager
async def open_yards(folder: Path, policy: Policy = consider) -> AsyncIterator[Callable[..., Awaitable[Yard]]]:
    installation = f"test-{os.getpid()}-{folder.name}"
    logs = LogFiles(folder / "logs")
    runtimes = Runtimes({Kind.PROCESS: ProcessRuntime(logs, installation)})
    places = Places(folder / "models.json", folder, "-", "-")
    workshop = workshop_of()
    async with httpx.AsyncClient() as http, asyncio.TaskGroup() as own:
        running: list[asyncio.Task[None]] = []

        async def open_it(catalog: Catalog, meter: Meter | None = None) -> Yard:
            world = World(Beginning("manager", catalog, workshop, Chronicle(lambda _: None), policy=policy))
            inbox: asyncio.Queue[News] = asyncio.Queue()
            means = Means(runtimes, http, places, logs, workshop.key_of, inbox.put_nowait)
            hands = Hands(means, workshop, meter or Unmeasured(), time.monotonic)
            at_work = Supervisor(world, inbox, hands)
            running.append(own.create_task(at_work.run()))
            session = WritesDown()
            at_work.post(ProxyCame(session, Hello(proxy=session.proxy)))
            return Yard(at_work, world, session, installation)

        try:
            yield open_it
        finally:
            for task in running:
                task.cancel()
            await runtimes.close()
