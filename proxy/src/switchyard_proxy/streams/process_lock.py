"""Whether a process of this machine still lives: each holds a lock on a file, which the kernel lets go of."""

import fcntl
from pathlib import Path
from typing import IO


class ProcessLocks:
    """A folder of lock files, one for each process. Blocking, but never for long."""

    def __init__(self, folder: Path, process: str) -> None:
        self._folder = folder
        self._process = process
        self._held: IO[bytes] | None = None

    def take(self) -> None:
        """Say that this process lives, until `release` or its death."""
        if self._held is not None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        self._held = self._path(self._process).open("wb")
        fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def release(self) -> None:
        if self._held is not None:
            self._path(self._process).unlink(missing_ok=True)
            self._held.close()
            self._held = None

    def is_dead(self, process: str) -> bool:
        if process == self._process:
            return False
        path = self._path(process)
        try:
            with path.open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return True
        except BlockingIOError:
            return False
        path.unlink(missing_ok=True)
        return True

    def _path(self, process: str) -> Path:
        return self._folder / f"{process}.lock"
