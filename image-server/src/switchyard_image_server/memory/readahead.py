"""Read weight files into the page cache, in order and in large pieces, telling how far it got.

Loading maps files and touches them page by page, which a disk is slowest at, and says nothing meanwhile. What
is cached already is not read again. No torch here.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from switchyard_image_server.memory.sizes import Weights
from switchyard_image_server.progress import Progress

PIECE = 16 * 2**20
TOLD_EVERY = 256 * 2**20

Tell = Callable[[Progress], None]


class Reading:
    """The progress of one load over all of its components."""

    def __init__(self, parts: Sequence[Weights], tell: Tell) -> None:
        files = [file for part in parts for file in part.files]
        self._tell = tell
        self._progress = Progress(files=len(files), bytes=sum(file.stat().st_size for file in files))

    def begin(self, component: str) -> None:
        self._say(replace(self._progress, component=component))

    def read(self, file: Path, *, room: int) -> None:
        """`room` is how much the page cache can take: what does not fit is only counted, not read."""
        size = file.stat().st_size
        before = self._progress.bytes_done
        if size <= room:
            _into_cache(file, lambda done: self._say(replace(self._progress, bytes_done=before + done)))
        done = replace(self._progress, bytes_done=before + size, files_done=self._progress.files_done + 1)
        self._say(done)

    def _say(self, progress: Progress) -> None:
        self._progress = progress
        self._tell(progress)


def _into_cache(file: Path, tell: Callable[[int], None]) -> None:
    piece = bytearray(PIECE)
    done = told = 0
    with file.open("rb", buffering=0) as content:
        while count := _advance(content.fileno(), done, piece):
            done += count
            if done - told >= TOLD_EVERY:
                told = done
                tell(done)


def _advance(handle: int, offset: int, piece: bytearray) -> int:
    """How much further on the next piece is; it is read unless it is there: its two ends tell."""
    size = os.fstat(handle).st_size
    if offset >= size:
        return 0
    count = min(PIECE, size - offset)
    if not (_is_cached(handle, offset) and _is_cached(handle, offset + count - 1)):
        return os.preadv(handle, [memoryview(piece)[:count]], offset)
    return count


def _is_cached(handle: int, offset: int) -> bool:
    if not hasattr(os, "RWF_NOWAIT"):
        return False
    try:
        return os.preadv(handle, [bytearray(1)], offset, os.RWF_NOWAIT) == 1
    except OSError:
        return False
