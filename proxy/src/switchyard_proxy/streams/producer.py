"""What a reply is written to when it goes into a log: a `Sink`, which cuts it into events."""

from typing import Protocol

from switchyard_contracts.errors import ErrorBody, ErrorCode
from switchyard_proxy.asgi import Header
from switchyard_proxy.errors import ProxyError, Refused
from switchyard_proxy.streams.live import Live
from switchyard_proxy.streams.responses import ResponseEvents, object_in
from switchyard_proxy.streams.split import Splitter
from switchyard_proxy.streams.stream import EVENT_STREAM, Status

EVENTS: tuple[Header, ...] = ((b"content-type", EVENT_STREAM),)
NOT_KEPT = frozenset({b"content-length", b"x-request-id", b"date", b"connection", b"transfer-encoding"})


class Keeper(Protocol):
    """Who owns the log."""

    def end(self, live: Live, status: Status, error: ErrorBody) -> None: ...

    def finish(self, live: Live) -> None: ...

    def has_room(self, live: Live) -> bool: ...

    async def wait_for_room(self, live: Live) -> None: ...

    @property
    def largest(self) -> int:
        """How large any log may be."""

    @property
    def share(self) -> int:
        """How large each may be just now."""


class Producer:
    """Writes one reply into a log, and waits when the log's rules say so."""

    def __init__(self, live: Live, keeper: Keeper) -> None:
        self.started = False
        self.complete = False
        self._live = live
        self._keeper = keeper
        self._splitter = Splitter()
        # A background response is told by events, whatever the engine answers with.
        self._document: bytearray | None = None

    async def start(self, status: int, headers: list[Header]) -> None:
        self._check()
        self.started = True
        kept = tuple(header for header in headers if header[0] not in NOT_KEPT)
        kinds = [value for name, value in kept if name == b"content-type"]
        events = bool(kinds) and kinds[0].split(b";")[0].strip().lower() == EVENT_STREAM
        if self._live.stream.background and not (events and status == 200):
            self._document = bytearray()
            status, kept = 200, EVENTS
        self._live.start(status, kept)

    async def body(self, data: bytes, *, last: bool) -> None:
        """Raises `ProxyError` once the stream is over for another reason than its own end."""
        self._check()
        self.offer(data, last=last)
        if not self._live.over and not self._keeper.has_room(self._live):
            await self._keeper.wait_for_room(self._live)
            self._check()
        elif self._live.over and not self.complete:
            self._check()

    async def beat(self, data: bytes) -> None:
        """Heard by those who listen in this process; never logged."""
        if not self._live.over:
            self._live.say_beat(data)

    def offer(self, data: bytes, *, last: bool) -> None:
        """The same without waiting for room."""
        self._live.append(list(map(self._live.follower.passes, self._cut(data, last=last))))
        if self._splitter.held > self._keeper.largest:
            self._keeper.end(self._live, Status.FAILED, too_large(self._keeper.largest))
        elif last:
            self.complete = True
            self._keeper.finish(self._live)

    def _cut(self, data: bytes, *, last: bool) -> list[bytes]:
        if self._document is not None:
            self._document += data[: self._keeper.largest - len(self._document)]
            return self._told() if last else []
        if not self._live.stream.has_events:
            return [data] if data else []
        return self._splitter.events(data) + (self._splitter.rest() if last else [])

    def _told(self) -> list[bytes]:
        follower = self._live.follower
        if not isinstance(follower, ResponseEvents):
            return [bytes(self._document or b"")]
        self._live.append(follower.document(object_in(bytes(self._document or b""))))
        return []

    def _check(self) -> None:
        if self._live.over:
            raise over(self._live)


class Recording:
    """A stream made in the caller's own task. It never waits for its listeners."""

    def __init__(self, live: Live, keeper: Keeper) -> None:
        self._live = live
        self._keeper = keeper
        self._producer = Producer(live, keeper)

    async def start(self, status: int, headers: list[Header]) -> None:
        if not self._live.over:
            await self._producer.start(status, headers)

    def add(self, data: bytes, *, last: bool) -> None:
        """What does not fit the log ends it."""
        if self._live.over:
            return
        self._producer.offer(data, last=last)
        if self._live.window.size > self._keeper.share:
            self._keeper.end(self._live, Status.FAILED, too_large(self._keeper.share))

    def close(self) -> None:
        """The work is over; if its reply is not, then because the client left or the engine broke off."""
        error = ErrorBody.of(ErrorCode.REQUEST_CANCELLED, "cannot finish the reply: its client left")
        self._keeper.end(self._live, Status.CANCELLED, error)


def over(live: Live) -> ProxyError:
    """To the work of a stream that was ended meanwhile."""
    return Refused(ErrorCode.REQUEST_CANCELLED, f"cannot go on: the stream {live.stream.id} was ended")


def too_large(largest: int) -> ErrorBody:
    return ErrorBody.of(
        ErrorCode.STREAM_BROKEN,
        f"cannot go on: the log of this stream is full ({largest // 1024} KiB) and nobody reads on;"
        " listen while it runs, or raise --stream-log-mib",
    )
