"""How far the child process is, said to the manager in lines: now and then, and at once when it is over."""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

from switchyard_manager.model_files import job
from switchyard_manager.model_files.job import Told

TELL_EVERY_S = 0.5
ALIVE_EVERY = 60  # of these: who waits for somebody, or is busy with what came, says so again


class Teller:
    """Says now and then how far it is; every thread may count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done = self._total = 0
        self._waits: str | None = None
        self._last: Told | None = None
        self._quiet = 0
        self._stirs = False
        self._over = threading.Event()

    def expect(self, done: int, total: int) -> None:
        with self._lock:
            self._done, self._total = done, total

    def more(self, number: int) -> None:
        """None more: something goes on of which no bytes tell."""
        with self._lock:
            self._stirs = True
            if number:
                self._done += number
                self._waits = None

    def waits(self, seconds: float, why: str) -> None:
        with self._lock:
            self._waits = why
        self._over.wait(seconds)

    def say(self) -> None:
        with self._lock:
            told = Told(self._done, self._total, self._waits)
            again = (self._waits is not None or self._stirs) and self._quiet >= ALIVE_EVERY
            self._quiet = 0 if again or told != self._last else self._quiet + 1
            if self._quiet == 0:
                self._stirs = False
        if told != self._last or again:
            self._last = told
            say(told)

    @contextlib.contextmanager
    def telling(self) -> Iterator[None]:
        def go_on() -> None:
            while not self._over.wait(TELL_EVERY_S):
                self.say()

        speaking = threading.Thread(target=go_on, daemon=True)
        speaking.start()
        try:
            yield
        finally:
            self._over.set()
            speaking.join()


def say(line: job.Line) -> None:
    # At once and as a whole: several threads speak.
    os.write(sys.stdout.fileno(), job.write(line).encode() + b"\n")
