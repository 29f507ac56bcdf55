"""F1, F18: ten thousand requests at the worst moments, with real processes, and nothing is lost or left.

Each falls at a random offset around the moment at which its model is unloaded for idleness, or at which another
wants its GPU. The peers' worst bugs live there: a request that joins a stop, a waiter whom nobody wakes.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from switchyard_contracts.status import Phase
from switchyard_manager.runtimes import leftovers
from tests.e2e.whole import Whole, whole_product

REQUESTS = int(os.environ.get("SWITCHYARD_TEST_REQUESTS", "10000"))
IDLE_S = 0.4
CARDS = 12
CARD = {"name": "declared", "vram_mib": 24_000}
SEED = 20_261_121
# On a quiet machine nobody waits longer than some seconds; a busy one is no fault.
LIMITS_S = {"load_wait_s": 600}


def catalog() -> tuple[dict[str, object], dict[str, object]]:
    """Six models have a GPU each; the others share six by turns, three to one."""
    alone = {f"alone-{n}": {"gpus": [f"GPU-{n}"], "idle_unload_s": IDLE_S} for n in range(6)}
    by_turns = {f"turn-{n}": {"gpus": [f"GPU-{6 + n % 6}"], "idle_unload_s": IDLE_S} for n in range(18)}
    gpus = [{"uuid": f"GPU-{n}", **CARD} for n in range(CARDS)]
    return {**alone, **by_turns}, {"gpus": gpus, "settings": {"min_resident_s": 0, "max_wait_s": 5}}


@pytest.mark.timeout(1200)
async def test_ten_thousand_requests_around_unload_and_eviction_all_resolve(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    models, more = catalog()
    outcomes: Counter[str] = Counter()
    left = iter(range(REQUESTS))

    async with whole_product(tmp_path, models, LIMITS_S, **more) as whole, asyncio.timeout(1100):
        async with asyncio.TaskGroup() as clients:
            for _ in range(2):
                for name in models:
                    clients.create_task(_client(whole, name, left, chance, outcomes))
        await _until_all_rest(whole)

        assert outcomes["200"] + outcomes["left"] == REQUESTS, outcomes
        assert whole.proxy.parts.sites.in_flight == 0
        assert whole.proxy.parts.sites.waiting == 0
        installation = whole.installation
        assert await asyncio.to_thread(lambda: list(leftovers.find(leftovers.ENGINE_MARK, installation))) == []
    runs = await asyncio.to_thread(lambda: _runs(tmp_path))
    assert runs > REQUESTS / 50, "too few engines were started for this to prove anything"


async def _client(
    whole: Whole, name: str, left: Iterator[int], chance: random.Random, outcomes: Counter[str]
) -> None:
    for _ in left:
        await asyncio.sleep(chance.choice([0.0, IDLE_S + chance.uniform(-0.15, 0.25)]))
        if chance.random() < 0.05:
            outcomes[await _hangs_up(whole, name, chance.uniform(0, 0.2))] += 1
        else:
            outcomes[str((await whole.ask(name)).status_code)] += 1


async def _hangs_up(whole: Whole, name: str, after_s: float) -> str:
    try:
        async with asyncio.timeout(after_s):
            return str((await whole.ask(name)).status_code)
    except TimeoutError:
        return "left"


async def _until_all_rest(whole: Whole) -> None:
    async with asyncio.timeout(300):
        while True:
            status = await whole.status()
            if all(m.phase is Phase.STOPPED and not m.waiting and not m.in_flight for m in status.models):
                return
            await asyncio.sleep(0.2)


def _runs(folder: Path) -> int:
    from switchyard_manager.store import Store

    store = Store(folder / "state" / "state.db")
    try:
        return len(store.runs(limit=100_000))
    finally:
        store.close()
