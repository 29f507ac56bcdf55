"""Who may ask: with a key set, whoever shows it. Pure ASGI: it reads no body.

Open are how the server is, and finished pictures: their names cannot be guessed, and a browser that shows one
sends no key.
"""

import hmac

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from switchyard_image_server.errors import InvalidApiKey
from switchyard_image_server.files import PATH as FILES

OPEN = frozenset({"/health", "/ready"})


class NeedsKey:
    def __init__(self, app: ASGIApp, api_key: str) -> None:
        self._app = app
        self._api_key = api_key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_open(scope) or self._shown(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        error = InvalidApiKey()
        await JSONResponse(error.body(), error.status, error.headers())(scope, receive, send)

    def _shown(self, headers: Headers) -> bool:
        scheme, _, key = headers.get("authorization", "").partition(" ")
        # In constant time: how long a wrong key takes must not tell how much of it is right.
        return scheme.lower() == "bearer" and hmac.compare_digest(key.strip().encode(), self._api_key)


def _is_open(scope: Scope) -> bool:
    folder, _, _name = scope["path"].rpartition("/")
    reads_file = folder == FILES and scope["method"] in {"GET", "HEAD"}
    return reads_file or scope["path"] in OPEN
