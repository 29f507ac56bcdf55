"""Who asks, as the rest of the proxy sees it. Values only."""

from dataclasses import dataclass
from enum import IntEnum


class Role(IntEnum):
    """What a key may do. Each may do what those before it may."""

    USE = 1  # ask models
    OPERATE = 2  # load, sleep and unload them; read what was asked
    ADMIN = 3  # make and revoke keys, change the catalog


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a key may ask for; None for no limit."""

    requests_per_minute: int | None = None
    concurrent: int | None = None
    tokens_per_day: int | None = None


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Caller:
    """A key that fits, or anyone where none is asked for."""

    name: str
    role: Role
    models: frozenset[str] | None = None  # by name, as the catalog has them; None for all
    limits: Limits = NO_LIMITS
    priority: int = 0
    beats: str | None = None  # the heartbeat mode for this key, else the proxy's own
    id: str = ""  # of the key: a name may come again after its key was revoked, an id never

    def may(self, role: Role) -> bool:
        return self.role >= role

    def may_use(self, model: str) -> bool:
        return self.models is None or model in self.models


ANYONE = Caller("anyone", Role.ADMIN)
