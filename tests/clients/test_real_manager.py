"""What clients see of the manager itself, which is real here as the engines' processes are: E6 and D2."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from switchyard_contracts.status import Phase
from tests.clients.programs import Program
from tests.e2e.whole import TOKEN, Whole, whole_product


async def starts_of(whole: Whole) -> list[str]:
    """The models that were started, in order."""
    await asyncio.sleep(1.2)  # the history is written twice a second
    reply = await whole.http.get(
        f"{whole.manager_url}/api/history", headers={"Authorization": f"Bearer {TOKEN}"}
    )
    return [event["model"] for event in reply.json() if event["data"].get("after") == Phase.STARTING]


def settings(folder: Path) -> dict[str, Any]:
    return {"state": str(folder / "of-proxy"), "stream_store": "memory"}


@pytest.mark.contract("E6")
async def test_ten_retries_of_a_failed_load_start_the_container_once(
    tmp_path: Path, openai2: Program, openai_node: Program
) -> None:
    models = {"bad": {"extra_args": ["--exit", "1"]}}
    async with whole_product(tmp_path, models, settings(tmp_path)) as whole:
        asked = {"base_url": f"{whole.proxy.url}/v1", "model": "bad", "retries": 2}
        seen = [await client.does("chat", **asked) for client in (openai2, openai_node) * 5]
        starts = await starts_of(whole)

    assert {saw.error and saw.error.code for saw in seen} == {"model_load_failed"}
    assert {saw.attempts for saw in seen} == {1}
    assert starts == ["bad"]


@pytest.mark.contract("D2")
async def test_buttons_load_and_unload_and_everyone_sees_it(tmp_path: Path) -> None:
    models: dict[str, Any] = {"good": {"extra_args": ["--load-s", "0.3"]}}
    async with whole_product(tmp_path, models, settings(tmp_path)) as whole:
        url = whole.proxy.url
        async with asyncio.timeout(5):
            while not await listed(whole):
                await asyncio.sleep(0.01)
        async with whole.http.stream("GET", f"{url}/models/sse") as news:
            told = states(news.aiter_lines(), "good")
            loads = await whole.http.post(f"{url}/models/load", json={"model": "good"})
            rises = await until(told, "loaded")
            loaded = await listed(whole)
            unloads = await whole.http.post(f"{url}/models/unload", json={"model": "good"})
            falls = await until(told, "unloaded")
            unloaded = await listed(whole)

    assert (loads.status_code, loads.json()) == (200, {"success": True})
    assert (unloads.status_code, unloads.json()) == (200, {"success": True})
    assert rises == ["unloaded", "loading", "loaded"]
    assert falls == ["unloaded"]
    assert (loaded, unloaded) == ({"good": "loaded"}, {"good": "unloaded"})


async def states(lines: AsyncIterator[str], model: str) -> AsyncIterator[str]:
    """What the news say of a model, without repeats."""
    last = None
    async for line in lines:
        if line.startswith("data:"):
            told = json.loads(line.removeprefix("data:"))
            if told["event"] == "model_status" and told["model"] == model and told["data"]["status"] != last:
                last = told["data"]["status"]
                yield last


async def until(told: AsyncIterator[str], last: str) -> list[str]:
    seen: list[str] = []
    async with asyncio.timeout(20):
        while seen[-1:] != [last]:
            seen.append(await anext(told))
    return seen


async def listed(whole: Whole) -> dict[str, str]:
    reply = await whole.http.get(f"{whole.proxy.url}/models")
    return {model["id"]: model["status"]["value"] for model in reply.json().get("data", ())}
