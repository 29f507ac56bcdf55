"""Every stream of this process: opened, listened to, cancelled, and ended in the end. Owns their tasks.

What a stream says is decided here in the same step in which it happens; the store learns of it a moment later.
Streams of other processes are found in the store.
"""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator

from switchyard_contracts.errors import CODES, ErrorBody, ErrorCode
from switchyard_proxy.asgi import Header
from switchyard_proxy.errors import ProxyError, Refused, Unavailable, tell
from switchyard_proxy.replies import JSON, Sink
from switchyard_proxy.streams.bounds import Bounds, Clocks
from switchyard_proxy.streams.endings import error_document
from switchyard_proxy.streams.listening import Elsewhere, Here, Listening
from switchyard_proxy.streams.live import Live
from switchyard_proxy.streams.log import AT_ONCE, LogTrouble, Store
from switchyard_proxy.streams.producer import EVENTS, Producer, Recording, too_large
from switchyard_proxy.streams.room import Room
from switchyard_proxy.streams.shelf import Shelf
from switchyard_proxy.streams.stream import Order, Status, Stream, new_id
from switchyard_proxy.streams.sweeping import SWEEP_S, Sweeper, broken, cancelled, follower_of

__all__ = ["Bounds", "Streams", "Work"]

log = logging.getLogger(__name__)

Work = Callable[[Sink], Awaitable[None]]

ENDS_WITHIN_S = 5.0
LISTED = 1000


class Streams:
    """One for each process; `run` must be running."""

    def __init__(
        self,
        store: Store,
        bounds: Bounds,
        process: str,
        clocks: Clocks | None = None,
    ) -> None:
        clocks = clocks or Clocks()
        self.up = asyncio.Event()  # streams may be started
        self.shelf = Shelf(store)
        self.room = Room(self.shelf, store, bounds, clocks)
        self.sweeper = Sweeper(self.room, self.shelf, store, self.end, clocks)
        self._store = store
        self._bounds = bounds
        self._process = process
        self._now = clocks.now
        self._clock = clocks.steady
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Until cancelled. Then every stream gets its end, and the store is closed."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                tasks.create_task(self.shelf.keep_writing(), name="streams: write")
                tasks.create_task(self.sweeper.keep_sweeping(), name="streams: sweep")
                self.up.set()
        finally:
            self._tasks = None
            self.stop("the proxy stops")
            with self.shelf.told_if_trouble(), contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ENDS_WITHIN_S):
                    await self.shelf.write()
            await self._store.close()

    def start(self, order: Order, work: Work) -> Stream:
        """Begin the work in a task of its own: it goes on whoever leaves. Raises `Unavailable`."""
        if self._tasks is None:
            raise Unavailable(ErrorCode.OVERLOADED, "cannot begin a stream: the proxy stops")
        live = self._live_of(order)
        live.task = self._tasks.create_task(self._carry(live, work), name=f"stream {live.stream.id}")
        return live.now()

    def open(self, order: Order) -> Recording:
        """For work in the caller's own task, who closes it in the end. Raises `Unavailable`."""
        live = self._live_of(order)
        return Recording(live, self)

    def _live_of(self, order: Order) -> Live:
        if order.id in self.shelf.lives:
            raise Refused(
                ErrorCode.INVALID_VALUE, f"cannot log another stream as {order.id!r}: one runs already"
            )
        if not self.room.for_another():
            raise Unavailable(
                ErrorCode.OVERLOADED,
                "cannot keep the log of another stream: those that run fill --stream-logs-mib already",
            )
        stream = Stream(
            order.id or new_id(order.kind),
            order.owner,
            order.model,
            order.kind,
            self._now(),
            self._process,
            order.conversation,
            order.background,
        )
        request = order.request if len(order.request) <= self._bounds.log_bytes // 4 else b""
        follower = follower_of(stream, request, own_id=order.id is None or order.background)
        live = Live(stream, request, follower, self.shelf.resized)
        live.alone_since = self._clock()
        self.shelf.put(live)
        return live

    async def _carry(self, live: Live, work: Work) -> None:
        """The work, and an honest end whatever becomes of it."""
        producer = Producer(live, self)
        try:
            await work(producer)
            self.end(live, Status.FAILED, broken("it broke off"))
        except asyncio.CancelledError:
            self.end(live, Status.INTERRUPTED, broken("the proxy stops"))
            raise
        except ProxyError as error:
            self.end(live, Status.FAILED, error.body, tuple(tell(error).headers))
        except Exception:
            log.exception("cannot go on with %s: a fault of the proxy", live.stream.id)
            fault = ErrorBody.of(
                ErrorCode.INTERNAL_ERROR, "cannot go on with this stream: a fault of the proxy"
            )
            self.end(live, Status.FAILED, fault)

    # What producers ask of their keeper.

    @property
    def largest(self) -> int:
        return self._bounds.log_bytes

    def finish(self, live: Live) -> None:
        """The reply is whole."""
        live.append(live.follower.closing() if live.stream.has_events else [])
        failed = live.follower.failed or (live.stream.code or 0) >= 400
        live.end(Status.FAILED if failed else Status.FINISHED, self._now())

    @property
    def share(self) -> int:
        return self.room.share()

    def has_room(self, live: Live) -> bool:
        return self.room.has(live)

    async def wait_for_room(self, live: Live) -> None:
        if not await self.room.wait(live):
            self.end(live, Status.FAILED, too_large(self.share))

    def end(self, live: Live, status: Status, error: ErrorBody, headers: tuple[Header, ...] = ()) -> None:
        """Before its own end: what is still to come of it is not taken any more. `headers` go with an error
        that is the whole reply.
        """
        if live.over:
            return
        if live.stream.code is None and not live.stream.background:
            live.start(CODES[error.code].status, (JSON, *headers))
            live.append([error_document(live.stream.kind, error)])
        else:
            if live.stream.code is None:
                live.start(200, EVENTS)
            live.append(live.follower.ending(status, error) if live.stream.has_events else [])
        live.end(status, self._now())
        if live.task is not None and live.task is not asyncio.current_task():
            live.task.cancel()

    def stop(self, why: str) -> None:
        """End every running stream of this process; their listeners are told."""
        for live in list(self.shelf.lives.values()):
            self.end(live, Status.INTERRUPTED, broken(why))

    async def cancel(self, stream: Stream) -> Stream:
        """The stream as it is once it is over, in whichever process it runs. Raises `Unavailable`."""
        if (live := self.shelf.lives.get(stream.id)) is not None:
            self.end(live, Status.CANCELLED, cancelled("it was cancelled by id"))
            return live.now()
        with _told_as_unavailable():
            if not stream.status.over:
                await self._store.ask_cancel(stream.id)
            return await self._over(stream)

    async def _over(self, stream: Stream) -> Stream:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + ENDS_WITHIN_S
        while not stream.status.over:
            if loop.time() > deadline:
                raise Unavailable(
                    ErrorCode.OVERLOADED,
                    f"cannot see the end of {stream.id} yet: its proxy was asked, and has not answered",
                )
            await self._store.news(stream.id, stream.last, SWEEP_S)
            found = await self._store.head(stream.id)
            if found is None:
                raise _gone(stream.id)
            stream = found
        return stream

    async def delete(self, stream: Stream) -> None:
        """Cancel it if it still runs, and forget it. Raises `Unavailable`."""
        await self.cancel(stream)
        with _told_as_unavailable():
            if (live := self.shelf.lives.get(stream.id)) is not None:
                await self._until_written(live)
            await self._store.delete(stream.id)

    async def _until_written(self, live: Live) -> None:
        """Or the last writing would bring it back."""
        try:
            async with asyncio.timeout(ENDS_WITHIN_S):
                await live.written_out.wait()
        except TimeoutError:
            raise LogTrouble("cannot write the log of streams") from None

    async def find(self, stream_id: str, owner: str | None) -> Stream:
        """Raises `Refused` for what is not there, or is not the owner's. None stands for all owners."""
        live = self.shelf.lives.get(stream_id)
        with _told_as_unavailable():
            stream = live.now() if live is not None else await self._store.head(stream_id)
        if stream is None or owner not in (None, stream.owner):
            raise _gone(stream_id)
        return stream

    async def find_conversation(self, conversation: str, owner: str | None) -> Stream:
        """The newest stream of it. Raises `Refused`."""
        before = self._here(owner)
        with _told_as_unavailable():
            known = await self._store.newest(conversation, owner)
        every = _as_they_are((known,) if known is not None else (), before, self._here(owner))
        found = [stream for stream in every if stream.conversation == conversation]
        if not found:
            raise _gone(conversation)
        return max(reversed(found), key=lambda stream: stream.created_at)

    async def listed(self, owner: str | None) -> list[Stream]:
        """Theirs, the newest first."""
        before = self._here(owner)
        with _told_as_unavailable():
            known = await self._store.streams(owner, LISTED)
        every = _as_they_are(known, before, self._here(owner))
        return sorted(every, key=lambda stream: -stream.created_at)

    def _here(self, owner: str | None) -> list[Stream]:
        return [live.now() for live in self.shelf.lives.values() if owner in (None, live.stream.owner)]

    async def is_known(self, stream_id: str) -> bool:
        """Whether anybody's stream has that id."""
        with _told_as_unavailable():
            return stream_id in self.shelf.lives or await self._store.head(stream_id) is not None

    async def request(self, stream: Stream) -> bytes:
        """The body of the request, where it was kept."""
        if (live := self.shelf.lives.get(stream.id)) is not None:
            return live.request
        with _told_as_unavailable():
            return await self._store.request(stream.id)

    async def events(self, stream: Stream, after: int | None = None) -> list[bytes]:
        """All that is kept of it now."""
        found: list[bytes] = []
        live = self.shelf.lives.get(stream.id)
        after = stream.first - 1 if after is None else after
        with _told_as_unavailable():
            while True:
                recent = None if live is None else live.recent_after(max(after, live.window.first - 1))
                if recent is not None:
                    return found + recent
                read = await self._store.read(stream.id, after, AT_ONCE)
                if not read:
                    return found
                found += [event for _, event in read]
                after = read[-1][0]

    def listening(self, stream: Stream, after: int) -> Listening:
        """Raises `Refused` for events that are not kept any more."""
        if (live := self.shelf.lives.get(stream.id)) is not None:
            return Here(live, self._store, after, self._bounds.beat_s, self._clock)
        reader = Elsewhere(stream, self._store, after, self._bounds.beat_s, self._now)
        return reader.counted_in(self.sweeper.readers)


def _as_they_are(*told: Iterable[Stream]) -> list[Stream]:
    """Each once. Who ends while the store is asked is told of as it was, too: what is over is over."""
    found: dict[str, Stream] = {}
    for stream in itertools.chain(*told):
        if stream.id not in found or not found[stream.id].status.over:
            found[stream.id] = stream
    return list(found.values())


def _gone(stream_id: str) -> Refused:
    return Refused(
        ErrorCode.STREAM_NOT_FOUND,
        f"cannot find {stream_id!r}: nothing of yours is kept by that name, or no longer",
    )


@contextlib.contextmanager
def _told_as_unavailable() -> Iterator[None]:
    try:
        yield
    except LogTrouble as trouble:
        raise Unavailable(ErrorCode.OVERLOADED, str(trouble)) from trouble
