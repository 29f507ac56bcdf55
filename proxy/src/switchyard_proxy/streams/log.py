"""Where streams are logged: the Protocol of a store, and the changes that it is told of.

A store keeps what it is told and decides nothing. It is told in batches, so that an event costs neither a
round trip nor a write of its own to disk. Its own troubles are `LogTrouble`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from switchyard_proxy.asgi import Header
from switchyard_proxy.streams.stream import Status, Stream

Event = tuple[int, bytes]
AT_ONCE = 256 * 1024  # how many bytes are read from a log at a time: a reader's share of memory


class LogTrouble(Exception):
    """The store cannot be written or read just now; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Opened:
    stream: Stream
    request: bytes


@dataclass(frozen=True, slots=True)
class Started:
    id: str
    code: int
    headers: tuple[Header, ...]


@dataclass(frozen=True, slots=True)
class Grown:
    """Events at the end; those before `oldest` are dropped. `size` is that of all that is kept then."""

    id: str
    first: int
    events: tuple[bytes, ...]
    oldest: int
    size: int


@dataclass(frozen=True, slots=True)
class Ended:
    id: str
    status: Status
    at: float


Change = Opened | Started | Grown | Ended


@dataclass(frozen=True, slots=True)
class Totals:
    """What a store holds, and how much of it belongs to streams that are over."""

    streams: int
    size: int
    over_size: int


class Store(Protocol):
    """Made for one process, by name. Every method but `write` may be called at any time after `open`."""

    lasts: bool  # what it has confirmed outlives this process

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def write(self, changes: Sequence[Change]) -> None:
        """All, in order. By one caller at a time. Given again, they change nothing more."""

    async def head(self, stream_id: str) -> Stream | None: ...

    async def request(self, stream_id: str) -> bytes: ...

    async def read(self, stream_id: str, after: int, limit: int) -> list[Event]:
        """The kept events after that number, oldest first: about `limit` bytes, but at least one event."""

    async def newest(self, conversation: str, owner: str | None) -> Stream | None:
        """The latest stream of a conversation; None for an owner stands for all of them."""

    async def streams(self, owner: str | None, limit: int) -> list[Stream]:
        """The newest first."""

    async def news(self, stream_id: str, after: int, within_s: float) -> None:
        """Return when there may be an event after that number, or the stream may be over, or time is up."""

    async def ask_cancel(self, stream_id: str) -> None: ...

    async def cancel_asked(self, ids: Collection[str]) -> set[str]:
        """Which of these somebody wants cancelled."""

    async def hear(self, stream_id: str, listener: str, at: int, until: float) -> None:
        """A listener in this process has taken the events up to `at`, and counts as there until then."""

    async def leave(self, stream_id: str, listener: str) -> None: ...

    async def heard(self, ids: Collection[str], now: float) -> dict[str, int]:
        """Those of these that somebody listens to by `hear`, with where the slowest listener is."""

    async def delete(self, stream_id: str) -> None: ...

    async def expire(self, before: float) -> None:
        """Delete what was over before that time."""

    async def shrink(self, size: int) -> None:
        """Delete streams that are over, the oldest first, until all that is kept is no larger."""

    async def totals(self) -> Totals: ...

    async def present(self) -> None:
        """Say that this process lives."""

    async def adopt(self) -> list[Stream]:
        """The running streams of processes that died. They are this process's from now on, and no other's."""
