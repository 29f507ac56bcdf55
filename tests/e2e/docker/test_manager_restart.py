"""F9, K12, K15: the manager dies at any point and comes back; it takes over what is its own and cuts nobody."""

import asyncio
import contextlib
import json
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from switchyard_contracts.status import ModelStatus, Phase
from tests.e2e.docker.conftest import docker
from tests.e2e.docker.managers import TOKEN, Manager, container_model
from tests.proxy.running import RunningProxy, settings_with

PIECES = 200  # of every stream of `quick_engine.py`
STREAMS = 20
MODELS = 4


@pytest.fixture
async def manager(tmp_path: Path, image: str) -> AsyncIterator[Manager]:
    async with httpx.AsyncClient(trust_env=False) as http:
        made = Manager(tmp_path, http)
        made.write({f"m{number}": container_model(image) for number in range(MODELS)})
        await made.start()
        try:
            yield made
        finally:
            await made.kill()
            await asyncio.to_thread(remove_all_of, made.installation)


def remove_all_of(installation: str) -> None:
    label = f"label=switchyard.installation={installation}"
    for container in docker("ps", "--all", "--quiet", "--filter", label).split():
        docker("rm", "--force", container)
    for network in docker("network", "ls", "--quiet", "--filter", label).split():
        docker("network", "rm", network)


@pytest.fixture
async def proxy(manager: Manager) -> AsyncIterator[RunningProxy]:
    made = RunningProxy(settings_with(manager=manager.url, token=TOKEN, stop_grace_s=0))
    await made.start()
    await made.until(met=True)
    yield made
    await made.stop()


async def containers(manager: Manager) -> set[str]:
    label = f"label=switchyard.installation={manager.installation}"
    said = await asyncio.to_thread(docker, "ps", "--quiet", "--no-trunc", "--filter", label)
    return set(said.split())


async def numbers_of(proxy: RunningProxy, http: httpx.AsyncClient, model: str) -> list[int]:
    """What one stream brought, to its proper end."""
    body = {"model": model, "messages": [{"role": "user", "content": "count"}], "stream": True}
    found: list[int] = []
    done = False
    async with http.stream("POST", f"{proxy.url}/v1/chat/completions", json=body, timeout=40) as reply:
        assert reply.status_code == 200
        async for line in reply.aiter_lines():
            if line == "data: [DONE]":
                done = True
            elif line.startswith("data: "):
                found.append(int(json.loads(line[6:])["choices"][0]["delta"]["content"]))
    assert done, f"{model} ended after {len(found)} pieces without [DONE]"
    return found


async def ask(proxy: RunningProxy, http: httpx.AsyncClient, model: str) -> int:
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
    return (await http.post(f"{proxy.url}/v1/chat/completions", json=body, timeout=40)).status_code


@pytest.mark.timeout(180)
async def test_a_manager_killed_and_started_again_in_the_middle_of_20_streams_cuts_none(
    manager: Manager, proxy: RunningProxy
) -> None:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(trust_env=False, limits=limits) as http:
        for number in range(MODELS):
            assert await ask(proxy, http, f"m{number}") == 200
        before = await containers(manager)

        async with asyncio.TaskGroup() as streams:
            running = [
                streams.create_task(numbers_of(proxy, http, f"m{number % MODELS}")) for number in range(STREAMS)
            ]
            await until(lambda: proxy.parts.sites.in_flight == STREAMS)
            await manager.kill()
            await proxy.until(met=False)
            await manager.start()
            await proxy.until(met=True)
            adopted = await all_ready(manager)

        assert [task.result() for task in running] == [list(range(PIECES))] * STREAMS
        assert len(before) == MODELS
        assert await containers(manager) == before
        assert sum(model.in_flight for model in adopted.values()) == STREAMS
        for number in range(MODELS):
            assert await ask(proxy, http, f"m{number}") == 200
        assert await containers(manager) == before


def kill_if_it_runs(container: str) -> None:
    """The manager that died may have told it to stop, and it may just have done so."""
    with contextlib.suppress(AssertionError):
        docker("kill", container)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.02)


async def all_ready(manager: Manager) -> dict[str, ModelStatus]:
    async with asyncio.timeout(30):
        while True:
            models = await manager.models()
            if all(model.phase is Phase.READY for model in models.values()):
                return models
            await asyncio.sleep(0.05)


async def test_f6_fifty_concurrent_first_requests_make_exactly_one_container(
    manager: Manager, proxy: RunningProxy
) -> None:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(trust_env=False, limits=limits) as http:
        codes = await asyncio.gather(*(ask(proxy, http, "m0") for _ in range(50)))

    assert set(codes) == {200}
    assert len(await containers(manager)) == 1


@pytest.mark.timeout(120)
async def test_a_changed_model_is_replaced_after_a_restart_and_its_stream_is_not_cut(
    manager: Manager, proxy: RunningProxy, image: str
) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        assert await ask(proxy, http, "m0") == 200
        before = await containers(manager)
        stream = numbers_of(proxy, http, "m0")
        async with asyncio.TaskGroup() as own:
            running = own.create_task(stream)
            await until(lambda: proxy.parts.sites.in_flight == 1)
            await manager.kill()
            manager.write({"m0": container_model(image, env={"NEW": "1"})})
            await manager.start()

        assert running.result() == list(range(PIECES))
        assert await ask(proxy, http, "m0") == 200
        assert not await containers(manager) & before


@pytest.mark.timeout(120)
@pytest.mark.parametrize("after_s", [0.0, 0.1, 0.3, 0.6])
async def test_a_manager_killed_in_the_middle_of_a_load_leaves_one_container_or_none(
    manager: Manager, proxy: RunningProxy, after_s: float
) -> None:
    async with httpx.AsyncClient(trust_env=False) as http, asyncio.TaskGroup() as own:
        asking = own.create_task(ask(proxy, http, "m0"))
        await asyncio.sleep(after_s)
        await manager.kill()
        await manager.start()

        await asking
        assert await ask(proxy, http, "m0") == 200
        assert len(await containers(manager)) == 1


async def test_a_catalog_that_cannot_be_read_is_no_reason_to_remove_anything(
    manager: Manager, proxy: RunningProxy
) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        assert await ask(proxy, http, "m0") == 200
        before = await containers(manager)
        whole = (manager.folder / "models.json").read_text()

        for broken in ("", "{", '{"models": {"m0": {}}}'):
            (manager.folder / "models.json").write_text(broken)
            await manager.kill(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(3):
                    await manager.start()
            assert await containers(manager) == before

        (manager.folder / "models.json").write_text(whole)
        await manager.kill()
        await manager.start()
        assert await ask(proxy, http, "m0") == 200
        assert await containers(manager) == before


KILLS = 8


@pytest.mark.timeout(240)
async def test_a_manager_killed_again_and_again_among_loads_unloads_and_dying_engines_loses_nothing(
    manager: Manager, proxy: RunningProxy, image: str
) -> None:
    """The kills fall into loads, drains and stops as they come; requests meanwhile wait, or hear why not."""
    await manager.kill()
    manager.write({name: container_model(image, idle_unload_s=0.3) for name in "ab"})
    await manager.start()
    await proxy.until(met=True)
    chance = random.Random(7)
    outcomes: Counter[int] = Counter()
    over = asyncio.Event()

    async def client(model: str, http: httpx.AsyncClient) -> None:
        while not over.is_set():
            outcomes[await ask(proxy, http, model)] += 1
            await asyncio.sleep(chance.uniform(0, 1.5))

    async with httpx.AsyncClient(trust_env=False) as http:
        async with asyncio.TaskGroup() as clients:
            for model in "abab":
                clients.create_task(client(model, http))
            for _ in range(KILLS):
                await asyncio.sleep(chance.uniform(0.3, 3.0))
                await manager.kill()
                for container in sorted(await containers(manager))[: chance.randrange(2)]:
                    await asyncio.to_thread(kill_if_it_runs, container)
                await manager.start()
            over.set()

        assert set(outcomes) <= {200, 502, 503}
        assert outcomes[200] > KILLS
        assert [await ask(proxy, http, model) for model in "ab"] == [200, 200]
        assert len(await containers(manager)) <= 2
