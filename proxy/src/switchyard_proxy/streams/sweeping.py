"""What is looked after from time to time: cancelled, deserted, orphaned and old streams, and their room."""

import asyncio
from collections.abc import Callable

from switchyard_contracts.errors import ErrorBody, ErrorCode
from switchyard_proxy.streams.bounds import Clocks
from switchyard_proxy.streams.endings import PlainEvents
from switchyard_proxy.streams.listening import Elsewhere
from switchyard_proxy.streams.live import Follower, Live
from switchyard_proxy.streams.log import AT_ONCE, Store
from switchyard_proxy.streams.responses import ResponseEvents
from switchyard_proxy.streams.room import Room
from switchyard_proxy.streams.shelf import Shelf
from switchyard_proxy.streams.stream import Kind, Status, Stream

SWEEP_S = 0.5
TIDY_EVERY = 10  # sweeps

End = Callable[[Live, Status, ErrorBody], None]


class Sweeper:
    """Looks; what it finds is ended by `end`."""

    def __init__(
        self,
        room: Room,
        shelf: Shelf,
        store: Store,
        end: End,
        clocks: Clocks,
    ) -> None:
        self.readers: set[Elsewhere] = set()  # of other processes' streams
        self._shelf = shelf
        self._store = store
        self._room = room
        self._end = end
        self._bounds = room.bounds
        self._now = clocks.now
        self._clock = clocks.steady

    async def keep_sweeping(self) -> None:
        """Until cancelled."""
        turn = 0
        while True:
            with self._shelf.told_if_trouble():
                if turn % TIDY_EVERY == 0:
                    await self.tidy()
                await self.sweep()
            turn += 1
            await asyncio.sleep(SWEEP_S)

    async def sweep(self) -> None:
        """Cancel what somebody wants cancelled, and what nobody listens to any more."""
        for reader in list(self.readers):
            await reader.renew()
        running = {name: live for name, live in self._shelf.lives.items() if not live.over}
        if not running:
            return
        for name in await self._store.cancel_asked(running):
            self._end(running[name], Status.CANCELLED, cancelled("it was cancelled by id"))
        alone = {name: live for name, live in running.items() if self._is_deserted(live)}
        heard = await self._store.heard(alone, self._now()) if alone else {}
        for name, live in alone.items():
            if name in heard:
                live.alone_since = self._clock()
            elif self._is_deserted(live):  # still: somebody may have come meanwhile
                why = f"nobody listened for {self._bounds.cancel_after_s:g} s"
                self._end(live, Status.CANCELLED, cancelled(why))

    def _is_deserted(self, live: Live) -> bool:
        """Only what runs in a task of its own can be: other work ends with its client anyway."""
        return (
            not live.over
            and live.task is not None
            and not live.stream.background
            and live.alone_since is not None
            and self._clock() - live.alone_since >= self._bounds.cancel_after_s
        )

    async def tidy(self) -> None:
        """Show that we live, end what dead processes left behind, forget what is old, count what there is."""
        await self._shelf.open()
        await self._store.present()
        for stream in await self._store.adopt():
            await self._end_orphan(stream)
        await self._store.expire(self._now() - self._bounds.keep_s)
        await self._shelf.count()
        if self._shelf.size > self._bounds.logs_bytes:
            await self._room.make()

    async def _end_orphan(self, stream: Stream) -> None:
        """Its finished part stays, and ends with an honest error."""
        request = await self._store.request(stream.id)
        follower = follower_of(stream, request, own_id=stream.background)
        after = stream.first - 1
        while read := await self._store.read(stream.id, after, AT_ONCE):
            for _, event in read:
                follower.passes(event)
            after = read[-1][0]
        live = Live(stream, request, follower, self._shelf.resized).found_in_store()
        self._shelf.put(live)
        self._end(live, Status.INTERRUPTED, broken("the proxy that made this stream is gone"))


def follower_of(stream: Stream, request: bytes, *, own_id: bool) -> Follower:
    if stream.kind is Kind.RESPONSES:
        return ResponseEvents(stream, request, own_id=own_id)
    return PlainEvents(stream.kind)


def broken(why: str) -> ErrorBody:
    return ErrorBody.of(ErrorCode.STREAM_BROKEN, f"cannot finish the reply: {why}; send the request again")


def cancelled(why: str) -> ErrorBody:
    return ErrorBody.of(ErrorCode.REQUEST_CANCELLED, f"cannot finish the reply: {why}")
