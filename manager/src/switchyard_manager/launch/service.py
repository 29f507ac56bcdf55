"""One service of ours under a warden: start it, wait until it answers, stop it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

from switchyard_manager.errors import Refused
from switchyard_manager.runtimes.process import WARDEN

LOOK_EVERY_S = 0.1
KILL_LIMIT_S = 10.0


class Service:
    def __init__(self, name: str, command: str, env: Mapping[str, str]) -> None:
        self.name = name
        path = Path(sys.executable).with_name(command)
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(WARDEN), "--", str(path)],
            stdin=subprocess.PIPE,
            env=os.environ | dict(env),
            start_new_session=True,
        )

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def wait_until(self, ready: Callable[[], bool], limit_s: float) -> None:
        deadline = time.monotonic() + limit_s
        while not ready():
            if not self.is_running:
                raise Refused(f"cannot start the {self.name}: it said why above")
            if time.monotonic() > deadline:
                raise Refused(f"cannot start the {self.name}: it did not answer within {limit_s:g} s")
            wait_a_little()

    def stop(self, grace_s: float) -> None:
        if not self.is_running or self._process.stdin is None:
            return
        try:
            self._process.stdin.write(f"stop {grace_s}\n".encode())
            self._process.stdin.flush()
            self._process.wait(timeout=grace_s + KILL_LIMIT_S)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()


def wait_a_little() -> None:
    time.sleep(LOOK_EVERY_S)  # noqa: TID251 - a plain process that waits for others; no event loop here


def answers(url: str, **wanted: str) -> bool:
    """Whether a health check says yes, and says all of `wanted`."""
    try:
        reply = httpx.get(url, timeout=2.0)
        return reply.is_success and wanted.items() <= reply.json().items()
    except (httpx.HTTPError, ValueError):
        return False
