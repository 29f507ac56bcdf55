"""The one task that owns the world: news in, decisions out to be done. It never awaits the outside itself."""

import asyncio
import logging
from collections.abc import Callable, Mapping

import httpx

from switchyard_contracts.catalog import Engine, Model
from switchyard_contracts.errors import Reason
from switchyard_contracts.status import Failure
from switchyard_manager.engines import Adapter
from switchyard_manager.engines.reasons import ADVICE
from switchyard_manager.places import Places
from switchyard_manager.runtimes import Runtime, StopFailed
from switchyard_manager.supervise.bring_up import Order, bring_up, check
from switchyard_manager.supervise.news import EngineGone, News, StopDidFail
from switchyard_manager.supervise.world import BringUp, EndRun, LookAt, Work, World

log = logging.getLogger(__name__)

TICK_S = 0.5  # how late a deadline or an idle unload may be noticed


class Supervisor:
    def __init__(
        self,
        world: World,
        runtime: Runtime,
        adapters: Mapping[Engine, Adapter],
        places: Places,
        http: httpx.AsyncClient,
        clock: Callable[[], float],
    ) -> None:
        self._world = world
        self._runtime = runtime
        self._adapters = adapters
        self._places = places
        self._http = http
        self._clock = clock
        self._inbox: asyncio.Queue[News] = asyncio.Queue()

    def post(self, news: News) -> None:
        """Tell the supervisor. Never waits, and may be called from any task of this loop."""
        self._inbox.put_nowait(news)

    async def run(self) -> None:
        """Until cancelled. What still runs then is the runtime's to close."""
        async with asyncio.TaskGroup() as jobs:
            while True:
                for work in self._decide():
                    jobs.create_task(self._perform(work))
                await self._listen()

    def _decide(self) -> tuple[Work, ...]:
        try:
            return self._world.decide(self._clock())
        except Exception:
            # A fault in one decision must not end the daemon that all the others need.
            log.exception("cannot decide")
            return ()

    async def _listen(self) -> None:
        """Take in all the news there is; come back after a tick in any case."""
        try:
            async with asyncio.timeout(TICK_S):
                self._hear(await self._inbox.get())
        except TimeoutError:
            return
        while not self._inbox.empty():
            self._hear(self._inbox.get_nowait())

    def _hear(self, news: News) -> None:
        try:
            self._world.hear(news, self._clock())
        except Exception:
            log.exception("cannot take in %r", news)

    async def _perform(self, work: Work) -> None:
        match work:
            case BringUp(model=model, instance=instance):
                await self._bring_up(model, instance)
            case LookAt(model=model, instance=instance, endpoint=endpoint):
                await check(self._order(model, instance), endpoint, self._http, self.post)
            case EndRun():
                await self._end(work)

    def _order(self, model: Model, instance: str) -> Order:
        return Order(model, instance, self._adapters[model.engine], self._places)

    async def _bring_up(self, model: Model, instance: str) -> None:
        try:
            await bring_up(self._order(model, instance), self._runtime, self._http, self.post)
        except Exception as error:
            log.exception("cannot bring up %s", model.name)
            await self._runtime.stop(instance, 0.0)
            reason = Reason.RUNTIME_UNAVAILABLE
            message = f"cannot run {model.name}: a fault in the manager ({error})"
            failure = Failure(reason=reason, message=message, advice=ADVICE[reason])
            self.post(EngineGone(model.name, instance, exit=None, failure=failure))

    async def _end(self, work: EndRun) -> None:
        try:
            await self._runtime.stop(work.instance, work.grace_s)
        except StopFailed as error:
            reason = Reason.STOP_FAILED
            failure = Failure(reason=reason, message=str(error), advice=ADVICE[reason])
            self.post(StopDidFail(work.model, work.instance, failure))
