"""Bring one engine up, prove it, and watch over it to its end. Tells; never decides."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from switchyard_contracts.catalog import Model
from switchyard_contracts.errors import Reason
from switchyard_contracts.status import Failure
from switchyard_manager.engines import Adapter, Probe
from switchyard_manager.engines.reasons import ADVICE
from switchyard_manager.errors import EngineFailed
from switchyard_manager.lifecycle import Event
from switchyard_manager.places import Places
from switchyard_manager.runtimes import Runtime
from switchyard_manager.supervise.news import EngineCame, EngineFaulted, EngineGone, EngineStands, News

PROBE_EVERY_S = 0.1
BODY_SHOWN = 500


@dataclass(frozen=True, slots=True)
class Order:
    """One engine to bring up."""

    model: Model
    instance: str
    adapter: Adapter
    places: Places


async def bring_up(
    order: Order, runtime: Runtime, http: httpx.AsyncClient, post: Callable[[News], None]
) -> None:
    """Ends when the engine has ended. How long it may take is the scheduler's to limit, by stopping it."""
    name, instance = order.model.name, order.instance
    try:
        listen = await runtime.listen()
        # In a thread: it looks at folders, and a disk may sleep.
        spec = await asyncio.to_thread(order.adapter.run_spec, order.model, instance, listen, order.places)
        endpoint = await runtime.start(spec)
    except EngineFailed as error:
        post(EngineGone(name, instance, exit=None, failure=error.failure))
        return
    post(EngineCame(name, instance, Event.LAUNCHED, endpoint))
    async with asyncio.TaskGroup() as both:
        proving = both.create_task(_prove(order, endpoint, http, post))
        exit_ = await runtime.wait(instance)
        proving.cancel()
    post(EngineGone(name, instance, exit=exit_))


async def _prove(order: Order, endpoint: str, http: httpx.AsyncClient, post: Callable[[News], None]) -> None:
    name, instance = order.model.name, order.instance
    await _until_answering(http, endpoint, order.adapter.health())
    post(EngineCame(name, instance, Event.ANSWERING, endpoint))
    trouble = await _trouble(http, endpoint, order.adapter.canary(order.model))
    if trouble is None:
        post(EngineCame(name, instance, Event.PROVED, endpoint))
    else:
        message = f"cannot use {name}: its engine is up, but one small request {trouble}"
        reason = Reason.CANARY_FAILED
        post(EngineFaulted(name, instance, Failure(reason=reason, message=message, advice=ADVICE[reason])))


async def _until_answering(http: httpx.AsyncClient, endpoint: str, probe: Probe) -> None:
    """A refused connection is an engine that still loads; so is anything but a 2xx."""
    while True:
        with contextlib.suppress(httpx.HTTPError):
            reply = await http.get(endpoint + probe.path, timeout=probe.timeout_s)
            if reply.is_success:
                return
        await asyncio.sleep(PROBE_EVERY_S)


async def _trouble(http: httpx.AsyncClient, endpoint: str, probe: Probe) -> str | None:
    try:
        reply = await http.post(endpoint + probe.path, json=probe.body, timeout=probe.timeout_s)
    except httpx.TimeoutException:
        return f"had no answer in {probe.timeout_s:g} s"
    except httpx.HTTPError as error:
        return f"failed ({error})"
    if reply.is_success:
        return None
    return f"was answered with {reply.status_code}: {reply.text[:BODY_SHOWN]}"


async def check(order: Order, endpoint: str, http: httpx.AsyncClient, post: Callable[[News], None]) -> None:
    """A proxy found this engine broken: look for ourselves."""
    name, instance, probe = order.model.name, order.instance, order.adapter.health()
    try:
        reply = await http.get(endpoint + probe.path, timeout=probe.timeout_s)
        said = None if reply.is_success else f"its health check says {reply.status_code}"
    except httpx.TimeoutException:
        said = None  # a busy engine is not a dead one
    except httpx.HTTPError as error:
        said = f"it takes no connection ({error})"
    if said is None:
        post(EngineStands(name, instance))
        return
    reason = Reason.ENGINE_EXITED
    failure = Failure(reason=reason, message=f"cannot use {name}: {said}", advice=ADVICE[reason])
    post(EngineFaulted(name, instance, failure))
