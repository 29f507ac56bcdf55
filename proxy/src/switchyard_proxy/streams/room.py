"""How far a log may grow, and who waits when it is full. The rules are written down in docs/streams.md."""

import asyncio
import contextlib

from switchyard_proxy.streams.bounds import Bounds, Clocks
from switchyard_proxy.streams.live import Live
from switchyard_proxy.streams.log import Store
from switchyard_proxy.streams.shelf import SMALLEST_SHARE, Shelf

LOOK_AGAIN_S = 0.5
STALL_S = 30.0  # a listener that takes nothing for so long holds nobody up any more


class Room:
    """One for all streams of this process."""

    def __init__(
        self,
        shelf: Shelf,
        store: Store,
        bounds: Bounds,
        clocks: Clocks,
    ) -> None:
        self.bounds = bounds
        self._shelf = shelf
        self._store = store
        self._now = clocks.now
        self._clock = clocks.steady

    def for_another(self) -> bool:
        """Whether one more stream may begin."""
        running = sum(not live.over for live in self._shelf.lives.values())
        return (running + 1) * SMALLEST_SHARE <= self.bounds.logs_bytes

    def has(self, live: Live) -> bool:
        return (
            live.window.size <= self.share()
            and not (self._shelf.over and self._shelf.size > self.bounds.logs_bytes)
            and not self._shelf.is_behind(live)
        )

    async def wait(self, live: Live) -> bool:
        """Until the log may grow again: back-pressure for the engine. False: it never will."""
        while not live.over and not self.has(live):
            live.progress.clear()
            if self._shelf.size > self.bounds.logs_bytes and self._shelf.over:
                await self.make()
                if self.has(live):
                    break
            if self._shelf.is_behind(live):
                await self._until(self._shelf.written)
            elif (taken := await self._taken(live)) is not None:
                if live.trim(self.share(), taken):
                    break
                await self._until(live.progress)
                self._overtake(live)
            elif live.stream.background:
                return False
            else:
                await self._until(live.progress)
        return True

    def share(self) -> int:
        """How large a log may be. When all together are too large, each running one gets the same."""
        if self._shelf.size <= self.bounds.logs_bytes:
            return self.bounds.log_bytes
        share = self.bounds.logs_bytes // max(len(self._shelf.lives), 1)
        return min(self.bounds.log_bytes, max(share, SMALLEST_SHARE))

    async def make(self) -> None:
        """At the cost of what is over, the oldest first."""
        with self._shelf.told_if_trouble():
            unwritten = max(self._shelf.size - (await self._store.totals()).size, 0)
            await self._store.shrink(max(self.bounds.logs_bytes - unwritten, 0))
            await self._shelf.count()

    async def _taken(self, live: Live) -> int | None:
        """Where the slowest listener is; None where nobody listens."""
        places = [ear.taken for ear in live.ears]
        with self._shelf.told_if_trouble():
            places += (await self._store.heard([live.stream.id], self._now())).values()
        return min(places, default=None)

    def _overtake(self, live: Live) -> None:
        """Those who ask for nothing while others wait for them are waited for no longer."""
        for ear in list(live.ears):
            if ear.taken < live.last and self._clock() - ear.moved_at > STALL_S:
                ear.overtake()
                live.leave(ear, self._clock())

    async def _until(self, event: asyncio.Event) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_AGAIN_S):
                await event.wait()
