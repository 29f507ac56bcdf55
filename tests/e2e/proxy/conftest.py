"""The real manager, the real proxy, and engines that the manager starts: processes that can be killed."""

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from switchyard_manager.runtimes import leftovers
from tests.e2e.proxy.hearing import Verdict, ask, chat, judge
from tests.e2e.proxy.processes import OPERATOR, Manager, Proxy, manager_of, proxy_of

ROUNDS = int(os.environ.get("SWITCHYARD_TEST_KILLS", "2"))
ENGINE = Path(__file__).with_name("counting_engine.py")


@dataclass(frozen=True)
class Round:
    """Models of its own, for a manager leaves alone what dies twice in a row; and chance, from a seed."""

    number: int
    models: tuple[str, str]
    chance: random.Random

    @classmethod
    def nth(cls, number: int) -> "Round":
        return cls(number, (f"a{number}", f"b{number}"), random.Random(number))


def rounds() -> Iterator[Round]:
    """Each is said before it begins, so that it can be had again."""
    for number in range(1, ROUNDS + 1):
        sys.stdout.write(f"seed {number}\n")
        yield Round.nth(number)


@dataclass
class House:
    manager: Manager
    proxy: Proxy

    async def engines(self, models: tuple[str, str]) -> list[psutil.Process]:
        return await asyncio.to_thread(engines_of, self.manager.installation, models)

    async def warm(self, models: tuple[str, str]) -> None:
        """Until both answer."""
        async with asyncio.timeout(40):
            await self.proxy.until_met()
            for model in models:
                while judge(await ask(self.proxy.port, chat(model, 1, OPERATOR)), 1) is not Verdict.WHOLE:
                    await asyncio.sleep(0.2)

    async def until_nothing_is_left(self) -> None:
        for gauge in ("in_flight", "waiting"):
            await self.proxy.until(f"switchyard_proxy_{gauge}", 0)
        await self.manager.until_at_rest()
        assert "Traceback" not in self.proxy.log


def engines_of(installation: str, models: tuple[str, str]) -> list[psutil.Process]:
    """Without their wardens."""
    found = []
    for process in leftovers.find(leftovers.ENGINE_MARK, installation):
        with contextlib.suppress(psutil.Error):
            words = process.cmdline()
            if not set(words).isdisjoint(models) and not any("warden" in word for word in words):
                found.append(process)
    return found


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    engine = tmp_path / "engine"
    engine.write_text(f"#!{sys.executable} -SE\n{ENGINE.read_text()}")
    engine.chmod(0o755)
    async with httpx.AsyncClient(trust_env=False) as http:
        models = (name for number in range(1, ROUNDS + 1) for name in Round.nth(number).models)
        manager = manager_of(tmp_path, http, str(engine), {name: {} for name in models})
        proxy = proxy_of(tmp_path, http, manager.url, load_wait_s=20)
        try:
            await asyncio.gather(manager.start(), proxy.start())
            yield House(manager, proxy)
        finally:
            await proxy.end()
            await manager.end(signal.SIGTERM)
