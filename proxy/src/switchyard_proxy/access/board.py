"""A board of counters that several workers share: a file of fixed slots, mapped into the memory of each.

The file lies in memory where there is such a place: pages of a file on a disk can make a write wait for it.
A slot is guarded by a lock on its own bytes of the file, which the kernel takes back from a process that dies;
it is held for microseconds, with nothing awaited meanwhile. What a dead worker had in flight stands in a column
of its own, which the parent empties with `forget`. The parent makes the file; workers come and go.
"""

import fcntl
import hashlib
import itertools
import mmap
import os
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.access.private_file import ensure_folder
from switchyard_proxy.access.tally import IN_FLIGHT, cells_for
from switchyard_proxy.errors import ProxyError

MEMORY = Path("/dev/shm")  # noqa: S108  # ours alone: made anew, for our user only
MAGIC = int.from_bytes(b"swyard01", "little")
SLOTS = 2048  # keys and models together that one run of the proxy may see
HEADER, TAG = 4, 2  # in 64-bit numbers
CELL = 8
TABLE = (0, HEADER * CELL)  # whoever claims a slot holds the header


class Board:
    """The file, mapped. Slots are found by name and never given up while the proxy runs."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._map = mmap.mmap(descriptor, 0)
        self._numbers = memoryview(self._map).cast("q")
        magic, self.workers, self._size = self._numbers[:3].tolist()
        if magic != MAGIC:
            raise ValueError(f"{path} is no board of counters")
        self._slots: dict[str, Slot] = {}
        self._claiming = threading.Lock()  # the locks of a file do not tell the threads of a process apart

    @classmethod
    def create(cls, folder: Path, workers: int, slots: int = SLOTS) -> "Board":
        """By the parent, before any worker. What an earlier run left is replaced."""
        path = _place(folder)
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        size = TAG + cells_for(workers)
        os.ftruncate(descriptor, (HEADER + slots * size) * CELL)
        os.pwrite(descriptor, struct.pack("qqqq", MAGIC, workers, size, 0), 0)
        return cls(path, descriptor)

    @classmethod
    def open(cls, path: Path) -> "Board":
        """By a worker, with the path that its parent tells it."""
        return cls(path, os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC))

    def slot(self, name: str) -> "Slot":
        """Raises `ProxyError` when the board is full."""
        if (known := self._slots.get(name)) is not None:
            return known
        with self._claiming:
            return self._slots.get(name) or self._slots.setdefault(name, self._found_or_claimed(name))

    def forget(self, worker: int) -> None:
        """Nothing is in flight any more in a worker that is gone. By the parent, before the next one starts."""
        for at in self._bases():
            if self._tag(at) != (0, 0):
                slot = self._slot_at(at)
                with slot.held():
                    slot.cells[IN_FLIGHT + worker] = 0

    def close(self) -> None:
        for slot in self._slots.values():
            slot.cells.release()
        self._slots.clear()
        self._numbers.release()
        self._map.close()
        os.close(self._descriptor)

    def remove(self) -> None:
        """By the parent, when every worker has ended."""
        self.close()
        self.path.unlink(missing_ok=True)

    def _found_or_claimed(self, name: str) -> "Slot":
        wanted = struct.unpack("qq", hashlib.sha256(name.encode()).digest()[: TAG * CELL])
        with _held(self._descriptor, *TABLE):
            bases = self._bases()
            first = wanted[0] % len(bases)
            for at in itertools.chain(bases[first:], bases[:first]):
                if self._tag(at) == (0, 0):
                    self._numbers[at], self._numbers[at + 1] = wanted
                if self._tag(at) == wanted:
                    return self._slot_at(at)
        raise ProxyError(
            ErrorCode.INTERNAL_ERROR,
            f"cannot count for `{name}`: all counters that the workers share are taken; restart the proxy",
        )

    def _bases(self) -> range:
        return range(HEADER, len(self._numbers) - self._size + 1, self._size)

    def _tag(self, at: int) -> tuple[int, int]:
        return self._numbers[at], self._numbers[at + 1]

    def _slot_at(self, at: int) -> "Slot":
        return Slot(self._numbers[at + TAG : at + self._size], self._descriptor, at * CELL, self._size * CELL)


class Slot:
    """One counter's numbers, and the lock on them."""

    __slots__ = ("_descriptor", "_length", "_start", "cells")

    def __init__(self, cells: memoryview, descriptor: int, start: int, length: int) -> None:
        self.cells = cells
        self._descriptor = descriptor
        self._start = start
        self._length = length

    def lock(self) -> None:
        fcntl.lockf(self._descriptor, fcntl.LOCK_EX, self._length, self._start)

    def unlock(self) -> None:
        fcntl.lockf(self._descriptor, fcntl.LOCK_UN, self._length, self._start)

    @contextmanager
    def held(self) -> Iterator[None]:
        with _held(self._descriptor, self._start, self._length):
            yield


@contextmanager
def _held(descriptor: int, start: int, length: int) -> Iterator[None]:
    fcntl.lockf(descriptor, fcntl.LOCK_EX, length, start)
    try:
        yield
    finally:
        fcntl.lockf(descriptor, fcntl.LOCK_UN, length, start)


def _place(folder: Path) -> Path:
    """The same for every run with this folder, so that a run that was killed leaves at most one file."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK):
        which = hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:16]
        return MEMORY / f"switchyard-{os.getuid()}-{which}"
    ensure_folder(folder)
    return folder / "counters"
