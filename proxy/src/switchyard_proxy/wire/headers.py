"""Which headers cross the wire, in either direction. Values pass unchanged; only whole headers are left out."""

from collections.abc import Iterable
from urllib.parse import quote

from switchyard_proxy.asgi import Header
from switchyard_proxy.upstream.pool import Endpoint

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
# A key of ours is none of the engine's business. Compressed, a stream could not be ended with an error.
NOT_TO_ENGINES = HOP_BY_HOP | {
    b"accept-encoding",
    b"api-key",
    b"authorization",
    b"content-length",
    b"expect",
    b"host",
    b"x-api-key",
    b"x-request-id",
}
# What the proxy says itself, to every client and once.
NOT_TO_CLIENTS = HOP_BY_HOP | {
    b"access-control-allow-credentials",
    b"access-control-allow-origin",
    b"access-control-expose-headers",
    b"date",
    b"x-request-id",
}
CLIENT = b"x-switchyard-client"
PREFIX = b"x-forwarded-prefix"
FORWARDED_HOST = b"x-forwarded-host"
NONE: frozenset[bytes] = frozenset()
EVENT_STREAM = b"text/event-stream"
STREAM_HEADERS: tuple[Header, ...] = ((b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"))


def _named_by_connection(headers: Iterable[Header]) -> frozenset[bytes]:
    """Headers that the sender meant for the next hop only."""
    named = [value for name, value in headers if name == b"connection"]
    if not named:
        return NONE  # mostly
    return frozenset(token.strip().lower() for value in named for token in value.split(b","))


def request_head(
    endpoint: Endpoint,
    method: bytes,
    target: bytes,
    headers: list[Header],
    granted: dict[str, str],
    length: int,
    request_id: bytes,
) -> bytes:
    """The head of a request to an engine: the client's headers, and those that came with the grant."""
    own = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in granted.items()]
    dropped = _without(NOT_TO_ENGINES, _named_by_connection(headers), own)
    lines = [b"%b %b%b HTTP/1.1\r\nhost: %b" % (method, endpoint.prefix, target, endpoint.authority)]
    lines += [b": ".join(header) for header in headers if header[0] not in dropped]
    lines += map(b": ".join, own)
    lines.append(b"x-request-id: %b\r\ncontent-length: %d\r\n\r\n" % (request_id, length))
    return b"\r\n".join(lines)


def with_our_word(headers: list[Header], client: str, model: str) -> list[Header]:
    """For our own engine: whom it works for, and where its clients find it.

    It takes turns between clients, of whom it would see none but the proxy; and the address of a picture that
    it keeps must be one that the client can ask for.
    """
    said = dict(reversed(headers))
    prefix = said.get(PREFIX, b"").rstrip(b"/") + b"/upstream/" + quote(model, safe="").encode()
    ours = {CLIENT: quote(client, safe=" ").encode(), PREFIX: prefix}
    if FORWARDED_HOST not in said and b"host" in said:
        ours[FORWARDED_HOST] = said[b"host"]
    return [*(header for header in headers if header[0] not in ours), *ours.items()]


def _without(always: frozenset[bytes], now: frozenset[bytes], own: Iterable[Header] = ()) -> frozenset[bytes]:
    return always.union(now, (name for name, _ in own)) if now or own else always


def reply_headers(headers: list[Header]) -> list[Header]:
    """An engine's headers as the client gets them."""
    dropped = _without(NOT_TO_CLIENTS, _named_by_connection(headers))
    return [header for header in headers if header[0] not in dropped]


def is_event_stream(headers: list[Header]) -> bool:
    """Whether the reply is a stream of events that we can read along with: compressed, we could not."""
    kind, packed = b"", b"identity"
    for name, value in headers:
        if name == b"content-type":
            kind = kind or value
        elif name == b"content-encoding":
            packed = value.lower()
    return packed == b"identity" and kind.split(b";")[0].strip().lower() == EVENT_STREAM


def stream_headers(headers: list[Header]) -> list[Header]:
    """The same, for a stream of events: nobody may keep or gather it, and it may end with a word of ours."""
    ours = {b"content-length", *(name for name, _ in STREAM_HEADERS)}
    return [*(header for header in reply_headers(headers) if header[0] not in ours), *STREAM_HEADERS]
