"""The head of a request as the rest of the proxy sees it, and whether its key fits. Reads no body."""

import hmac
import re
import secrets
from dataclasses import dataclass

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.asgi import Header, Scope
from switchyard_proxy.errors import Refused

USABLE_ID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}")


@dataclass(frozen=True, slots=True)
class Request:
    """Header names are in lower case, as ASGI has them."""

    id: bytes
    method: str
    path: str
    query: bytes
    headers: list[Header]

    @classmethod
    def of(cls, scope: Scope) -> "Request":
        headers: list[Header] = scope["headers"]
        return cls(_id_of(headers), scope["method"], scope["path"], scope["query_string"], headers)

    def header(self, name: bytes) -> bytes | None:
        for known, value in self.headers:
            if known == name:
                return value
        return None


def _id_of(headers: list[Header]) -> bytes:
    """The client's own id when it is fit to be logged and sent back, else one of ours."""
    for name, value in headers:
        if name == b"x-request-id" and USABLE_ID.fullmatch(value):
            return value
    return b"req_" + secrets.token_hex(12).encode()


def check_key(request: Request, key: bytes | None) -> None:
    """Raises `Refused` unless no key is set or the request carries it, in any of the three usual headers."""
    if key is None:
        return
    for name, value in request.headers:
        match name:
            case b"authorization":
                scheme, _, given = value.partition(b" ")
                fits = scheme.lower() == b"bearer" and hmac.compare_digest(given.strip(), key)
            case b"x-api-key" | b"api-key":
                fits = hmac.compare_digest(value, key)
            case _:
                continue
        if fits:
            return
    raise Refused(
        ErrorCode.INVALID_API_KEY,
        "cannot accept the request: its API key is missing or wrong; send `Authorization: Bearer <key>`",
        headers=((b"www-authenticate", b"Bearer"),),
    )
