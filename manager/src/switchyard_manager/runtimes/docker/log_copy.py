"""Copy what a container says into a file of ours: each piece once, however often the reading begins anew.

The Engine keeps the words in a file of its own and we only read them, so a slow reader, or none, never holds
up the program that writes. Blocking.
"""

import contextlib
import logging
import threading
from typing import BinaryIO

from switchyard_manager.runtimes.docker.engine import Engine, Stream
from switchyard_manager.runtimes.docker.seen import nanoseconds

log = logging.getLogger(__name__)

OVERLAP_NS = 1_000  # a float of seconds, which is what the Engine is asked with, is only this exact


class LogCopy:
    def __init__(self, engine: Engine, container: str, out: BinaryIO, *, since_ns: int, terminal: bool) -> None:
        self._engine = engine
        self._container = container
        self._out = out
        self._since_ns = since_ns
        self._terminal = terminal
        self._last = b""  # the time of the last piece that was copied, and how many bore it
        self._bore_it = 0
        self._over = threading.Event()
        self._stream: Stream[bytes] | None = None

    def follow(self) -> None:
        """Until it ends, the Engine goes away, or we are cut. Call it again: it goes on where it was."""
        if not self._over.is_set():
            self._read(follow=True)

    def finish(self) -> None:
        """Once it has ended: the rest, to the last byte that the Engine has."""
        self._read(follow=False)

    def cut(self) -> None:
        """From any thread: what follows stops following."""
        self._over.set()
        if self._stream is not None:
            self._stream.cut()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._out.close()

    def _read(self, *, follow: bool) -> None:
        since_ns = max(0, nanoseconds(self._last.decode()) - OVERLAP_NS) if self._last else self._since_ns
        to_skip = self._last, self._bore_it
        again = 0
        self._stream = self._engine.words(self._container, since_ns, follow=follow, terminal=self._terminal)
        if follow and self._over.is_set():
            self._stream.cut()
        for piece in self._stream:
            stamp, _, words = piece.partition(b" ")
            if stamp < to_skip[0]:
                continue
            if stamp == to_skip[0] and again < to_skip[1]:
                again += 1
                continue
            self._copy(stamp, words)

    def _copy(self, stamp: bytes, words: bytes) -> None:
        self._bore_it = self._bore_it + 1 if stamp == self._last else 1
        self._last = stamp
        try:
            self._out.write(words)
            self._out.flush()
        except (OSError, ValueError) as error:
            # A disk that is full must not cost the engine its watch.
            if not self._out.closed:
                log.warning("cannot keep the log of container %s: %s", self._container, error)
                self.close()
