"""Who may ask a proxy that wants no key: by which name it is called, and from which page. Pure.

A web page anywhere can make its visitor's browser ask an address in the visitor's network (the request then
carries the page's `Origin`), and can have its own name point there (DNS rebinding; the request then carries
that name as `Host`). So both are checked. What is no browser sends no `Origin` and is not held up.
"""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.errors import Refused

HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9_.-]+?)\.?(?::([0-9]{1,5}))?")
HOME = (".local", ".lan", ".home.arpa", ".internal", ".localhost")  # never sold to anybody
APPS = frozenset(
    {
        "app",
        "capacitor",
        "chrome-extension",
        "file",
        "ionic",
        "moz-extension",
        "safari-web-extension",
        "tauri",
        "vscode-webview",
    }
)
PORTS = {"http": "80", "https": "443"}
MOST_KNOWN = 1024  # pairs that were found right; whoever sends ever new ones pays for the check each time
SHOWN = 100


class Visitors:
    """The check, for one machine's names and one operator's choice."""

    def __init__(self, hostname: str, allowed_hosts: Iterable[str], allowed_origins: Iterable[str]) -> None:
        names = [name.lower().rstrip(".") for name in allowed_hosts]
        self._any_host = "*" in names
        self._names = frozenset({hostname.lower().rstrip("."), *map(_without_port, names)})
        self._suffixes = (*HOME, *(name.removeprefix("*") for name in names if name.startswith(("*.", "."))))
        origins = [origin.lower().rstrip("/") for origin in allowed_origins]
        self._any_origin = "*" in origins
        self._origins = frozenset(map(_plain, origins))
        self._known: set[tuple[bytes | None, bytes | None]] = set()

    def check(self, host: bytes | None, origin: bytes | None, method: str = "GET") -> None:
        """Raises `Refused`. A preflight is never refused: the request after it is, where it must be."""
        if (host, origin) in self._known or method == "OPTIONS":
            return
        self._check_host(host)
        self._check_origin(host, origin)
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known.add((host, origin))

    def _check_host(self, host: bytes | None) -> None:
        """A request without one is from no browser."""
        if not host or self._any_host:
            return
        found = HOST.fullmatch(host.decode("latin-1"))
        if found is None or not self._is_ours(found[1].lower()):
            raise Refused(
                ErrorCode.HOST_NOT_ALLOWED,
                f"cannot serve requests for the host {_quoted(host)}: it is not known as a name of this"
                " machine; use its address, or add the name to --allowed-hosts (SWITCHYARD_ALLOWED_HOSTS)",
            )

    def _is_ours(self, name: str) -> bool:
        return (
            ("." not in name and not name.startswith("["))
            or name in self._names
            or name.endswith(self._suffixes)
            or _address(name) is not None
        )

    def _check_origin(self, host: bytes | None, origin: bytes | None) -> None:
        if origin is None or self._any_origin:
            return
        text = origin.decode("latin-1").lower()
        if not (self._is_allowed(text) or _same_origin(text, host)):
            raise Refused(
                ErrorCode.ORIGIN_NOT_ALLOWED,
                f"cannot serve requests from pages of {_quoted(origin)}: no key protects this proxy; add the"
                " origin to --allowed-origins (SWITCHYARD_ALLOWED_ORIGINS), or switch keys on (--auth on)",
            )

    def _is_allowed(self, origin: str) -> bool:
        if _plain(origin) in self._origins:
            return True
        scheme, _, rest = origin.partition("://")
        if scheme in APPS:
            return "://" in origin
        found = HOST.fullmatch(rest)
        return scheme in PORTS and found is not None and _is_loopback(found[1])


def _same_origin(origin: str, host: bytes | None) -> bool:
    """The scheme is left out of it: who speaks TLS for us does not say so in `Host`."""
    scheme, _, rest = origin.partition("://")
    if scheme not in PORTS or not host:
        return False
    ours, theirs = HOST.fullmatch(host.decode("latin-1").lower()), HOST.fullmatch(rest)
    if ours is None or theirs is None or ours[1] != theirs[1]:
        return False
    return (ours[2] or PORTS[scheme]) == (theirs[2] or PORTS[scheme])


def _is_loopback(name: str) -> bool:
    address = _address(name)
    return name == "localhost" or name.endswith(".localhost") or (address is not None and address.is_loopback)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    bracketed = name.startswith("[")
    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return None
    return address if bracketed == (address.version == 6) else None


def _plain(origin: str) -> str:
    """Without the port that goes without saying."""
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return origin
    if port is None or str(port) != PORTS.get(parts.scheme):
        return origin
    return origin.rpartition(":")[0]


def _without_port(name: str) -> str:
    found = HOST.fullmatch(name)
    return found[1] if found else name


def _quoted(value: bytes) -> str:
    return repr(value[:SHOWN].decode("latin-1"))
