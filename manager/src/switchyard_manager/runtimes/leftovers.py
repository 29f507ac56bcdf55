"""Find and end processes of ours that outlived whoever owned them.

Every process we start carries a mark in its environment, and hands it down. The mark names the installation,
so two on one machine never touch each other's. Blocking: call it in a thread.
"""

import contextlib
import os
from collections.abc import Iterator

import psutil

ENGINE_MARK = "SWITCHYARD_ENGINE_OF"
SERVICE_MARK = "SWITCHYARD_SERVICE_OF"


def find(mark: str, installation: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        with contextlib.suppress(psutil.Error):
            if process.environ().get(mark) == installation:
                yield process


def end(mark: str, installation: str, grace_s: float) -> int:
    """Ask, wait for the grace, kill. Return how many there were."""
    found = list(find(mark, installation))
    for process in found:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(found, timeout=grace_s)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=grace_s)
    return len(found)
