"""Make the catalog's changes to a JSON body. What they do not name stays as the client wrote it, byte for byte.

Only as much is read as is changed: the values of an object are passed on as they stand, and looked into only
where an object of ours is merged with one of theirs. Of two fields of one name, the last counts, as everywhere.
"""

from collections.abc import Callable, Mapping

import msgspec
from pydantic import JsonValue

from switchyard_contracts.errors import ErrorCode
from switchyard_contracts.serving import Rewrite
from switchyard_proxy.errors import Refused

Fields = dict[str, msgspec.Raw]
Merge = Callable[[msgspec.Raw | None, JsonValue], msgspec.Raw]

_FIELDS = msgspec.json.Decoder(Fields)


def apply(body: bytes, rewrites: tuple[Rewrite, ...], name: str) -> bytes:
    """The body with all changes made, in their order, and `name` for its model. Without changes, the body.

    Raises `Refused` where the body is no JSON object.
    """
    if not rewrites:
        return body
    try:
        fields = _FIELDS.decode(body)
        for rewrite in rewrites:
            _change(fields, rewrite)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        message = f"cannot read the body as a JSON object: {error}"
        raise Refused(ErrorCode.INVALID_JSON, message) from None
    fields["model"] = _raw(name)
    return msgspec.json.encode(fields)


def _change(fields: Fields, rewrite: Rewrite) -> None:
    for name in rewrite.strip:
        fields.pop(name, None)
    _merge(fields, rewrite.default, _filled)
    _merge(fields, rewrite.set, _overlaid)


def _merge(fields: Fields, said: Mapping[str, JsonValue], merge: Merge) -> None:
    for name, value in said.items():
        fields[name] = merge(fields.get(name), value)


def _filled(given: msgspec.Raw | None, value: JsonValue) -> msgspec.Raw:
    """What the client gave, with what it did not say added."""
    if given is None:
        return _raw(value)
    if not isinstance(value, dict) or not _is_object(given):
        return given
    return _merged(given, value, _filled)


def _overlaid(given: msgspec.Raw | None, value: JsonValue) -> msgspec.Raw:
    """What we say, and around it what the client gave."""
    if given is None or not isinstance(value, dict) or not _is_object(given):
        return _raw(value)
    return _merged(given, value, _overlaid)


def _merged(given: msgspec.Raw, value: Mapping[str, JsonValue], merge: Merge) -> msgspec.Raw:
    inner = _FIELDS.decode(given)
    before = dict(inner)
    _merge(inner, value, merge)
    if inner.keys() == before.keys() and all(inner[name] is before[name] for name in inner):
        return given  # nothing came of it: not even a blank in it is to change
    return msgspec.Raw(msgspec.json.encode(inner))


def _is_object(value: msgspec.Raw) -> bool:
    return bytes(memoryview(value)[:1]) == b"{"


def _raw(value: JsonValue) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))
