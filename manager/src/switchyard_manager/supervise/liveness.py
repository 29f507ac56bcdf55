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
    else:
        means.post(EngineFaulted(name, errand.instance, failure(reason, f"cannot use {name}: {said}")))


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
