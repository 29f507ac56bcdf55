"""A proxy as a process between an engine that floods and a manager that grants; each pinned to a core."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from bench.proxy.processes import favour

from switchyard_contracts.grants import Drained, InFlight, Unwant, Want
from tests.e2e.proxy.processes import SCRIPTS, Proxy, proxy_of
from tests.proxy.managers import GrantsWhatIsWanted, status

HERE = Path(__file__).parent
SERVED = ("paced", "trickle", "flood", "lump", "plain", "silent")
NAMED = ("--rpm", "1000000000", "--concurrent", "100000", "--tokens-per-day", "1000000000000")


@dataclass
class Ground:
    """A proxy between an engine and a manager that grants everything but `never`."""

    proxy: Proxy
    manager: GrantsWhatIsWanted
    engine: int
    key: str
    core: int | None
    http: httpx.AsyncClient

    async def crowd(self, seconds: float, **said: Any) -> dict[str, Any]:
        """What became of it. Ends with the test, whatever becomes of that."""
        told = {"port": self.proxy.port, "key": self.key, "seconds": seconds} | said
        async with program(HERE / "crowd.py", json.dumps(told), core=self.core) as running:
            out, _ = await running.communicate()
            assert running.returncode == 0
        found: dict[str, Any] = json.loads(out)
        return found

    def in_flight_as_told(self) -> int:
        """As the manager has it: the last word on each grant."""
        last: dict[str, int] = {}
        for word in self.manager.heard:
            match word:
                case InFlight():
                    last[word.grant] = word.n
                case Drained():
                    last[word.grant] = 0
                case _:
                    pass
        return sum(last.values())

    def tickets_left(self) -> set[str]:
        given_up = {word.ticket for word in self.manager.of(Unwant)}
        return {word.ticket for word in self.manager.of(Want)} - given_up


@contextlib.asynccontextmanager
async def program(*command: str | Path, core: int | None) -> AsyncIterator[asyncio.subprocess.Process]:
    running = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
    try:
        if core is not None:
            os.sched_setaffinity(running.pid, {core})
            favour(running.pid)
        yield running
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()


@contextlib.contextmanager
def two_cores() -> Iterator[tuple[int | None, int | None]]:
    """One for the proxy, and one for all else, this process included."""
    mine = sorted(os.sched_getaffinity(0))
    if len(mine) < 2:
        yield None, None
        return
    os.sched_setaffinity(0, {mine[1]})
    try:
        yield mine[0], mine[1]
    finally:
        os.sched_setaffinity(0, mine)


@contextlib.asynccontextmanager
async def ground_in(folder: Path, **settings: object) -> AsyncIterator[Ground]:
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    key = await named_key(folder / "proxy-state")
    async with contextlib.AsyncExitStack() as stack:
        for_proxy, for_others = stack.enter_context(two_cores())
        http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        engine = await stack.enter_async_context(program(HERE / "flood_engine.py", core=for_others))
        assert engine.stdout is not None
        port = int(await engine.stdout.readline())
        models = [status(name, serving={"max_queue": 100_000}) for name in (*SERVED, "never")]
        manager = GrantsWhatIsWanted(models, dict.fromkeys(SERVED, f"http://127.0.0.1:{port}"))
        await manager.start()
        stack.push_async_callback(manager.close)
        proxy = proxy_of(folder, http, manager.url, for_proxy, **settings)
        stack.push_async_callback(proxy.end)
        await proxy.start()
        await proxy.until_met()
        yield Ground(proxy, manager, port, key, for_others, http)


async def named_key(state: Path) -> str:
    command = (SCRIPTS / "switchyard-proxy", "keys", "add", "crowd", "--state", state, *NAMED)
    making = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    out, _ = await making.communicate()
    assert making.returncode == 0
    return out.decode().strip()
