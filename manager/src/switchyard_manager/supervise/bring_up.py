"""Bring one engine up, prove it, and watch over it to its end. Tells; never decides."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from switchyard_contracts.errors import Reason
from switchyard_manager.engines import Adapter, Run, Share
from switchyard_manager.engines.progress import announces
from switchyard_manager.errors import EngineFailed
from switchyard_manager.lifecycle import Event
from switchyard_manager.runtimes import AnySpec, log_files
from switchyard_manager.supervise import talk
from switchyard_manager.supervise.following import Heard, follow_progress
from switchyard_manager.supervise.liveness import count_work, watch_health
from switchyard_manager.supervise.means import Means, engine_of
from switchyard_manager.supervise.news import (
    EngineCame,
    EngineFaulted,
    EngineGone,
    EngineMeasured,
    EngineProgress,
    EngineSlept,
)
from switchyard_manager.supervise.readiness import until_answering
from switchyard_manager.supervise.wording import failure
from switchyard_manager.supervise.work import Errand

Proves = Callable[[Errand, Adapter, Means], Awaitable[None]]


async def bring_up(errand: Errand, adapter: Adapter, means: Means) -> None:
    """Ends when the engine has ended. How long it may take is the scheduler's to limit, by stopping it."""
    name, instance = errand.model.name, errand.instance
    try:
        spec = await _spec(errand, adapter, means)
        endpoint = await means.runtimes.start(
            spec, lambda text: means.post(EngineProgress(name, instance, text))
        )
    except EngineFailed as error:
        means.post(EngineGone(name, instance, exit=None, failure=error.failure))
        return
    means.post(EngineCame(name, instance, Event.LAUNCHED, endpoint))
    running = replace(errand, endpoint=endpoint)
    await _live(running, adapter, means, _prove_what_starts)


async def take_over(errand: Errand, adapter: Adapter, means: Means) -> None:
    """The same for an engine that runs already, and may be asleep."""
    await _live(errand, adapter, means, _prove_what_runs)


async def _spec(errand: Errand, adapter: Adapter, means: Means) -> AnySpec:
    # In threads: an adapter looks for programs and at folders, and a disk may sleep.
    kind = await asyncio.to_thread(adapter.kind, errand.model, means.places)
    run = Run(
        instance=errand.instance,
        spec_hash=errand.spec_hash,
        kind=kind,
        listen=await means.runtimes.of(kind).listen(),
        gpus=errand.gpus,
        devices=errand.devices,
        share=_share(errand),
        beside_cache_mib=errand.beside_cache_mib,
        api_key=means.key_of(errand.instance),
    )
    return await asyncio.to_thread(adapter.spec, errand.model, run, means.places)


def _share(errand: Errand) -> Share | None:
    if errand.share_mib is None or errand.smallest_gpu_mib is None:
        return None
    return Share(errand.share_mib, errand.smallest_gpu_mib)


async def _live(errand: Errand, adapter: Adapter, means: Means, proves: Proves) -> None:
    async with asyncio.TaskGroup() as beside:
        tasks = (
            beside.create_task(_prove_and_watch(proves, errand, adapter, means)),
            beside.create_task(count_work(errand, adapter, means)),
        )
        exit_ = await means.runtimes.wait(errand.instance)
        for task in tasks:
            task.cancel()
    means.post(EngineGone(errand.model.name, errand.instance, exit=exit_))


async def _prove_and_watch(proves: Proves, errand: Errand, adapter: Adapter, means: Means) -> None:
    await proves(errand, adapter, means)
    await watch_health(errand, adapter, means)


async def _prove_what_starts(errand: Errand, adapter: Adapter, means: Means) -> None:
    log = means.logs.current(errand.model.name)
    name, instance = errand.model.name, errand.instance
    heard = Heard(
        progress=adapter.progress,
        announces=announces,
        tell=lambda text: means.post(EngineProgress(name, instance, text)),
        announced=asyncio.Event(),
    )
    async with asyncio.TaskGroup() as both:
        following = both.create_task(follow_progress(log, heard))
        await prove(errand, adapter, means, heard.announced)
        following.cancel()
    text = await asyncio.to_thread(log_files.beginning, log)
    if (mib := adapter.beside_cache_mib(text)) is not None:
        means.post(EngineMeasured(name, instance, mib))


async def _prove_what_runs(errand: Errand, adapter: Adapter, means: Means) -> None:
    calls = adapter.sleep(errand.model)
    to = engine_of(errand, adapter, means)
    if calls is not None and errand.gpus and await talk.is_asleep(to, calls):
        means.post(EngineSlept(errand.model.name, errand.instance))
        return
    await prove(errand, adapter, means)


async def prove(errand: Errand, adapter: Adapter, means: Means, announced: asyncio.Event | None = None) -> None:
    """Until it answers its health check, and then has served one real request. `announced`: its log says that
    it is up."""
    name, instance = errand.model.name, errand.instance
    to = engine_of(errand, adapter, means)
    await until_answering(to, adapter.health(errand.model), announced or asyncio.Event())
    means.post(EngineCame(name, instance, Event.ANSWERING, errand.endpoint))
    canary = adapter.canary(errand.model)
    trouble = None if canary is None else await talk.trouble(to, canary)
    if trouble is None:
        means.post(EngineCame(name, instance, Event.PROVED, errand.endpoint))
        return
    message = f"cannot use {name}: its engine is up, but one small request {trouble}"
    means.post(EngineFaulted(name, instance, failure(Reason.CANARY_FAILED, message)))
