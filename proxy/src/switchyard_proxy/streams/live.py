"""A stream that this process makes: what of it is not written yet, what was lately said, who listens here.

Does no I/O. Every event since the last write is in `recent`, so a reader who keeps up never asks the store.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from switchyard_contracts.errors import ErrorBody
from switchyard_proxy.asgi import Header
from switchyard_proxy.streams.log import Change, Ended, Grown, Opened, Started
from switchyard_proxy.streams.stream import Status, Stream
from switchyard_proxy.streams.window import Window

RECENT = 64 * 1024  # bytes of written events that are still at hand


class Follower(Protocol):
    """Reads along with the events as they are logged, so that somebody can always say how they end."""

    failed: bool

    def passes(self, event: bytes) -> bytes: ...

    def closing(self) -> list[bytes]: ...

    def ending(self, status: Status, error: ErrorBody) -> list[bytes]: ...


class Ear(Protocol):
    """A listener in this process."""

    taken: int  # the events up to this number have gone out to it
    moved_at: float  # when it last asked for more

    def wake(self) -> None: ...

    def overtake(self) -> None:
        """It held everybody up for too long."""


@dataclass(slots=True)
class _Written:
    """What the store has confirmed."""

    opened: bool = False
    started: bool = False
    last: int = 0
    first: int = 1
    over: bool = False


class Live:
    def __init__(
        self, stream: Stream, request: bytes, follower: Follower, resized: Callable[["Live", int], None]
    ) -> None:
        self.stream = stream
        self.request = request
        self.follower = follower
        self.window = Window.at(stream)
        self.ears: set[Ear] = set()
        self.alone_since: float | None = None
        self.progress = asyncio.Event()  # somebody took something, came or left, or the stream is over
        self.written_out = asyncio.Event()  # over, and all of it in the store
        self.beat = b""
        self.beats = 0
        self.task: asyncio.Task[None] | None = None
        self.waits_for_store = False
        self._recent: deque[bytes] = deque()
        self._recent_size = 0
        self._resized = resized
        self._written = _Written(last=stream.last, first=stream.first)

    @property
    def over(self) -> bool:
        return self.stream.status.over

    @property
    def last(self) -> int:
        return self.window.last

    @property
    def audible(self) -> int:
        """Up to which number listeners may hear: what is not in a store that lasts could be lost with us, and
        its numbers given to other events.
        """
        return self._written.last if self.waits_for_store else self.window.last

    @property
    def backlog(self) -> int:
        """How many bytes the store has not confirmed: an upper bound."""
        return self._recent_size if self._written.last < self.last else 0

    def found_in_store(self) -> "Live":
        """It was not made here: another process began it."""
        self._written.opened = True
        self._written.started = self.stream.code is not None
        return self

    def now(self) -> Stream:
        """All that is known of it."""
        window = self.window
        return replace(self.stream, first=window.first, last=window.last, size=window.size)

    def start(self, code: int, headers: tuple[Header, ...]) -> None:
        self.stream = replace(self.stream, code=code, headers=headers)
        self._tell(0)

    def append(self, events: list[bytes]) -> None:
        grown = 0
        for event in events:
            self.window.add(len(event))
            self._recent.append(event)
            grown += len(event)
        self._recent_size += grown
        self._tell(grown)

    def end(self, status: Status, at: float) -> None:
        self.stream = replace(self.stream, status=status, ended_at=at)
        self.progress.set()
        self._tell(0)

    def say_beat(self, data: bytes) -> None:
        self.beat = data
        self.beats += 1
        self.wake()

    def join(self, ear: Ear) -> None:
        self.ears.add(ear)
        self.alone_since = None
        self.progress.set()

    def leave(self, ear: Ear, at: float) -> None:
        if ear in self.ears:
            self.ears.discard(ear)
            if not self.ears:
                self.alone_since = at
            self.progress.set()

    def trim(self, limit: int, taken: int) -> bool:
        before = self.window.size
        fits = self.window.trim(limit, taken)
        if self.window.size != before:
            self._resized(self, self.window.size - before)
        return fits

    def recent_after(self, number: int) -> list[bytes] | None:
        """The events after that number; None if they are only in the store by now."""
        wanted = self.last - number
        if wanted > len(self._recent):
            return None
        if wanted == len(self._recent):
            return list(self._recent)
        return [self._recent[at] for at in range(-wanted, 0)]

    def changes(self) -> list[Change]:
        """What the store has not confirmed yet."""
        written, stream = self._written, self.stream
        changes: list[Change] = []
        if not written.opened:
            changes.append(Opened(replace(stream, status=Status.RUNNING, code=None, headers=()), self.request))
        if not written.started and stream.code is not None:
            changes.append(Started(stream.id, stream.code, stream.headers))
        if written.last < self.last or written.first < self.window.first:
            events = tuple(self.recent_after(written.last) or ())
            window = self.window
            changes.append(Grown(stream.id, written.last + 1, events, window.first, window.size))
        if stream.ended_at is not None and not written.over:
            changes.append(Ended(stream.id, stream.status, stream.ended_at))
        return changes

    def confirm(self, changes: list[Change]) -> None:
        """The store has these."""
        for change in changes:
            match change:
                case Opened():
                    self._written.opened = True
                case Started():
                    self._written.started = True
                case Grown():
                    self._written.last = change.first + len(change.events) - 1
                    self._written.first = change.oldest
                case Ended():
                    self._written.over = True
                    self.written_out.set()
        self.wake()
        spare = len(self._recent) - (self.last - self._written.last)
        while spare > 0 and self._recent_size > RECENT:
            self._recent_size -= len(self._recent.popleft())
            spare -= 1

    def _tell(self, grown: int) -> None:
        self._resized(self, grown)
        self.wake()

    def wake(self) -> None:
        for ear in self.ears:
            ear.wake()
