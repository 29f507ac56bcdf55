"""The two sides of a pair as processes: the server as an operator starts it, and the bare call."""

import contextlib
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

PATIENCE_S = 120.0
ENDS_WITHIN_S = 10.0
PAUSE = threading.Event()  # never set: to wait on
# One thread for the arithmetic of either side: more would spin on the core that the event loop needs, as no GPU
# does.
ENVIRONMENT = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}


class Bare:
    """Asked over a pipe."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._hear()

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


@contextlib.contextmanager
def served(folder: Path, *flags: str) -> Iterator[httpx.Client]:
    """A client of the server, once that is ready."""
    command = (sys.executable, "-m", "switchyard_image_server", "--model", str(folder), "--port", "0", *flags)
    with tempfile.TemporaryDirectory() as place:
        log = Path(place) / "log"
        with log.open("w") as said:
            process = subprocess.Popen(command, stderr=said, env=ENVIRONMENT)
        try:
            with httpx.Client(base_url=_address(process, log), timeout=PATIENCE_S) as client:
                _until(lambda: client.get("/health").status_code == 200, process, log)
                yield client
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
