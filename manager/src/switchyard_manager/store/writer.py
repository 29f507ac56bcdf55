"""Between whoever has something to remember, who may not wait, and the store, which blocks."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Awaitable, Callable

from switchyard_contracts.events import FLEETING
from switchyard_manager.store.facts import Fact, Happened
from switchyard_manager.store.store import Store

log = logging.getLogger(__name__)

LIMIT = 100_000  # facts waiting for a disk that is away; beyond it the oldest are lost
BATCH = 1_000  # facts in one transaction
PAUSE_S = 0.5
FAILING_PAUSE_S = 5.0
PRUNE_EVERY = 5_000  # facts written


class Writer:
    """`keep` belongs to the event loop's thread; `run` must be running for anything to be written."""

    def __init__(self, store: Store, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._store = store
        self._pause = pause
        self._waiting: deque[Fact] = deque(maxlen=LIMIT)
        self._news = asyncio.Event()
        self._flushing = threading.Lock()
        self._batch: list[Fact] = []  # of the thread that flushes; kept until it is written
        self._overflowed = False
        self._unpruned = PRUNE_EVERY  # the first flush prunes

    def keep(self, fact: Fact) -> None:
        """Never blocks."""
        if _fleeting(fact) and self._waiting and _fleeting(self._waiting[-1]):
            self._waiting.pop()  # of fleeting events only the last number counts
        if len(self._waiting) == LIMIT and not self._overflowed:
            self._overflowed = True
            log.error(
                "cannot remember all that happens: the history cannot be written, and its oldest part is lost"
            )
        self._waiting.append(fact)
        self._news.set()

    async def run(self) -> None:
        """Until cancelled; then what is left is written first."""
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                if await asyncio.to_thread(self._flush):
                    await self._pause(PAUSE_S)
                else:
                    self._news.set()
                    await self._pause(FAILING_PAUSE_S)
        finally:
            # A flush that was under way when we were cancelled goes on in its thread; this one waits for it.
            await asyncio.to_thread(self._flush)

    def _flush(self) -> bool:
        with self._flushing:
            while True:
                while self._waiting and len(self._batch) < BATCH:
                    self._batch.append(self._waiting.popleft())
                if not self._batch:
                    return True
                if not self._store.write(self._batch):
                    return False
                self._unpruned += len(self._batch)
                self._batch.clear()
                self._prune()

    def _prune(self) -> None:
        if self._unpruned >= PRUNE_EVERY:
            self._unpruned = 0
            self._store.prune()


def _fleeting(fact: Fact) -> bool:
    return isinstance(fact, Happened) and fact.event.kind in FLEETING
