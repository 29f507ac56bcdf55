"""What the image server's tests share. Nothing here imports torch: the tests beside it run without it."""

import asyncio
import base64
import contextlib
import io
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

os.environ["HF_HUB_OFFLINE"] = "1"  # a wrong path must fail here, not ask the network

from switchyard_image_server.engine import Engine
from switchyard_image_server.parts import make_parts
from switchyard_image_server.serve import Service, listen
from switchyard_image_server.settings import ModelSettings, Settings
from switchyard_image_server.worker import Worker

PATIENCE_S = 30.0
TRUST = ssl.create_default_context()  # made once: it takes longer than most tests


def png(size: tuple[int, int] = (64, 48), color: str = "red", mode: str = "RGB") -> bytes:
    content = io.BytesIO()
    Image.new(mode, size, color).save(content, "PNG")
    return content.getvalue()


def data_url(content: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def user(content: Any, **more: Any) -> dict[str, Any]:
    """The body of a chat request with one message of the user's."""
    return {"messages": [{"role": "user", "content": content}], **more}


def frames(lines: str) -> list[Any]:
    """The content of each server-sent event; `[DONE]` stays text."""
    told = [line.removeprefix("data: ") for line in lines.splitlines() if line]
    return [content if content == "[DONE]" else json.loads(content) for content in told]


class Served:
    """The real application on a real port, in a thread of its own, around any model."""

    def __init__(
        self, load: Callable[..., Any], max_queue: int = 32, *, tells: bool = False, **settings: Any
    ) -> None:
        """`tells`: the load is given the function that it tells its progress."""
        self.worker = Worker(max_queue, time.monotonic, lambda: None)
        self.engine = Engine("demo", self.worker, lambda tell: load(tell) if tells else load())
        options = {"log_level": "warning", "max_queue": max_queue} | settings
        self.parts = make_parts(self.engine, Settings(ModelSettings("demo"), "demo", **options))
        listener = listen("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.client = httpx.Client(base_url=self.url, verify=TRUST, timeout=PATIENCE_S)
        self.failure: Any = None
        self._background: list[threading.Thread] = []
        self.left_behind: list[str] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(listener)), name="served")
        self._thread.start()
        assert self._running.wait(PATIENCE_S)

    async def _run(self, listener: Any) -> None:
        self._loop = asyncio.get_running_loop()
        self._service = Service(self.parts, listener)
        self._running.set()
        try:
            self.failure = await self._service.run()
        finally:
            listener.close()  # whoever asks a server that has broken hears so at once
        self.left_behind = [str(task) for task in asyncio.all_tasks() if task is not asyncio.current_task()]

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what another thread does; the deadline is far off."""
        pause = threading.Event()
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, "this never became true"
            pause.wait(0.005)

    def until_ready(self) -> "Served":
        self.until(lambda: self.client.get("/health").status_code == 200)
        return self

    def on_loop(self, act: Callable[[], Any]) -> Any:
        """What only the event loop may do."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(act(), self._loop).result(PATIENCE_S)

    def in_background(self, method: str, path: str, timeout: float = PATIENCE_S, **request: Any) -> None:
        """A request that nobody waits for; it ends with the server, or when its client loses patience."""

        def ask() -> None:
            client = httpx.Client(verify=TRUST, timeout=timeout)
            with contextlib.suppress(httpx.TransportError), client:
                client.request(method, f"{self.url}{path}", **request)

        self._background.append(threading.Thread(target=ask))
        self._background[-1].start()

    def close(self) -> None:
        assert self._loop is not None
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._service.stop)
        self._thread.join(PATIENCE_S)
        for one in self._background:
            one.join(PATIENCE_S)
        self.client.close()
        assert self.worker.close(PATIENCE_S), "the worker thread was left behind"
        assert self.left_behind == []


@dataclass
class Process:
    """`switchyard-image-server` as an operator starts it."""

    process: "subprocess.Popen[str]"
    log: Path
    url: str = ""

    def until_listening(self) -> "Process":
        pause = threading.Event()
        deadline = time.monotonic() + PATIENCE_S
        while "listening on http://" not in (said := self.log.read_text()):
            assert self.process.poll() is None, said
            assert time.monotonic() < deadline
            pause.wait(0.02)
        self.url = said.partition("listening on ")[2].partition(",")[0]
        return self

    def until_ready(self) -> "Process":
        self.until_listening()
        pause = threading.Event()
        deadline = time.monotonic() + 2 * PATIENCE_S
        while httpx.get(f"{self.url}/health", timeout=PATIENCE_S).status_code != 200:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline
            pause.wait(0.05)
        return self

    def terminate(self) -> int:
        """The exit status, and a failure if it took longer than an operator would wait."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    started: list[Served] = []

    def start(load: Callable[..., Any], max_queue: int = 32, **settings: Any) -> Served:
        started.append(Served(load, max_queue, **settings))
        return started[-1]

    yield start
    for served in started:
        served.close()


@pytest.fixture(scope="module")
def run_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Process]]:
    """Start the program with these arguments on a free port; ended with the module's tests."""
    folder = tmp_path_factory.mktemp("server")
    started: list[Process] = []

    def start(*arguments: str) -> Process:
        log = folder / f"log-{len(started)}"
        command = (sys.executable, "-m", "switchyard_image_server", "--port", "0", *arguments)
        with log.open("w") as stderr:
            process = subprocess.Popen(command, stderr=stderr, text=True)
        started.append(Process(process, log))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait(PATIENCE_S)


@pytest.fixture
def make_png() -> Callable[..., bytes]:
    return png


@pytest.fixture
def as_data_url() -> Callable[..., str]:
    return data_url


@pytest.fixture
def user_says() -> Callable[..., dict[str, Any]]:
    return user


@pytest.fixture
def read_frames() -> Callable[[str], list[Any]]:
    return frames
