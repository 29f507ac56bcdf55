"""One reader's place in one stream. Each reads at its own pace, from any number on, until the stream is over.

Used as `async with listening: await listening.started(); async for heard in listening: …`. A stream of this
process is heard directly; one of another process is followed by way of the store.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.errors import Refused
from switchyard_proxy.streams.live import Live
from switchyard_proxy.streams.log import AT_ONCE, Event, LogTrouble, Store
from switchyard_proxy.streams.resume import KEEPALIVE
from switchyard_proxy.streams.stream import Stream

LEASE_S = 10.0  # for how long a reader in another process counts as there
FIRST_LOOK_S = 0.5  # how often it is looked whether another process's stream has begun


class Overtaken(Exception):
    """What would come next is no longer there: the reader was too slow, or the log was deleted."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """Events in a row; the first has this number."""

    first: int
    events: list[bytes]


@dataclass(frozen=True, slots=True)
class Beat:
    """Nothing came for a while, but the stream goes on."""

    data: bytes


Heard = Pieces | Beat


class Listening(Protocol):
    """What a reader holds."""

    @property
    def stream(self) -> Stream:
        """As it is now."""

    async def started(self) -> Stream:
        """Once its reply has begun, or it is over."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def __aiter__(self) -> Self: ...

    async def __anext__(self) -> Heard: ...


class Here:
    """In a stream that this process makes."""

    def __init__(self, live: Live, store: Store, after: int, beat_s: float, clock: Callable[[], float]) -> None:
        check_is_kept(live.now(), after)
        self.taken = after
        self.moved_at = clock()
        self._live = live
        self._store = store
        self._at = after
        self._beat_s = beat_s
        self._beats = live.beats
        self._clock = clock
        self._woken = asyncio.Event()
        self._overtaken = False

    @property
    def stream(self) -> Stream:
        return self._live.now()

    def wake(self) -> None:
        self._woken.set()

    def overtake(self) -> None:
        self._overtaken = True
        self._woken.set()

    async def __aenter__(self) -> Self:
        self._live.join(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.leave(self, self._clock())

    async def started(self) -> Stream:
        while self._live.stream.code is None and not self._live.over:
            self._woken.clear()
            await self._woken.wait()
        return self._live.now()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Heard:
        live = self._live
        self._note_progress()
        while True:
            if self._overtaken:
                raise Overtaken("the reader took nothing for too long, while the log was full")
            if self._at < live.audible:
                return await self._pieces(live.audible - self._at)
            if live.over and self._at >= live.last:
                raise StopAsyncIteration
            if self._beats != live.beats:
                self._beats = live.beats
                return Beat(live.beat)
            if not await self._woken_in_time():
                return Beat(KEEPALIVE)

    def _note_progress(self) -> None:
        self.moved_at = self._clock()
        if self.taken != self._at:
            self.taken = self._at
            self._live.progress.set()

    async def _pieces(self, most: int) -> Pieces:
        events = self._live.recent_after(self._at)
        first = self._at + 1
        if events is None:
            events = _in_a_row(await self._store.read(self._live.stream.id, self._at, AT_ONCE), first)
        events = events[:most]
        self._at += len(events)
        return Pieces(first, events)

    async def _woken_in_time(self) -> bool:
        self._woken.clear()
        try:
            async with asyncio.timeout(self._beat_s):
                await self._woken.wait()
        except TimeoutError:
            return False
        return True


class Elsewhere:
    """In a stream that another process makes, or that is over."""

    def __init__(
        self, stream: Stream, store: Store, after: int, beat_s: float, now: Callable[[], float]
    ) -> None:
        check_is_kept(stream, after)
        self._stream = stream
        self._store = store
        self._at = after
        self._beat_s = beat_s
        self._now = now
        self._name = secrets.token_hex(8)
        self._counted: set[Elsewhere] | None = None
        self._quiet_since = asyncio.get_running_loop().time()

    def counted_in(self, there: set["Elsewhere"]) -> Self:
        """Those whose lease somebody renews."""
        self._counted = there
        return self

    @property
    def stream(self) -> Stream:
        return self._stream

    async def renew(self) -> None:
        await self._store.hear(self._stream.id, self._name, self._at, self._now() + LEASE_S)

    async def __aenter__(self) -> Self:
        if not self._stream.status.over:
            await self.renew()
            if self._counted is not None:
                self._counted.add(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._counted is not None and self in self._counted:
            self._counted.discard(self)
            with contextlib.suppress(LogTrouble):  # the lease runs out by itself
                await self._store.leave(self._stream.id, self._name)

    async def started(self) -> Stream:
        while self._stream.code is None and not self._stream.status.over:
            await self._store.news(self._stream.id, 0, FIRST_LOOK_S)
            await self._look()
        return self._stream

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Heard:
        clock = asyncio.get_running_loop().time
        was_over = False
        while True:
            events = await self._store.read(self._stream.id, self._at, AT_ONCE)
            if events:
                pieces = Pieces(self._at + 1, _in_a_row(events, self._at + 1))
                self._at += len(pieces.events)
                self._quiet_since = clock()
                return pieces
            if was_over and self._at < self._stream.last:
                raise Overtaken("a part of the log is missing")
            if was_over:
                raise StopAsyncIteration
            await self._look()
            was_over = self._stream.status.over  # then it is read once more: its end may just have come
            if was_over:
                continue
            left_s = self._quiet_since + self._beat_s - clock()
            if left_s <= 0:
                self._quiet_since = clock()
                return Beat(KEEPALIVE)
            await self._store.news(self._stream.id, self._at, left_s)

    async def _look(self) -> None:
        found = await self._store.head(self._stream.id)
        if found is None:
            raise Overtaken("the log was deleted")
        self._stream = found


def check_is_kept(stream: Stream, after: int) -> None:
    if after + 1 < stream.first:
        raise Refused(
            ErrorCode.STREAM_NOT_FOUND,
            f"cannot read on after event {after}: the log was full, and begins at {stream.first} now; read from"
            " there, or raise --stream-log-mib",
        )


def _in_a_row(found: list[Event], first: int) -> list[bytes]:
    """Up to the first hole."""
    events: list[bytes] = []
    for number, event in found:
        if number != first + len(events):
            break
        events.append(event)
    if not events:
        raise Overtaken("the events that come next are not in the log any more")
    return events
