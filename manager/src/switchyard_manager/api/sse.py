"""Server-sent events: how they are written, and how a stream ends. A slow listener holds up only itself."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

KEEP_ALIVE = b": keep-alive\n\n"
KEEP_ALIVE_S = 15.0
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def frame(event: str, data: str, number: int | None = None) -> bytes:
    """`data` is one line."""
    label = "" if number is None else f"id: {number}\n"
    return f"{label}event: {event}\ndata: {data}\n\n".encode()


@dataclass(frozen=True, slots=True)
class Streams:
    """All that would go on for ever, and must end before the server can."""

    keep_alive_s: float = KEEP_ALIVE_S
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    def close(self) -> None:
        self.closing.set()

    async def is_done_within(self, future: asyncio.Future[Any], seconds: float) -> bool:
        """Waits no longer than the server does."""
        async with asyncio.TaskGroup() as own:
            closing = own.create_task(self.closing.wait())
            await asyncio.wait({future, closing}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            closing.cancel()
        return future.done()


class EventStream(Response):
    """Ends with its frames, when the client is gone, or when the server closes; `frames` is closed then."""

    media_type = "text/event-stream"

    def __init__(self, frames: AsyncGenerator[bytes, None], streams: Streams) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._frames = frames
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with contextlib.aclosing(self._frames), asyncio.TaskGroup() as own:
            ends = [
                own.create_task(self._write(send)),
                own.create_task(_gone(receive)),
                own.create_task(_closed(self._streams)),
            ]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for task in ends:
                task.cancel()
        with contextlib.suppress(OSError):
            await send(_body(b"", more=False))

    async def _write(self, send: Send) -> None:
        with contextlib.suppress(OSError):
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for one in self._frames:
                await send(_body(one, more=True))


def _body(content: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.response.body", "body": content, "more_body": more}


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _closed(streams: Streams) -> None:
    await streams.closing.wait()
