"""Two hundred requests of every kind, sixteen at a time, to real models: afterwards nothing is left of them.

Whoever comes gets an answer or a refusal; some leave in the middle. Then memory and threads are as before.
"""

import asyncio
import contextlib
import ctypes
import gc
import random
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch

from switchyard_image_server.settings import ResultSettings

REQUESTS, WARMING, AT_ONCE = 200, 48, 16
LEFT_MIB = 32.0
PATIENCE_S = 60.0
CHAT, DRAW, EDIT = "/v1/chat/completions", "/v1/images/generations", "/v1/images/edits"
Ask = Callable[[httpx.AsyncClient, int], Awaitable[int]]


def resident_mib() -> float:
    """After what is free was given back."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def living_tensor_bytes() -> int:
    gc.collect()
    storages = {
        one.untyped_storage().data_ptr(): one.untyped_storage().nbytes()
        for one in gc.get_objects()
        if type(one) in {torch.Tensor, torch.nn.Parameter}
    }
    return sum(storages.values())


def posting(path: str, body: Callable[[int], dict[str, Any]]) -> Ask:
    async def ask(client: httpx.AsyncClient, number: int) -> int:
        return (await client.post(path, json=body(number))).status_code

    return ask


def leaving(path: str, body: Callable[[int], dict[str, Any]]) -> Ask:
    """Hears the beginning of a stream, and hangs up."""

    async def ask(client: httpx.AsyncClient, number: int) -> int:
        async with client.stream("POST", path, json=body(number)) as reply:
            with contextlib.suppress(StopAsyncIteration):
                await anext(reply.aiter_bytes())
            return reply.status_code

    return ask


def giving_up(path: str, body: Callable[[int], dict[str, Any]]) -> Ask:
    """Never hears a word: its patience ends first."""

    async def ask(client: httpx.AsyncClient, number: int) -> int:
        with contextlib.suppress(httpx.TimeoutException):
            return (await client.post(path, json=body(number), timeout=0.05)).status_code
        return 0

    return ask


def user(content: Any, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}], "max_tokens": 24, **more}


def seen(url: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]


def of_chat(url: str) -> tuple[Ask, ...]:
    return (
        posting(CHAT, lambda n: user(f"count to {n}")),
        posting(CHAT, lambda n: user(seen(url), seed=n)),
        posting(CHAT, lambda n: user("say it twice", n=2, seed=n, logprobs=True)),
        posting(CHAT, lambda n: user(seen(url), stream=True)),
        leaving(CHAT, lambda n: user("count to a hundred", stream=True, max_tokens=2000, ignore_eos=True)),
        giving_up(CHAT, lambda n: user(seen(url), max_tokens=2000, ignore_eos=True)),
        posting(CHAT, lambda n: user(seen("data:image/png;base64,AAAA"))),
        posting("/v1/tokenize", lambda n: user(seen(url))),
    )


def small(number: int, **more: Any) -> dict[str, Any]:
    return {"prompt": f"lighthouse {number}", "size": "64x64", "steps": 2, "user": f"u{number % 5}", **more}


def editing(picture: bytes) -> Ask:
    async def ask(client: httpx.AsyncClient, number: int) -> int:
        fields = {"prompt": "make it red", "size": "64x64", "steps": "2", "strength": "0.9"}
        reply = await client.post(EDIT, data=fields, files={"image": ("a.png", picture, "image/png")})
        return reply.status_code

    return ask


async def fetches(client: httpx.AsyncClient, number: int) -> int:
    answer = (await client.post(DRAW, json=small(number, response_format="url"))).json()
    return (await client.get(answer["data"][0]["url"])).status_code


async def cancels_its_job(client: httpx.AsyncClient, number: int) -> int:
    job = (await client.post(DRAW, json=small(number, steps=100) | {"async": True})).json()
    await client.get(f"/v1/jobs/{job['id']}")
    return (await client.delete(f"/v1/jobs/{job['id']}")).status_code


async def waits_for_its_job(client: httpx.AsyncClient, number: int) -> int:
    job = (await client.post(DRAW, json=small(number) | {"async": True})).json()
    async with client.stream("GET", f"/v1/jobs/{job['id']}/events") as told:
        async for _ in told.aiter_lines():
            pass
    return (await client.get(f"/v1/jobs/{job['id']}")).status_code


def of_pictures(picture: bytes) -> tuple[Ask, ...]:
    return (
        posting(DRAW, lambda n: small(n, n=2)),
        posting(DRAW, lambda n: small(n, stream=True, partial_images=2)),
        leaving(DRAW, lambda n: small(n, stream=True, partial_images=3, steps=60)),
        giving_up(DRAW, lambda n: small(n, steps=100)),
        posting(DRAW, lambda n: small(n) | {"size": "1x1"}),
        editing(picture),
        fetches,
        cancels_its_job,
        waits_for_its_job,
    )


async def storm(url: str, asks: tuple[Ask, ...], count: int) -> Counter[int]:
    """The statuses that came; 0 for those who gave up."""
    order = random.Random(7)
    places = asyncio.Semaphore(AT_ONCE)
    found: Counter[int] = Counter()

    async def one(client: httpx.AsyncClient, number: int) -> None:
        async with places:
            found[await order.choice(asks)(client, number)] += 1

    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_S) as client, asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(one(client, number))
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["vision", "image"])
def test_two_hundred_mixed_requests_leave_nothing_behind(
    kind: str,
    demo: Path,
    load_from: Callable[..., Any],
    serve: Callable[..., Any],
    make_png: Callable[..., bytes],
    as_data_url: Callable[..., str],
) -> None:
    asks = of_chat(as_data_url(make_png((96, 64)))) if kind == "vision" else of_pictures(make_png((64, 64)))
    threads_before = {thread.name for thread in threading.enumerate()}
    served = serve(
        lambda: load_from(demo / kind),
        max_queue=REQUESTS,
        results=ResultSettings(keep_s=60, max_mib=8),
    ).until_ready()
    asyncio.run(storm(served.url, asks, WARMING))
    served.until(lambda: not served.worker.busy and served.worker.waiting == 0)
    mib, tensors = resident_mib(), living_tensor_bytes()

    found = asyncio.run(storm(served.url, asks, REQUESTS))

    served.until(lambda: not served.worker.busy and served.worker.waiting == 0)
    assert found.total() == REQUESTS
    assert set(found) <= {0, 200, 202, 204, 400}, found
    assert found[200] > REQUESTS / 3
    assert living_tensor_bytes() <= tensors
    assert resident_mib() - mib < LEFT_MIB
    served.close()
    left = {thread.name for thread in threading.enumerate()} - threads_before
    assert left <= {"tqdm_monitor"}  # a library's, one for the whole process, since the first load
