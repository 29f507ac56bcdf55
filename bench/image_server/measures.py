"""What is measured, one function for each question."""

import base64
import concurrent.futures
import io
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
from bench.image_server.calm import Calm
from bench.image_server.pairs import WARM_ROUNDS, Call, Cpu, Pair, in_turn, joined
from bench.image_server.sides import PAUSE, Bare, Reached, bare, reached, served
from PIL import Image

from switchyard_image_server.images.encode import encode
from switchyard_image_server.images.request import OutputFormat

Subject = TypeVar("Subject")

PROMPT = "a lighthouse at dawn"
QUESTION = [{"role": "user", "content": "count to a hundred"}]
LANES = ("one", "two")


def timed(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def posted(client: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    reply = client.post(path, json=body)
    if reply.status_code != 200:
        raise SystemExit(f"{path} answered {reply.status_code}: {reply.text[:500]}")
    answer: dict[str, Any] = reply.json()
    return answer


@dataclass(frozen=True, slots=True)
class Effort:
    """How often all processes are started anew, and the rounds of each start."""

    starts: int
    rounds: int


@dataclass(frozen=True, slots=True)
class Shape:
    side: int
    steps: int
    format: str

    @property
    def name(self) -> str:
        return f"{self.side}x{self.side}, {self.steps} steps, {self.format.upper()}"


def pictures(folder: Path, effort: Effort, shapes: Sequence[Shape], calm: Calm) -> list[Pair]:
    """The bare call ends with a picture in memory; the server's, when the client has all of its file."""

    def asked(shape: Shape) -> dict[str, Any]:
        size = f"{shape.side}x{shape.side}"
        drawn = {"prompt": PROMPT, "size": size, "steps": shape.steps, "true_cfg_scale": 1}
        return drawn | {"output_format": shape.format}

    def compared(sides: Sides, shape: Shape) -> Pair:
        def theirs(of: Bare) -> Call:
            return lambda seed: of.seconds(prompt=PROMPT, side=shape.side, steps=shape.steps, seed=seed)

        def ours(seed: int) -> float:
            return sides.server.seconds("/v1/images/generations", asked(shape) | {"seed": seed})

        return _compared(shape.name, effort.rounds, sides, theirs, ours, calm)

    starts = [_with_sides("image", folder, shapes, compared) for _ in range(effort.starts)]
    return [joined(of_all[0].name, of_all) for of_all in zip(*starts, strict=True)]


def answers(folder: Path, name: str, effort: Effort, tokens: int, calm: Calm) -> Pair:
    body = {"messages": QUESTION, "max_tokens": tokens, "temperature": 0, "ignore_eos": True}

    def compared(sides: Sides, title: str) -> Pair:
        def theirs(of: Bare) -> Call:
            return lambda _: of.seconds(messages=QUESTION, tokens=tokens)

        def ours(_: int) -> float:
            return sides.server.seconds("/v1/chat/completions", body)

        return _compared(title, effort.rounds, sides, theirs, ours, calm)

    title = f"{tokens} tokens of {name}"
    return joined(title, [_with_sides("chat", folder, [title], compared)[0] for _ in range(effort.starts)])


@dataclass(frozen=True, slots=True)
class Sides:
    bare: Bare
    twin: Bare
    server: Reached


def _with_sides(
    kind: str, folder: Path, subjects: Sequence[Subject], compared: Callable[[Sides, Subject], Pair]
) -> list[Pair]:
    with bare(kind, folder) as direct, bare(kind, folder) as twin, reached(folder) as server:
        return [compared(Sides(direct, twin, server), subject) for subject in subjects]


def _compared(
    name: str, rounds: int, sides: Sides, theirs: Callable[[Bare], Call], ours: Call, calm: Calm
) -> Pair:
    calm.renew()
    before = sides.bare.cpu_s(), sides.server.cpu_s()
    found = in_turn(rounds, (theirs(sides.bare), ours, theirs(sides.twin)), calm.wait)
    spent = Cpu(
        (sides.bare.cpu_s() - before[0]) / (rounds + WARM_ROUNDS),
        (sides.server.cpu_s() - before[1]) / (rounds + WARM_ROUNDS),
    )
    alone, served_s, again = (tuple(column) for column in zip(*found, strict=True))
    return Pair(name, alone, served_s, again, (spent,))


def encoding(folder: Path, shapes: Sequence[Shape], rounds: int) -> list[tuple[str, float]]:
    """What it takes to make a file of such a picture and base64 of that: a part of what the server adds."""
    found = []
    with served(folder) as client:
        for shape in shapes:
            body = {"prompt": PROMPT, "size": f"{shape.side}x{shape.side}", "steps": 2, "true_cfg_scale": 1}
            answer = posted(client, "/v1/images/generations", body)
            image = Image.open(io.BytesIO(base64.b64decode(answer["data"][0]["b64_json"])))
            image.load()
            took = [timed(lambda: encode(image, OutputFormat(shape.format)).base64) for _ in range(rounds)]  # noqa: B023 - called at once
            found.append((shape.name, statistics.median(took)))
    return found


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
