"""Where finished requests are laid down, and what becomes of them twice a second: rows, numbers, log lines.

A request waits for none of it: `close` appends to a list. What cannot be written waits, up to a limit; beyond
it the oldest are lost, and that is counted and said.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from switchyard_proxy.accounting.account import Account
from switchyard_proxy.accounting.logs import Narrator
from switchyard_proxy.accounting.metrics import Metrics
from switchyard_proxy.accounting.store import STEP, Store

log = logging.getLogger(__name__)

LIMIT = 100_000  # accounts that wait for a disk
SLICE = 200  # accounts dealt with at a time: a millisecond or two in which the event loop may have to wait
BREATH_S = 0.001  # for the loop, between slices
TICK_S = 0.5
FAILING_TICKS = 10  # between attempts while the disk refuses
PRUNE_TICKS = 60  # between looks at what is too old, while nothing comes


class Accounts:
    """`close` belongs to the event loop's thread; `run` must be running for anything to become of it."""

    def __init__(
        self,
        store: Store,
        metrics: Metrics,
        narrator: Narrator,
        lag: Callable[[], Mapping[str, float]],
        *,
        limit: int = LIMIT,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._narrator = narrator
        self._lag = lag
        self._limit = limit
        self._pause = pause
        self._closed: list[Account] = []
        self._handed: deque[list[Account]] = deque()
        self._unwritten: deque[Account] = deque()  # of the thread that writes
        self._breath = threading.Event()  # never set: to wait for it is to let others run
        self._overflowed = False
        self._rest = 0  # ticks until the disk is tried again
        self._until_prune = 0
        self.dropped = 0

    def close(self, account: Account) -> None:
        """The request is over, and nobody changes its account any more. Never blocks."""
        self._closed.append(account)

    async def run(self) -> None:
        """Until cancelled; then what is left is written first."""
        loop = asyncio.get_running_loop()
        thread = ThreadPoolExecutor(1, "accounts")
        try:
            settling = None
            while True:
                self._hand_over()
                if settling is None or settling.done():
                    settling = loop.run_in_executor(thread, self._settle, self._readings(), self._lag())
                await self._pause(TICK_S)
        finally:
            # Whatever was under way when we were cancelled goes on in the thread; this comes after it.
            self._hand_over()
            await loop.run_in_executor(thread, self._end)
            thread.shutdown(wait=False)

    def _readings(self) -> Mapping[str, float]:
        try:
            return self._metrics.readings()
        except Exception:  # of a gauge that somebody handed in
            log.exception("cannot read the gauges: a fault of the proxy")
            return {}

    def _hand_over(self) -> None:
        """To the thread. Not as an argument: a call that is cancelled before it begins would take it along."""
        taken, self._closed = self._closed, []
        if taken:
            self._handed.append(taken)
        handed = tuple(self._handed)
        if len(handed) > 1 and sum(map(len, handed)) > self._limit:  # the thread hangs with its disk
            self._lost(len(self._handed.popleft()))

    def _settle(self, readings: Mapping[str, float], lag: Mapping[str, float]) -> None:
        """In the thread. Each part stands alone: a fault in one must not cost the others."""
        accounts: list[Account] = []
        while self._handed:
            accounts += self._handed.popleft()
        self._unwritten.extend(accounts)
        parts: tuple[Callable[[], None], ...] = (
            lambda: self._count(accounts),
            lambda: self._metrics.sample(readings, lag),
            lambda: self._narrator.tell(accounts),
            lambda: self._write(len(accounts)),
        )
        for part in parts:
            try:
                part()
            except Exception:
                log.exception("cannot account for %d requests in full: a fault of the proxy", len(accounts))

    def _count(self, accounts: list[Account]) -> None:
        for start in range(0, len(accounts), SLICE):
            self._metrics.count(accounts[start : start + SLICE])
            self._breath.wait(BREATH_S)

    def _write(self, new: int) -> None:
        self._drop(len(self._unwritten) - self._limit)
        if self._rest > 0:
            self._rest -= 1
            return
        while self._unwritten:
            batch = [self._unwritten[at] for at in range(min(SLICE, len(self._unwritten)))]
            if not self._store.write(batch):
                self._rest = FAILING_TICKS
                return
            for _ in batch:
                self._unwritten.popleft()
            self._breath.wait(BREATH_S)
        self._overflowed = False
        self._prune(new)

    def _prune(self, written: int) -> None:
        """At least as fast as rows come, but nobody waits for all that there may be to forget."""
        self._until_prune -= 1
        if written or self._until_prune <= 0:
            self._until_prune = PRUNE_TICKS
            for _ in range(1 + written // STEP):
                if not self._store.prune():
                    return
            self._until_prune = 0

    def _drop(self, count: int) -> None:
        for _ in range(count):
            self._unwritten.popleft()
        if count > 0:
            self._lost(count)

    def _lost(self, count: int) -> None:
        self.dropped += count
        self._metrics.dropped(count)
        if not self._overflowed:
            self._overflowed = True
            log.error(
                "cannot keep the accounts of all requests: more than %d wait to be written, and the oldest are"
                " lost; %s",
                self._limit,
                self._store.trouble or "the disk is too slow",
            )

    def _end(self) -> None:
        self._rest = 0
        self._settle({}, {})
        if self._unwritten:
            log.error("cannot write down the last %d requests: %s", len(self._unwritten), self._store.trouble)
        self._store.close()
