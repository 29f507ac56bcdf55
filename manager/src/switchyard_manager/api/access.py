"""Who may come in: whoever holds the token that manager and proxy share."""

import hmac

from starlette.requests import HTTPConnection


def is_allowed(connection: HTTPConnection, token: str) -> bool:
    scheme, _, given = connection.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), token.encode())
