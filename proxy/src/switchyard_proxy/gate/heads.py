"""Heads of requests and replies as they leave the gate: as they came, but for what is the gate's own. Pure."""

from collections.abc import Iterable

from switchyard_contracts.gate import KEY_HEADER, SAYS_HEADER
from switchyard_proxy.asgi import Header
from switchyard_proxy.wire.headers import HOP_BY_HOP

# How the body is framed is said anew; what the gate alone must know goes no further.
NOT_TO_ENGINES = HOP_BY_HOP | {b"content-length", b"expect", b"host", KEY_HEADER.encode()}
# The server says the date itself; what the gate says nobody else may.
NOT_TO_PROXIES = HOP_BY_HOP | {b"date", SAYS_HEADER.encode()}


def to_engine(
    method: str, target: bytes, authority: str, headers: list[Header], framing: Iterable[Header]
) -> bytes:
    dropped = NOT_TO_ENGINES | _named_by_connection(headers)
    lines = [b"%b %b HTTP/1.1" % (method.encode(), target), b"host: %b" % authority.encode()]
    lines += [b"%b: %b" % header for header in headers if header[0] not in dropped]
    lines += [b"%b: %b" % header for header in framing]
    return b"\r\n".join((*lines, b"", b""))


def to_proxy(headers: list[Header]) -> list[Header]:
    dropped = NOT_TO_PROXIES | _named_by_connection(headers)
    return [header for header in headers if header[0] not in dropped]


def _named_by_connection(headers: list[Header]) -> frozenset[bytes]:
    named = [value for name, value in headers if name == b"connection"]
    return frozenset(word.strip().lower() for value in named for word in value.split(b","))
