"""How a reply goes out: one object per request, which knows whether it has begun. Adds what every reply has.

`Sink` is what the wire writes to. `Reply` is the client itself; a log that clients read along with is another.
"""

from typing import Protocol

from switchyard_proxy.asgi import Header, Message, Send

JSON: Header = (b"content-type", b"application/json")
SHOWN_TO_PAGES = (
    b"retry-after",
    b"x-request-id",
    b"x-should-retry",
    b"x-stream-id",
    *(
        b"x-ratelimit-%b-%b" % (what, of)
        for of in (b"requests", b"tokens")
        for what in (b"limit", b"remaining", b"reset")
    ),
)
# Any page may read a reply, but without cookies: a browser has the rights of its key, as every client has.
CORS: tuple[Header, ...] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b", ".join(SHOWN_TO_PAGES)),
)


class Sink(Protocol):
    """Where a reply goes."""

    @property
    def started(self) -> bool: ...

    @property
    def complete(self) -> bool: ...

    async def start(self, status: int, headers: list[Header]) -> None: ...

    async def body(self, data: bytes, *, last: bool) -> None: ...

    async def beat(self, data: bytes) -> None:
        """A sign of life, which is no part of the reply."""


class Reply:
    """To one request."""

    __slots__ = ("_common", "_send", "complete", "started")

    def __init__(self, send: Send, request_id: bytes) -> None:
        self._send = send
        self._common = ((b"x-request-id", request_id), *CORS)
        self.started = False
        self.complete = False

    async def start(self, status: int, headers: list[Header]) -> None:
        self.started = True
        await self._send(
            {"type": "http.response.start", "status": status, "headers": [*headers, *self._common]}
        )

    async def body(self, data: bytes, *, last: bool) -> None:
        self.complete = last
        await self._send({"type": "http.response.body", "body": data, "more_body": not last})

    async def beat(self, data: bytes) -> None:
        await self.body(data, last=False)

    async def whole(self, status: int, headers: list[Header], payload: bytes) -> None:
        await self.start(status, [*headers, (b"content-length", b"%d" % len(payload))])
        await self.body(payload, last=True)

    async def json(self, payload: bytes) -> None:
        await self.whole(200, [JSON], payload)

    def of_another(self) -> Send:
        """For an application that writes replies of its own: what every reply has is added to them."""

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.started = True
                message["headers"] = [*message["headers"], *self._common]
            await self._send(message)

        return send

    async def preflight(self, asked_headers: bytes | None) -> None:
        """Yes to whatever a browser asks for; the request itself is checked when it comes."""
        allowed = [
            (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
            (b"access-control-allow-headers", asked_headers or b"*"),
            (b"access-control-max-age", b"86400"),
        ]
        await self.start(204, allowed)
        await self.body(b"", last=True)
