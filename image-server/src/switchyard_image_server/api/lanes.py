"""Who a request is for, so that one busy client does not keep the others waiting."""

from starlette.requests import Request

CLIENT_HEADER = "x-switchyard-client"
_LONGEST = 256


def lane_of(request: Request, user: str | None) -> str:
    """Whom the body names, else whom a proxy in front names, else the address that it came from."""
    if user:
        return f"user {user[:_LONGEST]}"
    if client := request.headers.get(CLIENT_HEADER):
        return f"client {client[:_LONGEST]}"
    return f"address {request.client.host if request.client else ''}"
