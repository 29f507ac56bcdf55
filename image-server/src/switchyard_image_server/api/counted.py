"""Counts every request by its route and how it was answered. Pure ASGI: it touches no body.

By the route's pattern, never by the path: whoever tries a thousand paths must not make a thousand counters.
"""

from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

NO_ROUTE = "none"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Counted:
    def __init__(self, app: ASGIApp, answered: Callable[[str, str, int], None]) -> None:
        self._app = app
        self._answered = answered

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Hands the request on and is out of its way; only the answer's head comes by."""

        async def heard(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", NO_ROUTE)
                method = scope["method"] if scope["method"] in METHODS else "other"
                self._answered(method, route, message["status"])
            await send(message)

        return self._app(scope, receive, heard if scope["type"] == "http" else send)
