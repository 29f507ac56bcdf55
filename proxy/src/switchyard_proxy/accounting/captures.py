"""Bodies of a request and its reply, for a look afterwards. Off unless the operator wants it.

While a request runs, bytes are only laid aside, up to a limit. What may be kept of them is decided in
`redaction`, off the hot path, before anything is written.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from switchyard_proxy.accounting.redaction import Clean, cleaned, safe_headers, safe_target
from switchyard_proxy.asgi import Header

KIB = 1024
PICTURE = b";base64,"
LONG_PICTURE = 512  # bytes of base64, from which on they are left out


class Side:
    """One of the two bodies: its beginning, and how long it was."""

    __slots__ = ("_kept", "cut", "room", "size")

    def __init__(self, room: int) -> None:
        self._kept: list[bytes] = []
        self.room = room
        self.size = 0
        self.cut = False

    def feed(self, data: bytes) -> None:
        self.size += len(data)
        if not self.cut:
            self._kept.append(data[: self.room])
            self.cut = len(data) > self.room
            self.room -= len(self._kept[-1])

    @property
    def kept(self) -> bytes:
        return b"".join(self._kept)


class Capture:
    """One request's. The wire feeds it."""

    __slots__ = (
        "_asked",
        "_headers",
        "_replied",
        "_reply_headers",
        "method",
        "only_errors",
        "status",
        "target",
    )

    def __init__(self, room: int, *, only_errors: bool = False) -> None:
        self.only_errors = only_errors  # whether it is to be forgotten if the request goes well
        self.method = ""
        self.target = ""
        self.status = 0
        self._headers: list[Header] = []
        self._reply_headers: list[Header] = []
        self._asked = Side(room)
        self._replied = Side(room)

    def asked(self, method: str, target: str, headers: list[Header], body: bytes) -> None:
        """The request as the client sent it; `target` is its path and query."""
        self.method, self.target, self._headers = method, target, headers
        self._asked.feed(_without_pictures(body, self._asked.room))
        self._asked.size = len(body)

    def answers(self, status: int, headers: list[Header]) -> None:
        self.status, self._reply_headers = status, headers

    def feed(self, data: bytes) -> None:
        """More of the reply."""
        self._replied.feed(data)

    def captured(self) -> "Captured":
        """What may be kept. Costs milliseconds: not for the event loop."""
        return Captured(
            method=self.method,
            target=safe_target(self.target),
            status=self.status,
            request_headers=safe_headers(self._headers),
            request=_clean(self._headers, self._asked),
            reply_headers=safe_headers(self._reply_headers),
            reply=_clean(self._reply_headers, self._replied),
        )


@dataclass(frozen=True, slots=True)
class Captured:
    """Both bodies as they are kept: without secrets, without pictures, and cut at the limit."""

    method: str
    target: str
    status: int
    request: Clean
    reply: Clean
    request_headers: dict[str, str] = field(default_factory=dict)
    reply_headers: dict[str, str] = field(default_factory=dict)


def capturing(mode: str, kib: int) -> Callable[[], Capture | None]:
    """For each request, what its bodies go into. `mode` is the setting's: off, errors or all."""
    if mode == "off":
        return lambda: None
    return lambda: Capture(kib * KIB, only_errors=mode == "errors")


def _clean(headers: Iterable[Header], side: Side) -> Clean:
    kind = encoding = ""
    for name, value in headers:
        if name == b"content-type":
            kind = value.decode("latin-1")
        elif name == b"content-encoding":
            encoding = value.decode("latin-1")
    return cleaned(kind, encoding, side.kept, side.size, cut=side.cut)


def _without_pictures(body: bytes, room: int) -> bytes:
    """Enough of a body to fill the room, its pictures shortened: what follows them is worth more."""
    if len(body) <= room:
        return body
    parts: list[bytes] = []
    start = 0
    while start < len(body) and room >= 0:
        at = body.find(PICTURE, start)
        begin = len(body) if at < 0 else at + len(PICTURE)
        end = body.find(b'"', begin)
        end = len(body) if end < 0 else end
        if end - begin > LONG_PICTURE:
            kept = body[start:begin] + b"[%d characters left out]" % (end - begin)
        else:
            kept = body[start:end]
        parts.append(kept)
        room -= len(kept)
        start = end
    return b"".join(parts)
