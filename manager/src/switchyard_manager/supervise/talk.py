"""Ask a running engine whether it answers, serves, sleeps. Every request has its time limit."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx

from switchyard_manager.engines import Call, Probe, SleepCalls

BODY_SHOWN = 500


@dataclass(frozen=True, slots=True)
class Engine:
    http: httpx.AsyncClient
    endpoint: str
    headers: Mapping[str, str]

    async def get(self, probe: Probe) -> httpx.Response:
        return await self.http.get(
            self.endpoint + probe.path, headers=dict(self.headers), timeout=probe.timeout_s
        )

    async def send(self, call: Call) -> httpx.Response:
        return await self.http.request(
            call.method,
            self.endpoint + call.path,
            headers=dict(self.headers),
            json=call.body,
            timeout=call.timeout_s,
        )


async def trouble(engine: Engine, canary: Probe) -> str | None:
    """What is wrong with one real request; None: nothing is."""
    if canary.body is None:
        return _told(await _answer(engine.get(canary), canary.timeout_s))
    asked = Call("POST", canary.path, canary.timeout_s, canary.body)
    reply = await _answer(engine.send(asked), canary.timeout_s)
    if canary.instead is None or isinstance(reply, str) or reply.status_code != httpx.codes.BAD_REQUEST:
        return _told(reply)
    return await call(engine, replace(asked, body=canary.instead))


async def call(engine: Engine, what: Call) -> str | None:
    """What came in its way; None: it was done."""
    return _told(await _answer(engine.send(what), what.timeout_s))


async def _answer(request: Coroutine[Any, Any, httpx.Response], timeout_s: float) -> httpx.Response | str:
    """Or why there is none."""
    try:
        # httpx limits each read, and an engine may send a byte now and then for ever.
        async with asyncio.timeout(timeout_s):
            return await request
    except (httpx.TimeoutException, TimeoutError):
        return f"had no answer in {timeout_s:g} s"
    except httpx.HTTPError as error:
        return f"failed ({error})"


def _told(reply: httpx.Response | str) -> str | None:
    if isinstance(reply, str):
        return reply
    if reply.is_success:
        return None
    return f"was answered with {reply.status_code}: {reply.text[:BODY_SHOWN]}"


async def health_trouble(engine: Engine, health: Probe) -> str | None:
    """What is wrong with an engine that a proxy found broken. A busy engine is not a dead one."""
    try:
        reply = await engine.get(health)
    except httpx.TimeoutException:
        return None
    except httpx.HTTPError as error:
        return f"it takes no connection ({error})"
    return None if is_well(reply, health) else f"its health check says {reply.status_code}"


def is_well(reply: httpx.Response, health: Probe) -> bool:
    return reply.is_success or (health.missing_will_do and reply.status_code == httpx.codes.NOT_FOUND)


async def is_asleep(engine: Engine, calls: SleepCalls) -> bool:
    """What cannot be asked is awake: then it will be proved, or not."""
    try:
        reply = await engine.get(calls.asks)
        return reply.is_success and bool(reply.json().get(calls.key))
    except (httpx.HTTPError, ValueError, AttributeError):
        return False


async def work_text(engine: Engine, vitals: Probe) -> str | None:
    """The text in which it counts its work; None: it does not answer now."""
    try:
        reply = await engine.get(vitals)
    except httpx.HTTPError:
        return None
    return reply.text if reply.is_success else None
