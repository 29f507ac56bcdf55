"""The streams that this process makes, and the writing of what is new in them to the store, in batches."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator

from switchyard_proxy.settings import MIB
from switchyard_proxy.streams.live import Live
from switchyard_proxy.streams.log import LogTrouble, Store

log = logging.getLogger(__name__)

LINGER_S = 0.02  # how long an event may wait for others before all are written at once
RETRY_S = 1.0  # after trouble with the store
BACKLOG = 8 * MIB  # unwritten bytes of all streams, above which their engines wait
SMALLEST_SHARE = 64 * 1024  # of the room of all logs, that a running stream is left with


class Shelf:
    """A stream is here from its beginning until it is over and all of it is written."""

    def __init__(self, store: Store) -> None:
        self.lives: dict[str, Live] = {}
        self.here = 0  # bytes in the logs of these
        self.elsewhere = 0  # and in all others, as last counted
        self.over = 0  # of those, what could make room
        self.written = asyncio.Event()  # set and cleared: something was
        self._store = store
        self._unwritten: dict[str, Live] = {}
        self._dirty = asyncio.Event()
        self._is_open = False
        self._opening = asyncio.Lock()
        self._complaint = ""

    @property
    def size(self) -> int:
        """Of all logs together."""
        return self.here + self.elsewhere

    def put(self, live: Live) -> None:
        self.lives[live.stream.id] = live
        live.waits_for_store = self._store.lasts and not self._complaint
        self.resized(live, live.window.size)

    def resized(self, live: Live, by: int) -> None:
        """Something of it is new."""
        self.here += by
        self._unwritten[live.stream.id] = live
        self._dirty.set()

    def is_behind(self, live: Live) -> bool:
        """Whether the store cannot keep up."""
        return live.backlog > SMALLEST_SHARE and sum(one.backlog for one in self._unwritten.values()) > BACKLOG

    async def keep_writing(self) -> None:
        """Until cancelled."""
        while True:
            await self._dirty.wait()
            await asyncio.sleep(LINGER_S)
            try:
                await self.write()
                self._recover()
            except LogTrouble as trouble:
                self._complain(trouble)
                await asyncio.sleep(RETRY_S)
            except Exception:
                log.exception("cannot write the log of streams: a fault of the proxy; trying again")
                await asyncio.sleep(RETRY_S)

    async def write(self) -> None:
        """Everything that is new. What could not be written is given again."""
        self._dirty.clear()
        lives, self._unwritten = self._unwritten, {}
        told = [(live, live.changes()) for live in lives.values()]
        try:
            await self.open()
            await self._store.write([change for _, changes in told for change in changes])
        except BaseException:
            self._unwritten = lives | self._unwritten
            self._dirty.set()
            raise
        for live, changes in told:
            live.confirm(changes)
            if live.written_out.is_set() and self.lives.pop(live.stream.id, None) is not None:
                self.here -= live.window.size
                self.elsewhere += live.window.size
                self.over += live.window.size
        self.written.set()
        self.written.clear()

    async def open(self) -> None:
        async with self._opening:
            if not self._is_open:
                await self._store.open()
                self._is_open = True

    async def count(self) -> None:
        """How much is kept beside these."""
        totals = await self._store.totals()
        here = sum(live.window.size for live in self.lives.values())
        self.elsewhere = max(totals.size - here, totals.over_size, 0)
        self.over = totals.over_size

    @contextlib.contextmanager
    def told_if_trouble(self) -> Iterator[None]:
        """Trouble with the store is news, and no reason to stop."""
        try:
            yield
        except LogTrouble as trouble:
            self._complain(trouble)
        except Exception:
            log.exception("cannot look after the streams: a fault of the proxy; trying again")

    def _complain(self, trouble: LogTrouble) -> None:
        """Once for each new reason."""
        if str(trouble) != self._complaint:
            log.warning("%s; trying again", trouble)
        self._complaint = str(trouble)
        for live in self.lives.values():  # better heard and perhaps lost than not heard at all
            live.waits_for_store = False
            live.wake()

    def _recover(self) -> None:
        if self._complaint:
            self._complaint = ""
            for live in self.lives.values():
                live.waits_for_store = self._store.lasts
