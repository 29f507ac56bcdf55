"""Read a request's body within bounds of size and time. The bytes are the client's and stay as they came.

A body that came compressed is unpacked here, within the same bounds: what it unpacks to is what engines get.
"""

import asyncio
import zlib
from dataclasses import dataclass

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.asgi import Header, Receive
from switchyard_proxy.errors import ClientGone, Refused

MIB = 1024 * 1024
CLOSE: Header = (b"connection", b"close")
_GZIP = zlib.MAX_WBITS | 16  # zlib's way to say it
_PACKED = frozenset({b"gzip", b"x-gzip", b"deflate"})


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large a body may be, and how long its sender may pause."""

    largest: int
    pause_s: float
    setting: str = "--body-limit-mib"  # which one sets `largest`


async def read_body(receive: Receive, declared: bytes | None, bounds: Bounds) -> bytes:
    """The whole body. A declared length over the bound is refused before a byte is read."""
    check_declared(declared, bounds)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(bounds.pause_s) as pause:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                size += len(message["body"])
                if size > bounds.largest:
                    raise too_large(bounds, CLOSE)  # nobody knows how much more would come
                parts.append(message["body"])
                if not message.get("more_body", False):
                    return parts[0] if len(parts) == 1 else b"".join(parts)
                pause.reschedule(asyncio.get_running_loop().time() + bounds.pause_s)
    except TimeoutError:
        raise stalled(size, bounds) from None


async def unpacked(body: bytes, encoding: bytes | None, bounds: Bounds) -> bytes:
    """The body without its `Content-Encoding`. What it grows to is bounded as any body is."""
    coding = (encoding or b"identity").strip().lower()
    if coding in (b"", b"identity"):
        return body
    if coding not in _PACKED:
        raise Refused(
            ErrorCode.UNSUPPORTED_PARAMETER,
            f"cannot read a body with content-encoding {coding.decode('latin-1')!r}: send it plain, or as gzip",
            "content-encoding",
        )
    try:
        return await asyncio.to_thread(_unpack, body, coding, bounds)
    except zlib.error as error:
        raise Refused(
            ErrorCode.INVALID_VALUE,
            f"cannot unpack the body as {coding.decode()}: {error}",
            "content-encoding",
        ) from None


def check_declared(declared: bytes | None, bounds: Bounds) -> None:
    if declared is not None and int(declared) > bounds.largest:
        raise too_large(bounds)  # the server reads the rest past, so that the client gets to see the reply


def too_large(bounds: Bounds, *headers: Header) -> Refused:
    limit = bounds.largest // MIB
    return Refused(
        ErrorCode.REQUEST_TOO_LARGE,
        f"cannot take a body over {limit} MiB; send less, or start the proxy with a larger {bounds.setting}",
        headers=headers,
    )


def stalled(size: int, bounds: Bounds) -> Refused:
    return Refused(
        ErrorCode.REQUEST_TIMEOUT,
        f"cannot wait longer for the body: {size} bytes came, then nothing for {bounds.pause_s:g} s",
        headers=(CLOSE,),
    )


def _unpack(body: bytes, coding: bytes, bounds: Bounds) -> bytes:
    if coding != b"deflate":
        return _inflated(body, _GZIP, bounds)
    try:
        return _inflated(body, zlib.MAX_WBITS, bounds)
    except zlib.error:
        return _inflated(body, -zlib.MAX_WBITS, bounds)  # some senders leave zlib's head out


def _inflated(body: bytes, wbits: int, bounds: Bounds) -> bytes:
    stream = zlib.decompressobj(wbits)
    content = stream.decompress(body, bounds.largest + 1)
    if len(content) > bounds.largest:
        raise too_large(bounds)
    if not stream.eof:
        raise zlib.error("it breaks off")
    if stream.unused_data:
        raise zlib.error("something follows its end")
    return content
