"""The head of a request as the rest of the proxy sees it. Reads no body."""

import itertools
import re
import secrets
from collections.abc import Callable
from typing import Protocol

from switchyard_proxy.asgi import Header, Scope

USABLE_ID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}")

_OURS = b"req_" + secrets.token_hex(8).encode()  # of this process; a number makes it one request's
_numbers = itertools.count(1)


class Client(Protocol):
    """The connection that a request came on. `on_gone` is called when it is lost."""

    gone: bool
    has_sent_all: bool  # the whole body is here
    on_gone: Callable[[], object] | None


class Request:
    """Header names are in lower case, as ASGI has them."""

    __slots__ = ("_first", "address", "client", "headers", "id", "method", "path", "query")

    def __init__(self, scope: Scope) -> None:
        self.headers: list[Header] = scope["headers"]
        self._first = dict(reversed(self.headers))  # of each name: a dozen of them are asked for
        self.id = _id_of(self.headers)
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.client: Client = scope["switchyard.client"]
        peer = scope["client"]
        self.address: str = peer[0] if peer else ""

    def header(self, name: bytes) -> bytes | None:
        return self._first.get(name)

    def unpacked(self) -> None:
        """Its body is no longer as its header says."""
        self.headers[:] = [header for header in self.headers if header[0] != b"content-encoding"]
        self._first.pop(b"content-encoding", None)


def _id_of(headers: list[Header]) -> bytes:
    """The client's own id when it is fit to be logged and sent back, else one of ours."""
    for name, value in headers:
        if name == b"x-request-id" and USABLE_ID.fullmatch(value):
            return value
    return new_id()


def new_id() -> bytes:
    """Of no other request."""
    return b"%b%08x" % (_OURS, next(_numbers))
