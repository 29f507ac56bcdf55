"""Who may ask: with a key set, whoever shows it, on every route but `/health`. Pure ASGI: it reads no body."""

import hmac

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from switchyard_image_server.errors import InvalidApiKey

OPEN = "/health"


class NeedsKey:
    def __init__(self, app: ASGIApp, api_key: str) -> None:
        self._app = app
        self._api_key = api_key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == OPEN or self._shown(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        error = InvalidApiKey()
        await JSONResponse(error.body(), error.status, error.headers())(scope, receive, send)

    def _shown(self, headers: Headers) -> bool:
        scheme, _, key = headers.get("authorization", "").partition(" ")
        # In constant time: how long a wrong key takes must not tell how much of it is right.
        return scheme.lower() == "bearer" and hmac.compare_digest(key.strip().encode(), self._api_key)
