"""Switching under fire: the whole product, engines that are real processes, and the peers' worst evenings.

Each test is named for the row of the failure list that it stands for.
"""

import asyncio
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from switchyard_contracts.status import Phase
from switchyard_manager.store import Store
from tests.e2e.whole import TOKEN, Whole, whole_product

CARD = {"uuid": "GPU-0", "name": "declared", "vram_mib": 24_000}
RESIDENT_S = 2.0
WAIT_S = 8.0
FAIR = {
    "gpus": [CARD],
    "settings": {"min_resident_s": RESIDENT_S, "max_wait_s": WAIT_S, "load_cancel_grace_s": 0},
}


async def runs_of(whole: Whole) -> Counter[str]:
    """How often each model was started, as history has it."""

    def count() -> Counter[str]:
        store = Store(whole.folder / "state" / "state.db")
        try:
            return Counter(run.model for run in store.runs(limit=10_000))
        finally:
            store.close()

    await asyncio.sleep(1.2)  # the history is written twice a second
    return await asyncio.to_thread(count)


async def until_phase(whole: Whole, model: str, *phases: Phase) -> None:
    async with asyncio.timeout(40):
        while (await whole.model(model)).phase not in phases:
            await asyncio.sleep(0.02)


async def steadily(whole: Whole, model: str, outcomes: Counter[int], until: float) -> None:
    """One request after the other, without a pause."""
    while time.monotonic() < until:
        outcomes[(await whole.ask(model)).status_code] += 1


async def test_f2_one_request_is_served_within_its_bound_under_constant_load_on_another(tmp_path: Path) -> None:
    outcomes: Counter[int] = Counter()

    async with whole_product(tmp_path, {"a": {}, "b": {}}, **FAIR) as whole:
        assert (await whole.ask("a")).status_code == 200
        async with asyncio.TaskGroup() as clients:
            for _ in range(6):
                clients.create_task(steadily(whole, "a", outcomes, time.monotonic() + 12))
            await asyncio.sleep(0.5)
            began = time.monotonic()
            served = await whole.ask("b")
            waited = time.monotonic() - began

    assert served.status_code == 200
    assert waited < WAIT_S + RESIDENT_S + 5
    assert set(outcomes) == {200}


async def test_f4_two_models_under_saturation_swap_no_oftener_than_min_resident_allows(tmp_path: Path) -> None:
    outcomes: Counter[int] = Counter()
    storm_s = 14.0

    async with whole_product(tmp_path, {"a": {}, "b": {}}, **FAIR) as whole:
        async with asyncio.TaskGroup() as clients:
            for model in ("a", "b") * 8:
                clients.create_task(steadily(whole, model, outcomes, time.monotonic() + storm_s))
        runs = await runs_of(whole)

    assert set(outcomes) == {200}
    # The last turns may come after the storm: those who wait then are served, too.
    assert runs.total() <= storm_s / RESIDENT_S + 3
    assert min(runs["a"], runs["b"]) >= 2, "neither had its turn again: this proves nothing"


async def test_f5_the_leader_leaves_and_the_follower_is_served_by_the_same_load(tmp_path: Path) -> None:
    async with whole_product(tmp_path, {"slow": {"extra_args": ["--load-s", "2"]}}) as whole:
        async with asyncio.TaskGroup() as clients:
            leader = clients.create_task(whole.ask("slow"))
            await until_phase(whole, "slow", Phase.LOADING)
            follower = clients.create_task(whole.ask("slow"))
            await asyncio.sleep(0.2)
            leader.cancel()

        assert follower.result().status_code == 200
        assert await runs_of(whole) == {"slow": 1}


async def test_f5_a_load_that_nobody_waits_for_any_more_gives_way_to_another(tmp_path: Path) -> None:
    models = {"slow": {"extra_args": ["--load-s", "60"]}, "b": {}}

    async with whole_product(tmp_path, models, **FAIR) as whole:
        async with asyncio.TaskGroup() as clients:
            leaves = clients.create_task(whole.ask("slow"))
            await until_phase(whole, "slow", Phase.LOADING)
            leaves.cancel()

        assert (await whole.ask("b")).status_code == 200
        assert (await whole.model("slow")).phase is Phase.STOPPED


async def test_f6_fifty_concurrent_first_requests_start_exactly_one_engine(tmp_path: Path) -> None:
    async with whole_product(tmp_path, {"m": {"extra_args": ["--load-s", "1"]}}) as whole:
        replies = await asyncio.gather(*(whole.ask("m") for _ in range(50)))

        assert {reply.status_code for reply in replies} == {200}
        assert await runs_of(whole) == {"m": 1}


async def test_f3_requests_to_a_loaded_model_go_on_while_another_hangs_in_its_stop(tmp_path: Path) -> None:
    models = {"deaf": {"extra_args": ["--deaf", "1"], "idle_unload_s": 0.3}, "b": {}}
    outcomes: Counter[int] = Counter()

    async with whole_product(tmp_path, models) as whole:
        assert (await whole.ask("b")).status_code == 200
        assert (await whole.ask("deaf")).status_code == 200
        await until_phase(whole, "deaf", Phase.STOPPING)

        await steadily(whole, "b", outcomes, time.monotonic() + 2)

        assert (await whole.model("deaf")).phase is Phase.STOPPING
    assert set(outcomes) == {200}
    assert outcomes[200] > 10


async def test_f18_a_storm_of_disconnects_leaves_nothing_counted(tmp_path: Path) -> None:
    async with whole_product(tmp_path, {"m": {"idle_unload_s": 1}}) as whole:
        await whole.ask("m")

        async def leaves(after_s: float) -> None:
            try:
                async with asyncio.timeout(after_s):
                    await whole.ask("m", stream=True)
            except TimeoutError:
                return

        async with asyncio.TaskGroup() as clients:
            for number in range(200):
                clients.create_task(leaves(0.005 * (number % 60)))
        await until_phase(whole, "m", Phase.STOPPED)

        status = await whole.model("m")
        assert (status.in_flight, status.waiting) == (0, 0)
        assert (whole.proxy.parts.sites.in_flight, whole.proxy.parts.sites.waiting) == (0, 0)


async def test_f21_looking_never_loads(tmp_path: Path) -> None:
    async with whole_product(tmp_path, {"m": {}}) as whole:
        for path in ("/v1/models", "/v1/models/m", "/health", "/", "/v1/nonsense", "/upstream/m/props"):
            await whole.http.get(whole.proxy.url + path)
        await whole.http.options(f"{whole.proxy.url}/v1/chat/completions")

        assert (await whole.model("m")).phase is Phase.STOPPED
        assert await runs_of(whole) == {}


async def test_k20_a_load_that_fails_holds_up_no_other(tmp_path: Path) -> None:
    models = {"bad": {"extra_args": ["--exit", "1"]}, "good": {}}

    async with whole_product(tmp_path, models, **FAIR) as whole:
        bad, good = await asyncio.gather(whole.ask("bad"), whole.ask("good"))

    assert (bad.status_code, good.status_code) == (503, 200)
    assert bad.json()["error"]["code"] == "model_load_failed"


async def test_k29_a_stream_runs_to_its_end_before_its_engine_makes_room(tmp_path: Path) -> None:
    async with whole_product(tmp_path, {"a": {}, "b": {}}, **FAIR) as whole, asyncio.TaskGroup() as clients:
        stream = clients.create_task(whole.ask("a", stream=True))
        await until_phase(whole, "a", Phase.READY)
        await asyncio.sleep(0.5)
        other = clients.create_task(whole.ask("b"))

    assert stream.result().text.rstrip().endswith("data: [DONE]")
    assert stream.result().text.count("data: {") == 200
    assert other.result().status_code == 200


async def test_a_catalog_saved_in_the_middle_of_a_stream_cuts_nobody(tmp_path: Path) -> None:
    async with whole_product(tmp_path, {"a": {}}) as whole:
        async with asyncio.TaskGroup() as clients:
            stream = clients.create_task(whole.ask("a", stream=True))
            await until_phase(whole, "a", Phase.READY)
            text = (tmp_path / "models.json").read_text()
            (tmp_path / "models.json").write_text("{ this is no catalog")
            await asyncio.sleep(1.5)
            (tmp_path / "models.json").write_text(
                text.replace('"path": "."', '"path": ".", "env": {"NEW": "1"}')
            )
            await until_phase(whole, "a", Phase.DRAINING)

        assert stream.result().text.count("data: {") == 200
        assert stream.result().text.rstrip().endswith("data: [DONE]")
        assert (await whole.ask("a")).status_code == 200
        assert await runs_of(whole) == {"a": 2}


async def test_f23_a_stream_that_lasts_longer_than_every_time_limit_is_not_cut(tmp_path: Path) -> None:
    """No limit counts a stream's length: each one here is a tenth of it."""
    limits = {"connect_wait_s": 1.0, "body_pause_s": 1.0, "manager_wait_s": 1.0, "keep_alive_s": 1}
    models = {"a": {"startup_timeout_s": 5}, "b": {}}

    async with whole_product(tmp_path, models, limits) as whole, asyncio.TaskGroup() as clients:
        stream = clients.create_task(whole.ask("a", stream=True))
        await until_phase(whole, "a", Phase.READY)
        # A swap goes on beside it; what blocks the loop meanwhile fails any test of this repository.
        other = clients.create_task(whole.ask("b"))
        await asyncio.wait([stream, other])

    assert other.result().status_code == 200
    assert stream.result().text.count("data: {") == 200
    assert stream.result().text.rstrip().endswith("data: [DONE]")


@pytest.mark.parametrize("path", ["/status", "/api/status"])
async def test_the_status_is_for_whoever_has_the_token(tmp_path: Path, path: str) -> None:
    async with whole_product(tmp_path, {"m": {}}) as whole, httpx.AsyncClient() as stranger:
        with_token = {"Authorization": f"Bearer {TOKEN}"}

        assert (await stranger.get(whole.manager_url + path)).status_code == 401
        assert (await stranger.get(whole.manager_url + path, headers=with_token)).status_code == 200
