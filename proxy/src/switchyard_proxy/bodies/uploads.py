"""Multipart bodies: taken in as they arrive, kept as they came, sent on with at most the model's name changed.

Files may stand before `model`, so a form is read to its end before anybody knows where it goes. Part headers
and boundary stay the client's own.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping

from switchyard_proxy.asgi import Message, Receive
from switchyard_proxy.bodies.forms import Form, FormReader
from switchyard_proxy.bodies.reading import CLOSE, Bounds, check_declared, stalled, too_large
from switchyard_proxy.bodies.spool import BLOCK, Spool
from switchyard_proxy.errors import ClientGone

_TRUE = frozenset({"true", "1", "on", "yes", "t", "y"})  # as the engines' own form readers take it

Edit = tuple[int, int, bytes]


class Upload:
    """A whole form. Renamed ones share its bytes: to close one is to close all."""

    def __init__(self, spool: Spool, form: Form, edits: tuple[Edit, ...] = ()) -> None:
        self._spool = spool
        self._form = form
        self._edits = edits
        self.size = spool.size + sum(len(new) - (end - start) for start, end, new in edits)

    @property
    def fields(self) -> Mapping[str, str]:
        """`model`, `stream` and `response_format`, as far as the form has them."""
        return self._form.fields

    @property
    def model(self) -> str | None:
        return self.fields.get("model") or None

    @property
    def stream(self) -> bool:
        return self.fields.get("stream", "").strip().lower() in _TRUE

    def renamed(self, name: str) -> "Upload":
        """The same form for another model; without a `model`, one that has it as its first part."""
        value = name.encode()
        edits = tuple((start, end, value) for start, end in self._form.spans)
        if not edits:
            edits = ((self._form.starts, self._form.starts, _model_part(self._form.boundary, value)),)
        return Upload(self._spool, self._form, edits)

    def pieces(self) -> AsyncIterator[bytes]:
        """All bytes, `size` of them. May be asked for again, after it ended or was given up."""
        return _Pieces(self._spool, self._plan())

    def _plan(self) -> Iterator[bytes | range]:
        """What goes out, in order: new bytes, and where old ones stand."""
        at = 0
        for start, end, new in (*self._edits, (self._spool.size, self._spool.size, b"")):
            for block in range(at, start, self._spool.block):
                yield range(block, min(block + self._spool.block, start))
            if new:
                yield new
            at = end

    async def close(self) -> None:
        await self._spool.close()


class _Pieces:
    """Not an async generator: one that is given up half-way would be ended by a task that nobody owns."""

    def __init__(self, spool: Spool, plan: Iterator[bytes | range]) -> None:
        self._spool = spool
        self._plan = plan

    def __aiter__(self) -> "_Pieces":
        return self

    async def __anext__(self) -> bytes:
        match next(self._plan, None):
            case range() as place:
                return await self._spool.read(place.start, len(place))
            case bytes() as new:
                return new
            case None:
                raise StopAsyncIteration


async def read_upload(
    receive: Receive, content_type: bytes, declared: bytes | None, bounds: Bounds, block: int = BLOCK
) -> Upload:
    """The whole form; whoever gets it must close it. When this raises, nothing is kept."""
    check_declared(declared, bounds)
    reader = FormReader(content_type)
    spool = Spool(block)
    try:
        more = True
        while more:
            message = await _next(receive, spool.size, bounds)
            reader.feed(message["body"])
            await spool.add(message["body"])
            more = message.get("more_body", False)
        form = reader.form()
        await spool.settle()
    except BaseException:
        await spool.close()
        raise
    return Upload(spool, form)


async def _next(receive: Receive, size: int, bounds: Bounds) -> Message:
    try:
        async with asyncio.timeout(bounds.pause_s):
            message = await receive()
    except TimeoutError:
        raise stalled(size, bounds) from None
    if message["type"] == "http.disconnect":
        raise ClientGone
    if size + len(message["body"]) > bounds.largest:
        raise too_large(bounds, CLOSE)
    return message


def _model_part(boundary: bytes, value: bytes) -> bytes:
    return b'--%b\r\nContent-Disposition: form-data; name="model"\r\n\r\n%b\r\n' % (boundary, value)
