"""Who may pass, and what they may ask an engine for: a list, and nothing else. Pure.

The list is what a proxy itself sends, so nobody can do more from the LAN with a key than a proxy does without
one. Whatever changes an engine (sleep, wake, weights, caches, profiling, collective calls, shutdown) is not on
it; its metrics are not either, for the manager alone reads them. A path is compared as it came, byte by byte:
nothing is decoded, no dots are followed, so an engine cannot read another path than was judged here.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from switchyard_contracts import gate
from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.asgi import Header
from switchyard_proxy.errors import Refused
from switchyard_proxy.routes import ROUTES, Serves
from switchyard_proxy.wire import passing

KEY = gate.KEY_HEADER.encode()
HEALTH = b"/health"
LOOKS_METHODS = frozenset({"GET", "HEAD"})
JOBS_METHODS = LOOKS_METHODS | {"POST", "DELETE"}
THE_MANAGERS = frozenset({"/metrics"})
# What the proxy's own routes ask for, beside what it passes on for `/upstream/`.
ASKS = frozenset(
    [route.target.decode() or route.path for route in ROUTES if route.serves is Serves.ENGINE]
    + [f"/{path}" for path in passing.ASKS]
)
LOOKS = frozenset(f"/{path}" for path in passing.LOOKS) - THE_MANAGERS


@dataclass(frozen=True, slots=True)
class Passage:
    """A request that may pass: where to, and for what."""

    authority: str
    target: bytes


def admit(method: str, target: bytes, headers: Iterable[Header], token: str) -> Passage:
    """Raises `Refused`. Who has no key learns nothing: neither of engines nor of paths."""
    asked = gate.read_target(target.decode("latin-1"))
    if asked is None:
        raise _elsewhere(target)
    keys = [value for name, value in headers if name == KEY]
    if len(keys) != 1 or not gate.opens(keys[0].decode("latin-1"), token, asked):
        raise _without_key(len(keys))
    if not _may_ask(method, asked.below):
        raise _not_on_the_list(method, asked.below)
    query = "" if asked.query is None else f"?{asked.query}"
    return Passage(asked.authority, f"{asked.below}{query}".encode("latin-1"))


def _may_ask(method: str, path: str) -> bool:
    looks = method in LOOKS_METHODS
    if (looks and path in LOOKS) or (method == "POST" and path in ASKS):
        return True
    below = path[1:]
    if method in JOBS_METHODS and passing.JOBS.fullmatch(below):
        return True
    return looks and passing.KEPT.fullmatch(below) is not None


def _elsewhere(target: bytes) -> Refused:
    shown = target[:100].decode("latin-1")
    return Refused(
        ErrorCode.UNKNOWN_URL,
        f"cannot serve {shown!r}: this is Switchyard's gate, which passes on what proxies ask its engines for;"
        " send requests to the proxy",
    )


def _without_key(sent: int) -> Refused:
    what = "there is none" if sent == 0 else "it does not fit" if sent == 1 else f"there are {sent}"
    return Refused(
        ErrorCode.ENGINE_KEY_REFUSED,
        f"cannot let this request pass to an engine: it needs the engine's key, and {what}; see that manager"
        " and gate were started with the same token",
    )


def _not_on_the_list(method: str, path: str) -> Refused:
    return Refused(
        ErrorCode.UNKNOWN_URL,
        f"cannot pass on {method} {path[:100]}: it is not among the engines' paths that may be asked for past"
        " the gate; docs/two-machines.md lists them",
    )
