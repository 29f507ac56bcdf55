"""Whether an engine that is ready still serves. Progress is life; a ping that goes unanswered is not death."""

import asyncio

from switchyard_contracts.errors import Reason
from switchyard_manager.engines import Adapter
from switchyard_manager.supervise import talk
from switchyard_manager.supervise.means import Means, engine_of
from switchyard_manager.supervise.news import EngineFaulted, EngineStands, EngineWorked
from switchyard_manager.supervise.wording import failure
from switchyard_manager.supervise.work import Errand, LookAt

COUNT_EVERY_S = 20.0
LOOK_EVERY_S = 10.0
SURE_AFTER = 2  # looks in a row
GONE_WITHIN_S = 2.0  # what takes no connection may just have died, and how it died says more than that it did


async def look_at(work: LookAt, adapter: Adapter, means: Means) -> None:
    """A proxy found this engine broken, or it seems to stand still: look for ourselves."""
    errand = work.errand
    name, engine = errand.model.name, engine_of(errand, adapter, means)
    canary = adapter.canary(errand.model) if work.thorough else None
    if canary is not None:
        said = await talk.trouble(engine, canary)
        said = said and f"its requests get nowhere, and a small one of our own {said}"
        reason = Reason.ENGINE_STUCK
    else:
        said = await talk.health_trouble(engine, adapter.health(errand.model))
        reason = Reason.ENGINE_EXITED
    if said is None:
        means.post(EngineStands(name, errand.instance))
    elif reason is not Reason.ENGINE_EXITED or not await _goes(errand, means):
        means.post(EngineFaulted(name, errand.instance, failure(reason, f"cannot use {name}: {said}")))


async def _goes(errand: Errand, means: Means) -> bool:
    """Whoever waits for its end tells of it."""
    try:
        async with asyncio.timeout(GONE_WITHIN_S):
            await means.runtimes.wait(errand.instance)
    except TimeoutError:
        return False
    return True


async def watch_health(errand: Errand, adapter: Adapter, means: Means) -> None:
    """Of an engine that was up, until cancelled. What computes may be dead, and the server before it stand for
    hours, with nobody asking it anything. One refusal alone may have another cause."""
    engine, health = engine_of(errand, adapter, means), adapter.health(errand.model)
    refusals, said = 0, None
    while refusals < SURE_AFTER:
        await asyncio.sleep(LOOK_EVERY_S)
        said = await talk.health_trouble(engine, health)
        refusals = refusals + 1 if said else 0
    message = f"cannot use {errand.model.name}: its program stands, and what it served is gone ({said})"
    means.post(EngineFaulted(errand.model.name, errand.instance, failure(Reason.ENGINE_EXITED, message)))


async def count_work(errand: Errand, adapter: Adapter, means: Means) -> None:
    """Until cancelled."""
    vitals = adapter.vitals(errand.model)
    if vitals is None:
        return
    engine = engine_of(errand, adapter, means)
    while True:
        await asyncio.sleep(COUNT_EVERY_S)
        text = await talk.work_text(engine, vitals)
        count = None if text is None else adapter.work_done(text)
        if count is not None:
            means.post(EngineWorked(errand.model.name, errand.instance, count))
