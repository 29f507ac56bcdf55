"""How requests end before they are done: cancelled, left, refused, stopped, killed. All with the real program.

Whether work was let go within a step is told by how many steps were counted since, not by a clock.
"""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.image_server.conftest import data_url, png

Run = Callable[..., Any]
CHAT, DRAW, EDIT = "/v1/chat/completions", "/v1/images/generations", "/v1/images/edits"
LONG = {"prompt": "x", "size": "1024x1024", "steps": 200}
SHORT = {"prompt": "x", "size": "64x64", "steps": 2}
PATIENCE_S = 30.0
STOPPED_WITHIN_S = 2.0
QUEUE = 4


class Server:
    """A server and what its counters say."""

    def __init__(self, process: Any) -> None:
        self.process = process
        self.client = httpx.Client(base_url=process.url, timeout=PATIENCE_S)

    def counted(self, name: str) -> float:
        for line in self.client.get("/metrics").text.splitlines():
            said, _, number = line.rpartition(" ")
            if said == f"switchyard_image_server_{name}":
                return float(number)
        return 0.0

    @property
    def steps(self) -> float:
        return self.counted("denoising_steps_total")

    @property
    def cancelled(self) -> float:
        return self.counted('requests_total{outcome="cancelled"}')

    def until(self, condition: Callable[[], bool]) -> None:
        pause = threading.Event()
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, "this never became true"
            pause.wait(0.01)

    def until_drawing(self) -> None:
        before = self.steps
        self.until(lambda: self.steps > before)

    def until_idle(self) -> None:
        self.until(lambda: not self.client.get("/health").json()["busy"])

    def job(self, **more: Any) -> str:
        answer = self.client.post(DRAW, json=LONG | {"async": True} | more)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["links"]["self"])

    def line(self, path: str, body: Any) -> socket.socket:
        """A connection that has asked."""
        host, port = self.process.url.removeprefix("http://").split(":")
        content = json.dumps(body).encode()
        line = socket.create_connection((host, int(port)), timeout=PATIENCE_S)
        line.sendall(f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(content)}\r\n\r\n".encode())
        line.sendall(content)
        return line


@pytest.fixture(scope="module")
def servers(run_server: Run, demo: Path) -> Iterator[tuple[Server, Server]]:
    starting = (
        run_server("--model", str(demo / "image"), "--max-queue", str(QUEUE)),
        run_server("--model", str(demo / "vision")),
    )
    painter, talker = (Server(one.until_ready()) for one in starting)
    yield painter, talker
    painter.client.close()
    talker.client.close()


@pytest.fixture
def painter(servers: tuple[Server, Server]) -> Server:
    return servers[0]


@pytest.fixture
def talker(servers: tuple[Server, Server]) -> Server:
    return servers[1]


def test_a_cancelled_job_stops_within_a_step(painter: Server) -> None:
    job = painter.job()
    painter.until_drawing()

    answer = painter.client.delete(job)
    done = painter.steps
    painter.until_idle()

    assert answer.json()["status"] == "cancelled"
    assert painter.steps - done <= 1
    assert painter.client.get(f"{job}/result").json()["error"]["code"] == "request_cancelled"


@pytest.mark.parametrize("how", [{}, {"stream": True, "partial_images": 3}])
def test_a_drawing_whose_client_leaves_stops_within_a_step(painter: Server, how: dict[str, Any]) -> None:
    before = painter.cancelled
    line = painter.line(DRAW, LONG | how)
    painter.until_drawing()

    line.close()
    done = painter.steps
    painter.until_idle()

    assert painter.steps - done <= 2  # the news of it may come while the next one begins
    assert painter.cancelled == before + 1


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_whose_client_leaves_stops(talker: Server, stream: bool) -> None:
    before = talker.cancelled
    endless = {"messages": [{"role": "user", "content": "hi"}], "ignore_eos": True, "max_tokens": 30_000}
    line = talker.line(CHAT, endless | {"stream": stream})
    talker.until(lambda: talker.client.get("/health").json()["busy"])

    line.close()
    talker.until(lambda: talker.cancelled == before + 1)

    assert talker.client.get("/health").json()["busy"] is False


def test_a_client_that_leaves_its_place_in_the_queue_is_forgotten(painter: Server) -> None:
    before = painter.cancelled
    running = painter.job()
    painter.until_drawing()
    line = painter.line(DRAW, SHORT)
    painter.until(lambda: painter.client.get("/health").json()["waiting"] == 1)

    line.close()
    painter.until(lambda: painter.client.get("/health").json()["waiting"] == 0)

    assert painter.cancelled == before + 1
    painter.client.delete(running)
    painter.until_idle()


def test_a_full_queue_says_when_to_come_back(painter: Server) -> None:
    jobs = [painter.job()]
    painter.until_drawing()
    jobs += [painter.job() for _ in range(QUEUE)]

    refused = painter.client.post(DRAW, json=SHORT)

    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "queue_full")
    assert 1 <= int(refused.headers["retry-after"]) <= 59
    for job in jobs:
        painter.client.delete(job)
    painter.until_idle()


def test_one_users_many_do_not_keep_anothers_one_waiting(painter: Server) -> None:
    jobs = [painter.job()]
    painter.until_drawing()
    jobs += [painter.job(user="greedy") for _ in range(3)]

    jobs.append(painter.job(user="modest"))

    places = [painter.client.get(job).json()["queue_position"] for job in jobs]
    assert places == [None, 0, 2, 3, 1]
    for job in jobs:
        painter.client.delete(job)
    painter.until_idle()


@dataclass(frozen=True, slots=True)
class Reborn:
    """What is on the disk after a server was killed, and the next one."""

    server: Server
    changed: set[tuple[str, int]]
    left: list[Path]


@pytest.fixture(scope="module")
def reborn(
    run_server: Run, demo: Path, tmp_path_factory: pytest.TempPathFactory, monkeymodule: pytest.MonkeyPatch
) -> Iterator[Reborn]:
    """Killed in the middle of a step, with a form on its way that is too large for its memory; begun again."""
    scratch = tmp_path_factory.mktemp("scratch")
    monkeymodule.setenv("TMPDIR", str(scratch))
    before = files_in(demo)
    killed = Server(run_server("--model", str(demo / "image")).until_ready())
    form = {name: str(value) for name, value in (LONG | {"async": "true"}).items()}
    large = png((600, 600)) + bytes(3 * 2**20)
    killed.client.post(EDIT, data=form, files={"image": ("x.png", large)})
    killed.until_drawing()
    killed.process.process.kill()
    killed.process.process.wait(PATIENCE_S)
    killed.client.close()
    changed, left = files_in(demo) ^ before, list(scratch.iterdir())
    server = Server(run_server("--model", str(demo / "image")).until_ready())
    yield Reborn(server, changed, left)
    server.client.close()


@pytest.fixture(scope="module")
def monkeymodule() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def files_in(folder: Path) -> set[tuple[str, int]]:
    return {(str(path), path.stat().st_mtime_ns) for path in folder.rglob("*")}


def test_killed_in_the_middle_of_a_step_it_leaves_nothing_and_begins_again(reborn: Reborn) -> None:
    edit = SHORT | {"images": [data_url(png())]}

    answer = reborn.server.client.post(EDIT, json=edit)

    assert answer.status_code == 200
    assert (reborn.changed, reborn.left) == (set(), [])


def test_told_to_stop_it_tells_everyone_and_is_gone(reborn: Reborn) -> None:
    server = reborn.server
    drawn = server.line(DRAW, LONG | {"stream": True, "partial_images": 3})
    said = drawn.recv(65536)
    waiting = server.line(DRAW, SHORT)
    half = socket.create_connection(waiting.getpeername())
    half.sendall(b"POST /v1/images/generations HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{")
    server.until(lambda: server.client.get("/health").json()["waiting"] == 1)

    began = time.monotonic()
    status = server.process.terminate()
    took = time.monotonic() - began

    assert (status, took < STOPPED_WITHIN_S) == (0, True), took
    assert b'"code":"stream_broken"' in said + rest_of(drawn)
    refusal = rest_of(waiting)
    assert refusal.startswith(b"HTTP/1.1 502 ")
    assert b'"code":"backend_unavailable"' in refusal
    half.close()


def rest_of(line: socket.socket) -> bytes:
    said = b""
    with line, contextlib.suppress(ConnectionError):
        while piece := line.recv(65536):
            said += piece
    return said
