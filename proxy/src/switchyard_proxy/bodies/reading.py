"""Read a request's body within bounds, find what routing needs in it, and change a model's name in place.

The bytes are the client's and go on as they came: only the value of the last top-level `model` is ever
replaced, and nothing is serialised again.
"""

import asyncio
import json
import re
from dataclasses import dataclass

import msgspec

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.asgi import Header, Receive
from switchyard_proxy.errors import ClientGone, Refused

MIB = 1024 * 1024
CLOSE: Header = (b"connection", b"close")


class _Fields(msgspec.Struct):
    model: object = None


_DECODER = msgspec.json.Decoder(_Fields)
# Numbers stay text: Python refuses to read integers of more than 4,300 digits, and we need none.
_SCANNER = json.JSONDecoder(strict=False, parse_int=str, parse_float=str)
_SPACE = re.compile(r"[ \t\n\r]*")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large a body may be, and how long its sender may pause."""

    largest: int
    pause_s: float


async def read_body(receive: Receive, declared: bytes | None, bounds: Bounds) -> bytes:
    """The whole body. A declared length over the bound is refused before a byte is read."""
    if declared is not None and int(declared) > bounds.largest:
        raise _too_large(bounds)  # the server reads the rest past, so that the client gets to see the reply
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
                    raise _too_large(bounds, CLOSE)  # nobody knows how much more would come
                parts.append(message["body"])
                if not message.get("more_body", False):
                    return parts[0] if len(parts) == 1 else b"".join(parts)
                pause.reschedule(asyncio.get_running_loop().time() + bounds.pause_s)
    except TimeoutError:
        raise _stalled(size, bounds) from None


def _too_large(bounds: Bounds, *headers: Header) -> Refused:
    limit = bounds.largest // MIB
    return Refused(
        ErrorCode.REQUEST_TOO_LARGE,
        f"cannot take a body over {limit} MiB; send less, or start the proxy with a larger --body-limit-mib",
        headers=headers,
    )


def _stalled(size: int, bounds: Bounds) -> Refused:
    return Refused(
        ErrorCode.INVALID_JSON,
        f"cannot wait longer for the body: {size} bytes came, then nothing for {bounds.pause_s:g} s",
        headers=(CLOSE,),
    )


def model_in(body: bytes) -> str:
    """The model that a JSON body names. Everything else in it is passed over, not built."""
    try:
        model = _DECODER.decode(body).model
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _not_json(error) from None
    match model:
        case str() if model:
            return model
        case None | "":
            raise Refused(
                ErrorCode.MISSING_REQUIRED_PARAMETER, "cannot tell which model is meant: add `model`", "model"
            )
        case _:
            raise Refused(ErrorCode.INVALID_VALUE, "cannot use this `model`: it must be a text", "model")


def _not_json(error: Exception) -> Refused:
    return Refused(ErrorCode.INVALID_JSON, f"cannot read the body as a JSON object: {error}")


def renamed(body: bytes, name: str) -> bytes:
    """The same bytes with another model's name; `model_in` must have read them before.

    As Latin-1 each byte is one character, so that positions in the text are positions in the bytes.
    """
    try:
        span = _model_span(body.decode("latin-1"))
    except (ValueError, IndexError, RecursionError) as error:
        raise _not_json(error) from None
    return b"".join((body[: span.start], msgspec.json.encode(name), body[span.stop :]))


def _model_span(text: str) -> slice:
    """Where the value of the last top-level `model` stands: of two, a JSON parser takes the last."""
    found = slice(0, 0)
    at = _after_space(text, text.index("{") + 1)
    while text[at] != "}":
        key, at = _SCANNER.raw_decode(text, at)
        start = _after_space(text, text.index(":", at) + 1)
        _, end = _SCANNER.raw_decode(text, start)
        if key == "model":
            found = slice(start, end)
        at = _after_space(text, end)
        if text[at] == ",":
            at = _after_space(text, at + 1)
    return found


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
