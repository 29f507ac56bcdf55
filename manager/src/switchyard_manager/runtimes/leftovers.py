"""Find and end processes of ours that outlived whoever owned them.

Every process we start carries a mark in its environment, and hands it down. The mark names the installation, so
two on one machine never touch each other's. A program that gives itself another title writes it over its
environment, and the mark is gone (vLLM's engine core does, and is what holds the GPU): so what speaks into the
log of an engine is known by that, too. Blocking: call it in a thread.
"""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import psutil

ENGINE_MARK = "SWITCHYARD_ENGINE_OF"
SERVICE_MARK = "SWITCHYARD_SERVICE_OF"
KILLED_WITHIN_S = 5.0


def find(mark: str, installation: str) -> Iterator[psutil.Process]:
    for process in _others():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(mark) == installation:
                yield process


def find_writers(is_log: Callable[[Path], bool]) -> Iterator[psutil.Process]:
    """Whoever has such a file as its output. Only Linux tells."""
    for process in _others():
        if any(is_log(file) for file in _outputs(process.pid)):
            yield process


def _others() -> Iterator[psutil.Process]:
    """As they are now. psutil's own list remembers whom a number stood for when it last looked, and spares
    whoever has that number since.
    """
    for pid in psutil.pids():
        if pid != os.getpid():
            with contextlib.suppress(psutil.Error):
                yield psutil.Process(pid)


def _outputs(pid: int) -> Iterator[Path]:
    for number in (1, 2):
        with contextlib.suppress(OSError):
            yield Path(f"/proc/{pid}/fd/{number}").readlink()


def end(mark: str, installation: str, grace_s: float) -> int:
    """Ask, wait for the grace, kill. Return how many there were."""
    return end_all(find(mark, installation), grace_s)


def end_all(processes: Iterable[psutil.Process], grace_s: float) -> int:
    found = list(processes)
    for process in found:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(found, timeout=grace_s)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=max(grace_s, KILLED_WITHIN_S))
    return len(found)
