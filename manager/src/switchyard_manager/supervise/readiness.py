"""Notice at once that an engine answers, and burden neither it nor this machine while it loads.

What costs the engine nothing is looked at often: whether its port takes connections, and what it logs. What it
must answer itself is asked seldom, until one of those two has told that it may be worth it.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx

from switchyard_manager.engines import Probe
from switchyard_manager.supervise import talk
from switchyard_manager.supervise.talk import Engine

LOOK_S = 0.01
SHARE = 0.002  # of what was waited so far: so much later, at most, is the end of a long wait noticed
LOOK_AT_MOST_S = 0.1
ASK_S = 0.1
ASKS_AT_ONCE = 100  # after it announced itself; it may speak before it is, and once in a while it is not


def pauses(first_s: float, share: float, last_s: float) -> Iterator[float]:
    """How long to wait before each further look: longer, the longer the wait has been."""
    waited_s = 0.0
    while True:
        pause_s = min(last_s, max(first_s, share * waited_s))
        yield pause_s
        waited_s += pause_s


async def until_answering(engine: Engine, health: Probe, announced: asyncio.Event) -> None:
    """A refused connection is an engine that still loads; so is any answer but that it is well."""
    await _until_it_takes_connections(engine.endpoint, health.timeout_s)
    at_once = ASKS_AT_ONCE
    while not await _is_well(engine, health):
        if announced.is_set():
            await asyncio.sleep(LOOK_S if at_once > 0 else ASK_S)
            at_once -= 1
        else:
            await _first_of(announced, ASK_S)


async def _first_of(announced: asyncio.Event, limit_s: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            await announced.wait()


async def _is_well(engine: Engine, health: Probe) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return talk.is_well(await engine.get(health), health)
    return False


async def _until_it_takes_connections(endpoint: str, limit_s: float) -> None:
    where = urlsplit(endpoint)
    for pause_s in pauses(LOOK_S, SHARE, LOOK_AT_MOST_S):
        with contextlib.suppress(OSError):  # a time limit that is over is one, too
            async with asyncio.timeout(limit_s):
                _, writer = await asyncio.open_connection(where.hostname, where.port)
            writer.transport.abort()
            return
        await asyncio.sleep(pause_s)
