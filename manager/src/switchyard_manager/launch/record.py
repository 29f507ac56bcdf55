"""Who is up: one small file in the state folder, believed only while that very process lives."""

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Record:
    pid: int
    born: float  # a process id alone may have been given to somebody else by now
    address: str
    manager: str

    def process(self) -> psutil.Process | None:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.born) < 1.0 and process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None


def _file(state: Path) -> Path:
    return state / "up.json"


def write(state: Path, *, address: str, manager: str) -> None:
    record = Record(os.getpid(), psutil.Process().create_time(), address, manager)
    fresh = _file(state).with_suffix(".new")
    fresh.write_text(json.dumps(asdict(record)) + "\n")
    fresh.replace(_file(state))


def read(state: Path) -> Record | None:
    """The job that is up now, or None."""
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
        record = Record(**json.loads(_file(state).read_text()))
        if record.process() is not None:
            return record
    return None


def remove(state: Path) -> None:
    _file(state).unlink(missing_ok=True)
