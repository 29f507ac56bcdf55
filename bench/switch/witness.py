"""What engines show of themselves while the manager deals with them: when their programs begin, when their logs
say that they are up, when they are gone. Nothing of it is the manager's word, and no engine is asked anything.
"""

import contextlib
import os
import re
import select
import stat
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.switch.beside import Program

from switchyard_manager.engines.progress import announces

LOOK_S = 0.002
LINE_END = re.compile(rb"[\r\n]+")


@dataclass(slots=True)
class Began:
    """One process of an engine."""

    pid: int
    at: float
    ended: float | None = None


@dataclass(slots=True)
class Witness:
    """Of engines that are processes. Each writes down when it begins, and is looked at until it ends."""

    stamps: Path
    logs: Path
    runs: list[Began] = field(default_factory=list)
    said_up: list[tuple[float, str]] = field(default_factory=list)  # when which model's log said that it is
    _over: threading.Event = field(default_factory=threading.Event)
    _read: dict[Path, tuple[int, int]] = field(default_factory=dict)  # the file's number, and how far

    def up(self, model: str, since: float, until: float) -> tuple[float, float]:
        """Of several lines that announce it, the last is meant."""
        began = max((run.at for run in self.runs if since <= run.at <= until), default=since)
        said = max((at for at, name in self.said_up if name == model and began <= at), default=until)
        return began, min(said, until)

    def ended(self, model: str, told: float, until: float) -> tuple[float, float]:
        """One ends at a time: whichever it was. The word to end reaches it a moment after it is given."""
        gone = (run.ended for run in self.runs if run.ended is not None and told <= run.ended <= until)
        return told, max(gone, default=until)

    def program(self) -> Program:
        return Program.of(self.runs[-1].pid)

    def begin(self) -> None:
        threading.Thread(target=self._watch, daemon=True).start()

    def end(self) -> None:
        self._over.set()

    def _watch(self) -> None:
        ends = select.poll()
        living: dict[int, Began] = {}
        while not self._over.wait(LOOK_S):
            for run in self._new():
                with contextlib.suppress(ProcessLookupError):
                    descriptor = os.pidfd_open(run.pid)
                    living[descriptor] = run
                    ends.register(descriptor, select.POLLIN)
                self.runs.append(run)
            for descriptor, _ in ends.poll(0):
                living.pop(descriptor).ended = time.time()
                ends.unregister(descriptor)
                os.close(descriptor)
            for model, log in self._changed():
                self._listen(model, log)

    def _new(self) -> Iterator[Began]:
        with contextlib.suppress(FileNotFoundError):
            for line in self.stamps.read_text().splitlines()[len(self.runs) :]:
                pid, began_ns = line.split()
                yield Began(int(pid), int(began_ns) / 1e9)

    def _changed(self) -> Iterator[tuple[str, Path]]:
        with contextlib.suppress(FileNotFoundError):
            for folder in self.logs.iterdir():
                yield folder.name, folder / "current.log"

    def _listen(self, model: str, log: Path) -> None:
        """A log that became another file is read from its beginning."""
        with contextlib.suppress(OSError):
            about = log.stat()
            number, read = self._read.get(log, (0, 0))
            if about.st_ino != number:
                read = 0
            if about.st_size == read:
                return
            with log.open("rb") as opened:
                opened.seek(read)
                whole = opened.read().rpartition(b"\n")[0]
            now = time.time()
            self.said_up += [
                (now, model) for line in LINE_END.split(whole) if announces(line.decode(errors="replace"))
            ]
            self._read[log] = (about.st_ino, read + len(whole))


def stamping(folder: Path, program: str | Path) -> Path:
    """That program, which writes down when it begins, and with what number."""
    command = folder / f"stamped-{Path(program).name}"
    stamps = folder / "stamps"
    command.write_text(f'#!/bin/sh\necho $$ $(date +%s%N) >> "{stamps}"\nexec "{program}" "$@"\n')
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return command


@contextlib.contextmanager
def watching(folder: Path, logs: Path) -> Iterator[Witness]:
    witness = Witness(folder / "stamps", logs)
    witness.begin()
    try:
        yield witness
    finally:
        witness.end()
