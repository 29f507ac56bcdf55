"""What happens, as it happens: a snapshot first, then every event. Nobody who tells waits for those who listen.

Whoever comes back with the number of the last event it had goes on from there, without a gap, as long as what
it missed is remembered; else it begins again with a snapshot. So does a listener that is too slow.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from switchyard_contracts.events import EventKind, ManagerEvent
from switchyard_manager.api.desk import Desk
from switchyard_manager.api.sse import KEEP_ALIVE, EventStream, Streams, frame

BACKLOG = 1000  # events that a listener may be behind
MOST_MISSED = 1000  # more than this are quicker told by a snapshot

After = Annotated[int | None, Query(ge=0, description="The number of the last event that you have.")]
LastEventId = Annotated[str | None, Header(alias="Last-Event-ID", description="The same, as browsers say it.")]


@dataclass(eq=False, slots=True)
class _Listener:
    backlog: int
    events: deque[ManagerEvent] = field(default_factory=deque)
    lost: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, event: ManagerEvent) -> None:
        if len(self.events) >= self.backlog:
            self.lost = True
        if self.lost:
            self.events.clear()  # the snapshot that follows says more than they do
        else:
            self.events.append(event)
        self.news.set()

    def restart(self) -> None:
        self.events.clear()
        self.lost = False


class Feed:
    """Every listener's events. `listening` is how many there are."""

    def __init__(self, desk: Desk, streams: Streams, backlog: int = BACKLOG) -> None:
        self._desk = desk
        self._streams = streams
        self._backlog = backlog
        self._chronicle = desk.world.chronicle
        self._began = self._chronicle.seq  # up to here, a former manager told them
        self.listening = 0

    async def frames(self, after: int | None) -> AsyncGenerator[bytes, None]:
        listener = _Listener(self._backlog)
        stop = self._chronicle.listen(listener.hear)
        self.listening += 1
        try:
            missed = None if after is None else await self._since(after)
            if missed is None:
                yield self._snapshot(listener)
            for event in missed or ():
                yield _frame(event)
            while True:
                yield await self._next(listener)
        finally:
            self.listening -= 1
            stop()

    async def _next(self, listener: _Listener) -> bytes:
        try:
            async with asyncio.timeout(self._streams.keep_alive_s):
                while not listener.events and not listener.lost:
                    listener.news.clear()
                    await listener.news.wait()
        except TimeoutError:
            return KEEP_ALIVE
        return self._snapshot(listener) if listener.lost else _frame(listener.events.popleft())

    def _snapshot(self, listener: _Listener) -> bytes:
        """All that happened until now is in it, and what happens next is yet to be heard."""
        listener.restart()
        chronicle = self._chronicle
        status = self._desk.status().model_dump(mode="json")
        at = chronicle.at(self._desk.clock())
        return _frame(ManagerEvent(seq=chronicle.seq, at=at, kind=EventKind.SNAPSHOT, data=status))

    async def _since(self, after: int) -> list[ManagerEvent] | None:
        """Those after that number, up to this moment; None: it cannot be told what they were."""
        recent, seq = tuple(self._chronicle.recent), self._chronicle.seq
        if after > seq:
            return None
        first = recent[0].seq if recent else seq + 1
        if first <= after + 1:
            return [event for event in recent if event.seq > after]
        kept = await asyncio.to_thread(self._kept, after, first)
        return None if kept is None else [*kept, *recent]

    def _kept(self, after: int, first: int) -> list[ManagerEvent] | None:
        """From the store, what came before the first that is remembered here."""
        store = self._desk.store
        if first - 1 > max(self._began, store.last_seq()):
            return None  # not all of it is written yet
        kept = store.events(after, MOST_MISSED + 1)
        if len(kept) > MOST_MISSED or store.trouble:
            return None
        return [event for event in kept if event.seq < first]


def _frame(event: ManagerEvent) -> bytes:
    return frame(event.kind, event.model_dump_json(), event.seq)


def router(feed: Feed, streams: Streams) -> APIRouter:
    routes = APIRouter(tags=["events"])

    @routes.get(
        "/api/events",
        summary="What happens, as server-sent events: a snapshot, then every ManagerEvent, its number as `id`",
        response_class=Response,
        responses={200: {"content": {"text/event-stream": {}}, "model": ManagerEvent}},
    )
    async def events(after: After = None, last_event_id: LastEventId = None) -> Response:
        told = last_event_id or ""
        last = int(told) if told.isascii() and told.isdigit() else after
        return EventStream(feed.frames(last), streams)

    return routes
