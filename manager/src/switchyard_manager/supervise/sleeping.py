"""Send an engine to sleep and wake it, and see that it is so: its word is one thing, its memory another."""

import asyncio

from switchyard_contracts.errors import Reason
from switchyard_manager.engines import Adapter
from switchyard_manager.gpu import Meter, Reading
from switchyard_manager.gpu.holders import Pids, held_mib
from switchyard_manager.supervise import talk
from switchyard_manager.supervise.bring_up import prove
from switchyard_manager.supervise.means import Means, engine_of
from switchyard_manager.supervise.news import EngineFaulted, EngineSlept, SleepDidFail
from switchyard_manager.supervise.readiness import pauses
from switchyard_manager.supervise.wording import failure
from switchyard_manager.supervise.work import Errand, PutToSleep

FREED_WITHIN_S = 15.0
LOOK_S, SHARE, LOOK_AT_MOST_S = 0.02, 0.1, 0.5  # see `readiness.pauses`
FREED_ENOUGH = 0.5  # of what it held; drivers and captured graphs keep their part


async def put_to_sleep(work: PutToSleep, adapter: Adapter, means: Means, meter: Meter) -> None:
    errand = work.errand
    why = await _why_not_asleep(errand, adapter, means, meter)
    if why is None:
        means.post(EngineSlept(errand.model.name, errand.instance))
    else:
        means.post(SleepDidFail(errand.model.name, errand.instance, why))


async def _why_not_asleep(errand: Errand, adapter: Adapter, means: Means, meter: Meter) -> str | None:
    calls = adapter.sleep(errand.model)
    if calls is None:
        return "its engine cannot sleep"
    before = await asyncio.to_thread(meter.read)
    engine = engine_of(errand, adapter, means)
    async with asyncio.TaskGroup() as both:
        # Docker takes its time to tell, and it sleeps with the processes that it had.
        looking = both.create_task(_pids(errand, means, before))
        trouble = await talk.call(engine, calls.sleep)
    pids = looking.result()
    if trouble is not None:
        return f"the request to sleep {trouble}"
    if not await talk.is_asleep(engine, calls):
        return "it said that it would sleep, and says that it does not"
    return await _why_not_freed(errand, pids, before, meter)


async def _pids(errand: Errand, means: Means, before: Reading) -> Pids:
    """Of no use, and not asked for, where no driver tells who holds what."""
    if not any(gpu.holders for gpu in before.gpus):
        return {}
    return {errand.instance: await asyncio.to_thread(means.runtimes.processes, errand.instance)}


async def _why_not_freed(errand: Errand, pids: Pids, before: Reading, meter: Meter) -> str | None:
    """Drivers are late to show it. What cannot be measured is believed."""
    held: dict[str, int] = {}
    try:
        async with asyncio.timeout(FREED_WITHIN_S):
            for pause_s in pauses(LOOK_S, SHARE, LOOK_AT_MOST_S):
                held = still_held(errand, pids, before, await asyncio.to_thread(meter.read))
                if not held:
                    break
                await asyncio.sleep(pause_s)
    except TimeoutError:
        return "it sleeps, and yet holds " + ", ".join(f"{mib} MiB of {uuid}" for uuid, mib in held.items())
    return None


def still_held(errand: Errand, pids: Pids, before: Reading, now: Reading) -> dict[str, int]:
    """The GPUs on which it has not given back enough, with what is held there. Pure."""
    own_before = held_mib(before, pids).get(errand.instance, {})
    own_now = held_mib(now, pids).get(errand.instance, {})
    used_before = {gpu.uuid: gpu.used_mib for gpu in before.gpus}
    held: dict[str, int] = {}
    for gpu in now.gpus:
        was = used_before.get(gpu.uuid)
        if gpu.uuid not in errand.gpus or gpu.used_mib is None or was is None:
            continue
        if gpu.uuid in own_before:
            mib, most = own_now.get(gpu.uuid, 0), FREED_ENOUGH * own_before[gpu.uuid]
        else:  # the driver does not tell whose it is: then what all hold must fall by its part
            mib, most = gpu.used_mib, was - FREED_ENOUGH * min(errand.share_mib or 0, was)
        if mib > most:
            held[gpu.uuid] = mib
    return held


async def wake_up(errand: Errand, adapter: Adapter, means: Means) -> None:
    calls = adapter.sleep(errand.model)
    if calls is None:
        return
    engine = engine_of(errand, adapter, means)
    trouble = await talk.call(engine, calls.wake)
    if trouble is None and await talk.is_asleep(engine, calls):
        trouble = "was answered, and yet it says that it sleeps"  # requests to it would hang
    if trouble is None:
        await prove(errand, adapter, means)
        return
    name = errand.model.name
    message = f"cannot wake {name}: the request to wake {trouble}"
    means.post(EngineFaulted(name, errand.instance, failure(Reason.SLEEP_FAILED, message)))
