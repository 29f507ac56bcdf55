"""A reply of the Responses API that goes to its client and into a log, so that it can be retrieved later.

The client comes first: nothing here holds a reply up or changes a byte of it, and a reply that cannot be kept
is not kept. Its id is the engine's, and known only once the reply tells it.
"""

import logging
import re
from dataclasses import replace
from types import TracebackType
from typing import Self

from switchyard_proxy.asgi import Header
from switchyard_proxy.errors import ProxyError
from switchyard_proxy.replies import Sink
from switchyard_proxy.streams.hub import Streams
from switchyard_proxy.streams.producer import Recording
from switchyard_proxy.streams.responses import life_type, object_in, payload_of
from switchyard_proxy.streams.split import Splitter
from switchyard_proxy.streams.stream import EVENT_STREAM, Order

log = logging.getLogger(__name__)

USABLE_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
EVENTS_BEFORE_ID = 16


class Recorder:
    """A `Sink` before another one. Closed by `with`: what is not whole by then is kept as cancelled."""

    def __init__(self, sink: Sink, streams: Streams, order: Order) -> None:
        self._sink = sink
        self._streams = streams
        self._order = order
        self._head: tuple[int, list[Header]] | None = None
        self._has_events = False
        self._splitter = Splitter()
        self._waiting = bytearray()
        self._recording: Recording | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._recording is not None:
            self._recording.close()

    @property
    def started(self) -> bool:
        return self._sink.started

    @property
    def complete(self) -> bool:
        return self._sink.complete

    async def start(self, status: int, headers: list[Header]) -> None:
        await self._sink.start(status, headers)
        if status == 200:
            kinds = [value for name, value in headers if name == b"content-type"]
            self._has_events = bool(kinds) and kinds[0].split(b";")[0].strip().lower() == EVENT_STREAM
            self._head = (status, headers)

    async def body(self, data: bytes, *, last: bool) -> None:
        """The end is kept before it is told: whoever has it may ask for the whole at once."""
        if not last:
            await self._sink.body(data, last=False)
        await self._record(data, last=last)
        if last:
            await self._sink.body(data, last=True)

    async def _record(self, data: bytes, *, last: bool) -> None:
        if self._recording is not None:
            self._recording.add(data, last=last)
        elif self._head is not None:
            await self._look_for_id(self._head, data, last=last)

    async def beat(self, data: bytes) -> None:
        await self._sink.beat(data)

    async def _look_for_id(self, head: tuple[int, list[Header]], data: bytes, *, last: bool) -> None:
        self._waiting += data
        if len(self._waiting) > self._streams.largest:
            self._give_up()
            return
        name = self._id_in(data, last=last)
        if name is None:
            return
        text, self._waiting = bytes(self._waiting), bytearray()
        self._head = None
        try:
            if USABLE_ID.fullmatch(name) and not await self._streams.is_known(name):
                self._recording = self._streams.open(replace(self._order, id=name))
        except ProxyError as error:
            log.warning("cannot keep the response %s: %s", name, error)
        if self._recording is not None:
            await self._recording.start(*head)
            self._recording.add(text, last=last)

    def _id_in(self, data: bytes, *, last: bool) -> str | None:
        if not self._has_events:
            return _id_of(object_in(bytes(self._waiting))) if last else None
        for event in self._splitter.events(data):
            if life_type(event) is not None:
                return _id_of(payload_of(event).get("response"))
        return None

    def _give_up(self) -> None:
        self._head = None
        self._waiting = bytearray()


def _id_of(response: object) -> str | None:
    name = response.get("id") if isinstance(response, dict) else None
    return name if isinstance(name, str) else None
