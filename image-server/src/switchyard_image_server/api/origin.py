"""Under which address this server is reached from outside: for the addresses in its answers."""

import re

from starlette.requests import Request

_HOST = re.compile(r"[\w.-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?", re.ASCII)
_PREFIX = re.compile(r"(/[\w.~%-]+)+", re.ASCII)


def origin_of(request: Request, public_url: str | None) -> str:
    """What the operator says, else what a proxy in front says, else what the client has called."""
    if public_url is not None:
        return public_url.rstrip("/")
    scheme = _first(request, "x-forwarded-proto").lower()
    if scheme not in {"http", "https"}:
        scheme = request.url.scheme
    return f"{scheme}://{_host(request)}{prefix_of(request)}"


def prefix_of(request: Request) -> str:
    """What a proxy in front has before our paths."""
    prefix = _first(request, "x-forwarded-prefix").rstrip("/")
    return prefix if _PREFIX.fullmatch(prefix) else ""


def _host(request: Request) -> str:
    named = (_first(request, "x-forwarded-host"), request.headers.get("host", ""))
    server = request.scope.get("server") or ("localhost", None)
    called = f"{server[0]}:{server[1]}" if server[1] else str(server[0])
    return next((host for host in named if _HOST.fullmatch(host)), called)


def _first(request: Request, header: str) -> str:
    """The outermost of a row of proxies comes first."""
    return request.headers.get(header, "").partition(",")[0].strip()
