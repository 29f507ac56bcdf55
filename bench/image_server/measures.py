"""What is measured, one function for each question. Pairs are interleaved: what the machine does hits both."""

import concurrent.futures
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from bench.image_server.sides import PAUSE, Bare, bare, served

PROMPT = "a lighthouse at dawn"
QUESTION = [{"role": "user", "content": "count to a hundred"}]
LANES = ("one", "two")


@dataclass(frozen=True, slots=True)
class Pair:
    """Seconds of each call, in the order in which they were made."""

    name: str
    bare_s: tuple[float, ...]
    served_s: tuple[float, ...]

    @property
    def usual_s(self) -> float:
        return statistics.median(self.bare_s)

    @property
    def added_s(self) -> float:
        """The median of the differences, not the difference of the medians: neighbours share their fate."""
        return statistics.median(ours - theirs for theirs, ours in zip(self.bare_s, self.served_s, strict=True))


def in_turn(name: str, rounds: int, theirs: Callable[[int], float], ours: Callable[[int], float]) -> Pair:
    """Each side goes first in every other round. The first round of all is not counted."""
    found: list[tuple[float, float]] = []
    for number in range(rounds + 1):
        if number % 2:
            second = ours(number)
            found.append((theirs(number), second))
        else:
            first = theirs(number)
            found.append((first, ours(number)))
    counted = found[1:]
    return Pair(name, tuple(one for one, _ in counted), tuple(two for _, two in counted))


def timed(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def sent(client: httpx.Client, path: str, body: dict[str, Any]) -> httpx.Response:
    """All of the reply, unread: what a client makes of it is its own time."""
    reply = client.post(path, json=body)
    if reply.status_code != 200:
        raise SystemExit(f"{path} answered {reply.status_code}: {reply.text[:500]}")
    return reply


def posted(client: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = sent(client, path, body).json()
    return answer


def pictures(folder: Path, rounds: int, shapes: tuple[tuple[int, int, str], ...]) -> list[Pair]:
    """`shapes` are sides, steps and formats."""
    with bare("image", folder) as direct, served(folder) as client:
        return [_pictures(direct, client, rounds, *shape) for shape in shapes]


def _pictures(direct: Bare, client: httpx.Client, rounds: int, side: int, steps: int, kind: str) -> Pair:
    usual = {"prompt": PROMPT, "size": f"{side}x{side}", "steps": steps, "true_cfg_scale": 1}

    def ours(seed: int) -> float:
        body = {**usual, "seed": seed, "output_format": kind}
        return timed(lambda: sent(client, "/v1/images/generations", body))

    def theirs(seed: int) -> float:
        return direct.seconds(prompt=PROMPT, side=side, steps=steps, seed=seed)

    return in_turn(f"{side}x{side}, {steps} steps, {kind.upper()}", rounds, theirs, ours)


def answers(folder: Path, name: str, rounds: int, tokens: int) -> Pair:
    body = {"messages": QUESTION, "max_tokens": tokens, "temperature": 0, "ignore_eos": True}
    with bare("chat", folder) as direct, served(folder) as client:
        return in_turn(
            f"{tokens} tokens of {name}",
            rounds,
            lambda _: direct.seconds(messages=QUESTION, tokens=tokens),
            lambda _: timed(lambda: sent(client, "/v1/chat/completions", body)),
        )


@dataclass(frozen=True, slots=True)
class Together:
    """Tokens a second, one answer at a time and several."""

    alone: float
    several: dict[int, float]


def together(folder: Path, tokens: int, counts: tuple[int, ...]) -> Together:
    body = {"messages": QUESTION, "max_tokens": tokens, "ignore_eos": True}

    def rate(client: httpx.Client, count: int) -> float:
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            began = time.perf_counter()
            list(pool.map(lambda _: posted(client, "/v1/chat/completions", body), range(count)))
            return count * tokens / (time.perf_counter() - began)

    with served(folder, "--max-concurrency", str(max(counts)), "--max-queue", "64") as client:
        rate(client, 1)
        return Together(rate(client, 1), {count: rate(client, count) for count in counts})


@dataclass(frozen=True, slots=True)
class LettingGo:
    """From the moment a client hangs up, or cancels its job, until the next one's first step could begin."""

    step_s: float
    left_s: tuple[float, ...]


def letting_go(folder: Path, rounds: int, side: int, steps: int) -> LettingGo:
    """A job of many steps is cancelled in its middle; measured until the server is idle."""
    body = {"prompt": PROMPT, "size": f"{side}x{side}", "steps": steps, "true_cfg_scale": 1}
    with served(folder) as client:
        whole = timed(lambda: posted(client, "/v1/images/generations", body))
        found = [_cancelled(client, body) for _ in range(rounds)]
    return LettingGo(whole / steps, tuple(found))


def _cancelled(client: httpx.Client, body: dict[str, Any]) -> float:
    job = client.post("/v1/images/generations", json=body | {"async": True}).json()
    while (client.get(f"/v1/jobs/{job['id']}").json().get("step") or 0) < 2:
        PAUSE.wait(0.005)
    began = time.perf_counter()
    client.delete(f"/v1/jobs/{job['id']}")
    while client.get("/health").json().get("busy"):
        PAUSE.wait(0.001)
    return time.perf_counter() - began


def health_while_drawing(folder: Path, seconds: float, side: int, steps: int) -> list[float]:
    """How long `/health` takes, asked again and again while pictures are drawn."""
    body = {"prompt": PROMPT, "size": f"{side}x{side}", "steps": steps, "true_cfg_scale": 1}
    over = threading.Event()

    def draw(client: httpx.Client) -> None:
        while not over.is_set():
            posted(client, "/v1/images/generations", body)

    with served(folder) as client, httpx.Client(base_url=client.base_url, timeout=30) as other:
        artist = threading.Thread(target=draw, args=(client,))
        artist.start()
        found = []
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            found.append(timed(lambda: other.get("/health")))
            PAUSE.wait(0.005)
        over.set()
        artist.join()
    return found


@dataclass(frozen=True, slots=True)
class Naps:
    """Bytes that were parked, and the seconds that each sleep and each wake took."""

    bytes: int
    sleep_s: tuple[float, ...]
    wake_s: tuple[float, ...]


def naps(folder: Path, rounds: int) -> Naps:
    with served(folder) as client:
        pairs = [
            (timed(lambda: posted(client, "/sleep", {})), timed(lambda: posted(client, "/wake", {})))
            for _ in range(rounds + 1)
        ][1:]
        memory = client.get("/v1/status").json()["memory"]
    parked = int(memory["sleep"]["host_copy_mib"] * 2**20)
    return Naps(parked, tuple(one for one, _ in pairs), tuple(two for _, two in pairs))


def turns(folder: Path, crowd: int) -> list[str]:
    """One client sends a crowd of requests, then another sends two. In which order are they served?"""
    body = {"prompt": PROMPT, "size": "64x64", "steps": 4, "true_cfg_scale": 1}
    order: list[str] = []
    with served(folder, "--max-queue", str(crowd + 8)) as client:

        def ask(lane: str) -> None:
            posted(client, "/v1/images/generations", body | {"user": lane})
            order.append(lane)

        with concurrent.futures.ThreadPoolExecutor(crowd + 2) as pool:
            crowded = [pool.submit(ask, LANES[0]) for _ in range(crowd)]
            PAUSE.wait(0.1)
            late = [pool.submit(ask, LANES[1]) for _ in range(2)]
            for one in (*crowded, *late):
                one.result()
    return order
