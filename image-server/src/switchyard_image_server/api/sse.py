"""Server-sent events: one response that stops its source when the client leaves, and says so when it breaks.

A stream that fails never ends politely: it carries an error frame, so that no client takes half an answer for
a whole one.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from switchyard_image_server.api.leaving import until_gone
from switchyard_image_server.errors import Cancelled, ServerError, Stopping, StreamBroken

DONE = b"data: [DONE]\n\n"
_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",
}


def frame(content: Mapping[str, Any], event: str | None = None) -> bytes:
    name = b"" if event is None else f"event: {event}\n".encode()
    data = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return name + b"data: " + data + b"\n\n"


class EventStream(Response):
    """`frames` may raise `ServerError`; `leave` is called when the stream is over, however it ended.

    `error_event` is what the event is called that tells the error, in streams whose events have names.
    """

    def __init__(
        self, frames: AsyncIterator[bytes], leave: Callable[[], None], *, error_event: str | None = None
    ) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._frames = frames
        self._leave = leave
        self._error_event = error_event

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(self._watch(receive))
            try:
                async for content in self._told():
                    await send({"type": "http.response.body", "body": content, "more_body": True})
            finally:
                watch.cancel()
                self._leave()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _told(self) -> AsyncIterator[bytes]:
        try:
            async for content in self._frames:
                yield content
        except ServerError as fault:
            error = StreamBroken() if isinstance(fault, Stopping) else fault
            yield frame(error.body(), self._error_event) + DONE
        except Cancelled:
            return  # nobody is there to be told

    async def _watch(self, receive: Receive) -> None:
        await until_gone(receive)
        self._leave()
