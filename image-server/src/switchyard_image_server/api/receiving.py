"""The bytes of a request's body as they come: those of a client that is there, goes on, and packs nothing.

How many are taken, and what they mean, is the caller's word.
"""

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect, Request

from switchyard_image_server.errors import Cancelled, InvalidValue, RequestTimeout

PAUSE_S = 30.0


async def pieces(request: Request) -> AsyncIterator[bytes]:
    """Raises `Cancelled` if the client leaves, and `RequestTimeout` if it falls silent."""
    _refuse_packed(request)
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(PAUSE_S):
                piece = await anext(stream, None)
        except TimeoutError:
            raise RequestTimeout(
                f"cannot wait longer for the body: nothing has come for {PAUSE_S:g} s; send it without pauses"
            ) from None
        except ClientDisconnect:
            raise Cancelled from None
        if piece is None:
            return
        yield piece


def _refuse_packed(request: Request) -> None:
    packing = request.headers.get("content-encoding", "identity").strip().lower()
    if packing not in {"", "identity"}:
        raise InvalidValue(f"cannot unpack a body in {packing[:32]!r}; send it as it is")
