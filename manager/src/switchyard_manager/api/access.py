"""Who may come in: whoever holds the token that manager and proxy share, or comes by the local socket."""

import hmac
from collections.abc import Awaitable
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from switchyard_contracts.errors import ErrorBody, ErrorCode
from switchyard_manager.api.errors import reply

OPEN = frozenset({"/health"})
MESSAGE = "cannot let this request in: send the shared token (the state folder's `token` file) as Bearer"


@dataclass(frozen=True, slots=True)
class Access:
    token: str = field(repr=False)
    local_socket: str | None = None  # its file's permissions say who may come by it

    def allows(self, connection: HTTPConnection) -> bool:
        return self._came_locally(connection.scope) or self._holds_token(connection)

    def _came_locally(self, scope: Scope) -> bool:
        # `server` is what the connection was accepted on, and nothing that a request can say.
        server = scope.get("server")
        return (
            self.local_socket is not None and server is not None and tuple(server) == (self.local_socket, None)
        )

    def _holds_token(self, connection: HTTPConnection) -> bool:
        scheme, _, given = connection.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), self.token.encode())


class Gate:
    """Before every HTTP route, those that do not exist too. The control connection asks for itself."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        guarded = scope["type"] == "http" and scope["path"] not in OPEN
        if guarded and not self._access.allows(HTTPConnection(scope)):
            refusal = reply(ErrorBody.of(ErrorCode.INVALID_API_KEY, MESSAGE), {"WWW-Authenticate": "Bearer"})
            return refusal(scope, receive, send)
        return self._app(scope, receive, send)
