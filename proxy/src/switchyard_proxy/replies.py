"""How a reply goes out: one object per request, which knows whether it has begun. Adds what every reply has."""

from switchyard_proxy.asgi import Header, Send
from switchyard_proxy.errors import ProxyError, tell

JSON: Header = (b"content-type", b"application/json")
# Any page may read a reply, but without cookies: a browser has the rights of its key, as every client has.
CORS: tuple[Header, ...] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"x-request-id, retry-after"),
)


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

    async def whole(self, status: int, headers: list[Header], payload: bytes) -> None:
        await self.start(status, [*headers, (b"content-length", b"%d" % len(payload))])
        await self.body(payload, last=True)

    async def json(self, payload: bytes) -> None:
        await self.whole(200, [JSON], payload)

    async def fail(self, error: ProxyError) -> None:
        told = tell(error)
        await self.whole(told.status, [JSON, *told.headers], told.payload)

    async def preflight(self, asked_headers: bytes | None) -> None:
        """Yes to whatever a browser asks for; the request itself is checked when it comes."""
        allowed = [
            (b"access-control-allow-methods", b"GET, HEAD, POST, DELETE, OPTIONS"),
            (b"access-control-allow-headers", asked_headers or b"*"),
            (b"access-control-max-age", b"86400"),
        ]
        await self.start(204, allowed)
        await self.body(b"", last=True)
