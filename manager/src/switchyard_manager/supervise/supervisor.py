"""The one task that owns the world: news in, decisions out to be done. It never awaits the outside itself."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from switchyard_contracts.catalog import Model, sees
from switchyard_contracts.errors import Reason
from switchyard_contracts.status import Failure
from switchyard_manager.engines.checkpoint import folder_of
from switchyard_manager.engines.vision import read_vision
from switchyard_manager.gpu import Meter
from switchyard_manager.gpu.holders import held_mib, owners
from switchyard_manager.runtimes import Found, Kind, RuntimeAway, StopFailed
from switchyard_manager.supervise import bring_up, liveness, sleeping
from switchyard_manager.supervise.commands import Answer, Command, Removed
from switchyard_manager.supervise.explained import manner
from switchyard_manager.supervise.file_hands import FileHands
from switchyard_manager.supervise.means import Means
from switchyard_manager.supervise.news import (
    Asked,
    AskedToRemove,
    EngineCame,
    EngineFaulted,
    EngineGone,
    EngineSlept,
    Measured,
    News,
    ProcessorRead,
    Recovered,
    StopDidFail,
)
from switchyard_manager.supervise.wording import failure
from switchyard_manager.supervise.work import (
    BringUp,
    CallOffFetch,
    EndRun,
    EndStray,
    Errand,
    FetchFiles,
    LookAt,
    LookForFiles,
    PutToSleep,
    ReadProcessor,
    RemoveFiles,
    TakeOver,
    WakeUp,
    Work,
)
from switchyard_manager.supervise.workshop import Workshop
from switchyard_manager.supervise.world import World

log = logging.getLogger(__name__)

TICK_S = 0.5  # how late a deadline or an idle unload may be noticed; a turn that comes is, at once
MEASURE_EVERY_S = 1.0
AWAY_PAUSE_S = 2.0
STRAY_GRACE_S = 10.0


@dataclass(frozen=True, slots=True)
class Hands:
    """What the supervisor acts with."""

    means: Means
    workshop: Workshop
    meter: Meter
    clock: Callable[[], float]


class Supervisor:
    def __init__(self, world: World, inbox: asyncio.Queue[News], hands: Hands) -> None:
        self._world = world
        self._inbox = inbox
        self._hands = hands
        self._files = FileHands(hands.means)
        self._look_soon = asyncio.Event()

    def post(self, news: News) -> None:
        """Tell the supervisor. Never waits, and may be called from any task of this loop."""
        self._inbox.put_nowait(news)

    async def ask(self, command: Command) -> Answer:
        """What comes of an operator's wish: recorded when this returns, carried out later."""
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.post(Asked(command, lambda answer: None if answered.done() else answered.set_result(answer)))
        return await answered

    async def ask_to_remove(self, name: str) -> Removed:
        """What comes of it: done when this returns."""
        answered: asyncio.Future[Removed] = asyncio.get_running_loop().create_future()
        self.post(AskedToRemove(name, lambda said: None if answered.done() else answered.set_result(said)))
        return await answered

    async def run(self) -> None:
        """Until cancelled. What still runs then is the runtime's to close."""
        async with asyncio.TaskGroup() as jobs:
            jobs.create_task(self._measure())
            while True:
                for work in self._decide():
                    jobs.create_task(self._perform(work))
                await self._listen()

    def _decide(self) -> tuple[Work, ...]:
        try:
            return self._world.decide(self._hands.clock())
        except Exception:
            # A fault in one decision must not end the daemon that all the others need.
            log.exception("cannot decide")
            return ()

    async def _listen(self) -> None:
        """Take in all the news there is; come back after a tick in any case, or when a turn may have come."""
        soon_s = self._world.soon_s
        try:
            async with asyncio.timeout(TICK_S if soon_s is None else min(soon_s, TICK_S)):
                self._hear(await self._inbox.get())
        except TimeoutError:
            return
        while not self._inbox.empty():
            self._hear(self._inbox.get_nowait())

    def _hear(self, news: News) -> None:
        try:
            self._world.hear(news, self._hands.clock())
            if isinstance(news, EngineGone | EngineSlept | EngineCame):
                self._look_soon.set()
        except Exception:
            log.exception("cannot take in %r", news)

    # What goes on by itself

    async def _measure(self) -> None:
        """First the machine, then what a former manager left on it, then the machine again and again."""
        self.post(await self._look())
        away = await self._recover_what_answers()
        async with asyncio.TaskGroup() as recovering:
            for kind in away:
                recovering.create_task(self._recover_when_it_answers(kind))
            while True:
                await self._until_it_is_time_to_look()
                self.post(await self._look())

    async def _until_it_is_time_to_look(self) -> None:
        """Once a second; and at once when an engine took memory or gave it back, as others wait for that."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MEASURE_EVERY_S):
                await self._look_soon.wait()
        self._look_soon.clear()

    async def _recover_what_answers(self) -> list[Kind]:
        """A runtime that is away holds nobody up, and is never taken for one in which nothing runs."""
        found: list[Found] = []
        away: list[Kind] = []
        for kind in sorted(self._hands.means.runtimes.kinds):
            try:
                found += await self._hands.means.runtimes.recover(kind)
            except Exception as error:
                log.warning("cannot tell yet what a former manager left running: %s", error)
                away.append(kind)
        self.post(Recovered(tuple(found)))
        return away

    async def _recover_when_it_answers(self, kind: Kind) -> None:
        while True:
            await asyncio.sleep(AWAY_PAUSE_S)
            try:
                found = await self._hands.means.runtimes.recover(kind)
            except RuntimeAway:
                continue
            except Exception:
                log.exception("cannot find out what a former manager left running")
                continue
            self.post(Recovered(found))
            return

    async def _look(self) -> Measured:
        return await asyncio.to_thread(self._look_now)

    def _look_now(self) -> Measured:
        reading = self._hands.meter.read()
        if not any(gpu.holders for gpu in reading.gpus):
            return Measured(reading)
        runtimes = self._hands.means.runtimes
        models = runtimes.models()
        pids = {instance: runtimes.processes(instance) for instance in models}
        whose = {pid: models[instance] for pid, instance in owners(pids).items()}
        return Measured(reading, held_mib(reading, pids), whose)

    # What was decided

    async def _perform(self, work: Work) -> None:
        match work:
            case EndRun(model=model, instance=instance, grace_s=grace_s):
                await self._end(model, instance, grace_s)
            case EndStray(found=found):
                await self._end(found.model, found.instance, STRAY_GRACE_S)
            case ReadProcessor(model=model):
                await self._read_processor(model)
            case LookForFiles() | FetchFiles() | CallOffFetch() | RemoveFiles():
                await self._files.perform(work)
            case BringUp(errand=errand) | TakeOver(errand=errand):
                await self._live(work, errand)
            case WakeUp(errand=errand) | PutToSleep(errand=errand) | LookAt(errand=errand):
                await self._deal(work, errand)

    async def _live(self, work: BringUp | TakeOver, errand: Errand) -> None:
        means, adapter = self._hands.means, self._hands.workshop.adapter(errand.model)
        act = bring_up.bring_up if isinstance(work, BringUp) else bring_up.take_over
        try:
            await act(await self._settled(errand), adapter, means)
        except Exception as error:
            log.exception("cannot run %s", errand.model.name)
            await self._end(errand.model.name, errand.instance, 0.0)
            self.post(
                EngineGone(errand.model.name, errand.instance, exit=None, failure=_our_fault(errand, error))
            )

    async def _deal(self, work: WakeUp | PutToSleep | LookAt, errand: Errand) -> None:
        try:
            await self._dealing(replace(work, errand=await self._settled(errand)))
        except Exception as error:
            log.exception("cannot deal with %s", errand.model.name)
            self.post(EngineFaulted(errand.model.name, errand.instance, _our_fault(errand, error)))

    async def _settled(self, errand: Errand) -> Errand:
        """In a thread, as the adapter reads files."""
        adapter = self._hands.workshop.adapter(errand.model)
        model = await asyncio.to_thread(adapter.settle, errand.model, self._hands.means.places)
        return replace(errand, model=model)

    def _dealing(self, work: WakeUp | PutToSleep | LookAt) -> Coroutine[Any, Any, None]:
        means, adapter = self._hands.means, self._hands.workshop.adapter(work.errand.model)
        match work:
            case WakeUp(errand=errand):
                return sleeping.wake_up(errand, adapter, means)
            case PutToSleep():
                return sleeping.put_to_sleep(work, adapter, means, self._hands.meter)
            case LookAt():
                return liveness.look_at(work, adapter, means)

    async def _read_processor(self, model: Model) -> None:
        places, adapter = self._hands.means.places, self._hands.workshop.adapter(model)

        def read() -> ProcessorRead:
            folder = folder_of(model, places) if sees(model) else None
            vision = read_vision(model, folder) if folder else None
            settled = adapter.settle(model, places)
            can = None if settled.capabilities == model.capabilities else settled.capabilities
            return ProcessorRead(model, vision, can, manner(settled.engine_args))

        try:
            self.post(await asyncio.to_thread(read))
        except Exception:
            log.exception("cannot read what the files of %s say; it is served as its family is", model.name)

    async def _end(self, model: str, instance: str, grace_s: float) -> None:
        try:
            await self._hands.means.runtimes.stop(instance, grace_s)
        except StopFailed as error:
            self.post(StopDidFail(model, instance, failure(Reason.STOP_FAILED, str(error))))
        except Exception as error:
            log.exception("cannot stop %s", instance)
            self.post(
                StopDidFail(model, instance, failure(Reason.STOP_FAILED, f"cannot stop {model}: {error}"))
            )


def _our_fault(errand: Errand, error: Exception) -> Failure:
    text = f"cannot run {errand.model.name}: a fault in the manager ({error})"
    return failure(Reason.RUNTIME_UNAVAILABLE, text)
