"""How an engine is reached from another machine: past a gate, which lets nothing through without a key. Pure.

    http://gpu-pc:8078/engines/<instance>/<host>:<port>/v1/chat/completions

The manager, which knows the shared token, puts the key to exactly this engine into a grant; the gate, which
knows the token, too, works out what it must be. So the gate needs no list of engines, and connects to nothing
that the manager has not named.
"""

import hmac
import re
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import quote, urlsplit

KEY_HEADER = "x-switchyard-engine-key"
# In a reply of the gate itself: nothing of an answer came from the engine, so that it may be asked for again.
SAYS_HEADER = "x-switchyard-gate"
ENGINE_LOST = "engine-lost"

_ENGINES = "/engines/"
# As `endpoint` writes them: nothing here is ever decoded, so nothing can be read in two ways.
_TARGET = re.compile(
    r"/engines/(?P<instance>(?:[A-Za-z0-9_.~-]|%[0-9A-F]{2})+)"
    r"/(?P<authority>(?:[A-Za-z0-9_.-]+|\[[0-9a-fA-F:.]+\]):[1-9][0-9]{0,4})"
    r"(?P<below>/[^?#]*)(?:\?(?P<query>.*))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Target:
    """What a request to the gate asks for, as it is written."""

    instance: str
    authority: str
    below: str  # the engine's own path
    query: str | None


@dataclass(frozen=True, slots=True)
class Gate:
    """The gate as the manager knows it."""

    url: str
    token: str = field(repr=False)

    def endpoint(self, instance: str, engine: str) -> str:
        """Where a proxy finds what answers at `engine` for the manager."""
        return f"{self.url}{_ENGINES}{_named(instance)}/{_authority(engine)}"

    def headers(self, instance: str, engine: str) -> dict[str, str]:
        return {KEY_HEADER: key(self.token, _named(instance), _authority(engine))}


def key(token: str, instance: str, authority: str) -> str:
    """The key to one engine, for an instance as it is written in the address."""
    return hmac.new(token.encode(), f"{instance} {authority}".encode(), sha256).hexdigest()


def opens(given: str, token: str, target: Target) -> bool:
    """In a time that tells nothing of how much of it is right."""
    return hmac.compare_digest(given.encode(), key(token, target.instance, target.authority).encode())


def read_target(target: str) -> Target | None:
    """None: it is not of the form."""
    found = _TARGET.fullmatch(target)
    if found is None:
        return None
    return Target(found["instance"], found["authority"], found["below"], found["query"])


def _named(instance: str) -> str:
    return quote(instance, safe="")


def _authority(engine: str) -> str:
    return urlsplit(engine).netloc
