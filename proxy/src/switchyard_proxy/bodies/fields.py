"""The fields of a JSON body that decide its way, read in one pass. Everything else is skipped, not built.

A model that is absent, null or empty is no fault here: which model is meant then is for routing to say.
"""

from typing import NoReturn

import msgspec

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.errors import Refused


class Fields(msgspec.Struct, frozen=True):
    """What a body says about its way. A msgspec struct: every request makes one, and this is the cheapest."""

    model: str | None
    stream: bool
    include_usage: bool | None  # None: the body has no `stream_options`
    background: bool
    store: bool | None


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class _Body(msgspec.Struct):
    model: str | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    # For pictures, `background` is a text; what it means there is the engine's affair.
    background: object = None
    store: object = None


class _Loose(msgspec.Struct):
    model: object = None
    stream: object = None


_DECODER = msgspec.json.Decoder(_Body)
_LOOSE = msgspec.json.Decoder(_Loose)
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def read_fields(body: bytes) -> Fields:
    """Raises `Refused`: the body is no JSON object, or a field that we need has a value of another kind."""
    try:
        found = _DECODER.decode(body)
    except _UNREADABLE as error:
        _refuse(body, error)
    options = found.stream_options
    return Fields(
        found.model or None,
        found.stream is True,
        None if options is None else options.include_usage is True,
        found.background is True,
        found.store if isinstance(found.store, bool) else None,
    )


def not_json(error: Exception) -> Refused:
    return Refused(ErrorCode.INVALID_JSON, f"cannot read the body as a JSON object: {error}")


def _refuse(body: bytes, error: Exception) -> NoReturn:
    """Look again, more slowly, for what was wrong: the JSON, or one field."""
    try:
        loose = _LOOSE.decode(body)
    except _UNREADABLE:
        raise not_json(error) from None
    if loose.model is not None and not isinstance(loose.model, str):
        raise Refused(ErrorCode.INVALID_VALUE, "cannot use this `model`: it must be a text", "model")
    if loose.stream is not None and not isinstance(loose.stream, bool):
        raise Refused(ErrorCode.INVALID_VALUE, "cannot use this `stream`: it must be true or false", "stream")
    raise Refused(
        ErrorCode.INVALID_VALUE,
        "cannot use these `stream_options`: they must be an object, and `include_usage` in it true or false",
        "stream_options",
    )
