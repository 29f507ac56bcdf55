"""Bytes that are kept until a request is over: a little in memory, more in a file that has no name.

Every touch of the file is a thread's; the event loop only hands blocks over. Knows nothing of forms.
"""

import asyncio
import tempfile
import threading
from typing import IO

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.errors import ProxyError

BLOCK = 1024 * 1024


class Spool:
    """Written once from start to end, then read as often as wanted, by one reader at a time."""

    def __init__(self, block: int = BLOCK) -> None:
        self.size = 0
        self.block = block
        self._waiting = bytearray()  # what the file does not hold yet
        self._on_disk = False
        self._file = _File()

    async def add(self, content: bytes) -> None:
        self._waiting += content
        self.size += len(content)
        if len(self._waiting) > self.block:
            await self._write()

    async def settle(self) -> None:
        """All was added. What fits in memory stays there."""
        if self._on_disk:
            await self._write()

    async def _write(self) -> None:
        waiting, self._waiting = self._waiting, bytearray()
        self._on_disk = True  # before the await: whoever closes meanwhile must close the file, too
        try:
            await asyncio.to_thread(self._file.append, waiting)
        except OSError as error:
            raise ProxyError(
                ErrorCode.INTERNAL_ERROR,
                f"cannot keep the upload: {error}; make room in {tempfile.gettempdir()}",
            ) from error

    async def read(self, at: int, size: int) -> bytes:
        if not self._on_disk:
            return bytes(memoryview(self._waiting)[at : at + size])
        return await asyncio.to_thread(self._file.read, at, size)

    async def close(self) -> None:
        """May be called twice, and while a thread that nobody waits for any more still writes."""
        self._waiting = bytearray()
        if self._on_disk:
            await asyncio.to_thread(self._file.close)


class _File:
    """The part that blocks. The lock orders threads; nothing on the event loop ever takes it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None
        self._closed = False

    def append(self, content: bytearray) -> None:
        with self._lock:
            if self._closed:
                return
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `close`
            self._file.write(content)

    def read(self, at: int, size: int) -> bytes:
        with self._lock:
            if self._closed or self._file is None:
                raise ValueError("cannot read an upload that was closed")
            self._file.seek(at)
            return self._file.read(size)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._file is not None:
                self._file.close()
