"""What the tests of streams share: a hub that runs, work that follows a script, readers that write down."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from switchyard_proxy.asgi import Header
from switchyard_proxy.replies import Sink
from switchyard_proxy.request import Request
from switchyard_proxy.streams.bounds import Bounds, Clocks
from switchyard_proxy.streams.hub import Streams
from switchyard_proxy.streams.listening import Beat, Pieces
from switchyard_proxy.streams.log import Store
from switchyard_proxy.streams.sqlite import SqliteStore
from switchyard_proxy.streams.stream import Kind, Order, Stream

SOON_S = 10.0
MIB = 1024 * 1024
BOUNDS = Bounds(log_bytes=16 * MIB, logs_bytes=256 * MIB, keep_s=3600, cancel_after_s=300, beat_s=60)
CHAT = Order(owner="ann", model="chat", kind=Kind.CHAT)
EVENTS: list[Header] = [(b"content-type", b"text/event-stream; charset=utf-8")]
JSON: list[Header] = [(b"content-type", b"application/json")]

StoreMaker = Callable[[str], Store]


def event(number: int, size: int = 0) -> bytes:
    return b'data: {"n": %d, "pad": "%b"}\n\n' % (number, b"x" * size)


def events(count: int, size: int = 0) -> list[bytes]:
    return [event(number, size) for number in range(1, count + 1)]


class Clock:
    """Stands still until it is moved."""

    def __init__(self, at: float = 1_000_000.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


@asynccontextmanager
async def running(
    store: Store,
    process: str = "proxy-1",
    *,
    now: Callable[[], float] | None = None,
    clock: Callable[[], float] | None = None,
    **bounds: float,
) -> AsyncIterator[Streams]:
    clocks = Clocks(now or time.time, clock or time.monotonic)
    streams = Streams(store, replace(BOUNDS, **bounds), process, clocks)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(streams.run())
        await streams.up.wait()
        try:
            yield streams
        finally:
            task.cancel()


class Script:
    """Work that says what a test gives it, when the test gives it."""

    def __init__(self) -> None:
        self._words: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
        self.ended = asyncio.Event()
        self.was_cancelled = False
        self.sink: Sink | None = None
        self.said = 0

    async def __call__(self, sink: Sink) -> None:
        self.sink = sink
        try:
            await sink.start(200, EVENTS)
            while (word := await self._words.get()) is not None:
                if isinstance(word, Exception):
                    raise word
                await sink.body(word, last=False)
                self.said += 1
            await sink.body(b"", last=True)
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        finally:
            self.ended.set()

    def say(self, *words: bytes | Exception | None) -> None:
        for word in words:
            self._words.put_nowait(word)


@dataclass
class Heard:
    """What one reader was told."""

    numbers: list[int] = field(default_factory=list)
    events: list[bytes] = field(default_factory=list)
    beats: list[bytes] = field(default_factory=list)

    @property
    def text(self) -> bytes:
        return b"".join(self.events)


async def listen(
    streams: Streams, stream: Stream, after: int = 0, heard: Heard | None = None, up_to: int | None = None
) -> Heard:
    """To the end, or until that many events have come."""
    heard = heard or Heard()
    listening = streams.listening(stream, after)
    async with listening:
        await listening.started()
        async for said in listening:
            match said:
                case Beat(data):
                    heard.beats.append(data)
                case Pieces(first, told):
                    heard.numbers += range(first, first + len(told))
                    heard.events += told
            if up_to is not None and len(heard.events) >= up_to:
                break
    return heard


def request_of(query: bytes = b"", *headers: Header, method: str = "GET", path: str = "/v1/streams") -> Request:
    return Request(
        {
            "method": method,
            "path": path,
            "query_string": query,
            "headers": list(headers),
            "client": ("127.0.0.1", 1),
            "switchyard.client": None,
        }
    )


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON_S):
        while not true():
            await asyncio.sleep(0.001)


async def until_over(streams: Streams, stream: Stream) -> Stream:
    async with asyncio.timeout(SOON_S):
        while not (found := await streams.find(stream.id, None)).status.over:
            await asyncio.sleep(0.001)
    return found


async def until_written(streams: Streams, stream: Stream, last: int) -> None:
    """Until other processes can see that many events."""
    await until(lambda: streams.shelf.lives[stream.id]._written.last >= last)


def sqlite_in(folder: Path) -> StoreMaker:
    return lambda process: SqliteStore(folder, process)
