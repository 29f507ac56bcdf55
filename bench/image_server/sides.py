"""The two sides of a pair as processes: the server as an operator starts it, and the bare call."""

import contextlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil

PATIENCE_S = 120.0
ENDS_WITHIN_S = 10.0
PAUSE = threading.Event()  # never set: to wait on
# One thread for the arithmetic of either side: more would spin on the core that the event loop needs, as no GPU
# does.
ENVIRONMENT = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}


IDLE_S = 3.0  # a connection that was idle for longer may be closed by the other end


class Bare:
    """Asked over a pipe. It takes the time itself: what the pipe takes is nobody's."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._hear()

    def cpu_s(self) -> float:
        return cpu_s(self._process.pid)

    def seconds(self, **asked: Any) -> float:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return float(self._hear()["s"])

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the bare side ended; its words are above")
        heard: dict[str, Any] = json.loads(line)
        return heard


@contextlib.contextmanager
def bare(kind: str, folder: Path, *flags: str) -> Iterator[Bare]:
    command = (sys.executable, "-m", "bench.image_server.bare", kind, str(folder), *flags)
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
    ) as process:
        try:
            yield Bare(process)
        finally:
            process.kill()


class Reached:
    """A client that adds next to nothing: the request is ready before the clock runs, the reply is received to
    its last byte and not looked into.
    """

    def __init__(self, address: str, pid: int) -> None:
        host, _, port = address.removeprefix("http://").partition(":")
        self._connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE_S)
        self._pid = pid
        self._asked_at = 0.0

    def cpu_s(self) -> float:
        return cpu_s(self._pid)

    def seconds(self, path: str, body: dict[str, Any]) -> float:
        content = json.dumps(body).encode()
        if time.monotonic() - self._asked_at > IDLE_S:
            self._connection.close()
            self._connection.connect()
        began = time.perf_counter()
        self._connection.request("POST", path, content, {"content-type": "application/json"})
        reply = self._connection.getresponse()
        got = reply.read()
        took = time.perf_counter() - began
        self._asked_at = time.monotonic()
        if reply.status != 200:
            raise SystemExit(f"{path} answered {reply.status}: {got[:500]!r}")
        return took


def cpu_s(pid: int) -> float:
    """What the process's threads have taken of the processor since they began."""
    try:
        threads = Path(f"/proc/{pid}/task").iterdir()
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9
    except (
        OSError
    ):  # elsewhere than on Linux; there, the usual count is of ticks of 10 ms, too coarse for a call
        spent = psutil.Process(pid).cpu_times()
        return float(spent.user + spent.system)


@contextlib.contextmanager
def reached(folder: Path, *flags: str) -> Iterator[Reached]:
    """The server as it is measured."""
    with _running(folder, *flags) as (address, pid):
        yield Reached(address, pid)


@contextlib.contextmanager
def served(folder: Path, *flags: str) -> Iterator[httpx.Client]:
    """A client of the server, once that is ready."""
    with (
        _running(folder, *flags) as (address, _),
        httpx.Client(base_url=address, timeout=PATIENCE_S) as client,
    ):
        yield client


@contextlib.contextmanager
def _running(folder: Path, *flags: str) -> Iterator[tuple[str, int]]:
    """The address and the process of a server that is ready."""
    command = (sys.executable, "-m", "switchyard_image_server", "--model", str(folder), "--port", "0", *flags)
    with tempfile.TemporaryDirectory() as place:
        log = Path(place) / "log"
        with log.open("w") as said:
            process = subprocess.Popen(command, stderr=said, env=ENVIRONMENT)
        try:
            address = _address(process, log)
            _until(lambda: httpx.get(f"{address}/health").status_code == 200, process, log)
            yield address, process.pid
        finally:
            process.terminate()
            process.wait(ENDS_WITHIN_S)


def _address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    _until(lambda: "listening on http://" in log.read_text(), process, log)
    return log.read_text().partition("listening on ")[2].partition(",")[0]


def _until(condition: Any, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"the server did not come up:\n{log.read_text()}")
        PAUSE.wait(0.02)
