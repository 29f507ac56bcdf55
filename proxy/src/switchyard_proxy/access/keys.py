"""Keys as values: how one is made, what it may be, and who comes with it. Knows no file and no clock.

A key is kept as its SHA-256 alone. It has 256 random bits, so a slow hash would protect nothing more.
"""

import hashlib
import hmac
import math
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from switchyard_contracts.catalog.fields import NAME_PATTERN, NAME_WORDS
from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.access.callers import NO_LIMITS, Caller, Limits, Role
from switchyard_proxy.errors import Refused

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
MODEL = re.compile(NAME_PATTERN)
RESERVED = frozenset({"anyone", "environment"})  # what callers without a record of their own are called
BEATS = ("chunk", "comment", "reasoning", "off")
MOST_PRIORITY = 100
SHOWN = 8  # characters of a key that may be seen: `sy-` and five of its 43
MOST = 1_000_000_000_000  # of anything that a limit counts


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """All that is kept of a key. Times are seconds since 1970."""

    id: str
    name: str
    digest: str  # SHA-256 of the key, in hex
    prefix: str
    created_at: float
    role: Role = Role.USE
    models: frozenset[str] | None = None
    limits: Limits = NO_LIMITS
    priority: int = 0
    beats: str | None = None
    expires_at: float | None = None
    revoked_at: float | None = None

    def is_live(self, now: float) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def caller(self) -> Caller:
        # One object stands for "no limits", so that asking for it costs a comparison of addresses.
        limits = NO_LIMITS if self.limits == NO_LIMITS else self.limits
        return Caller(self.name, self.role, self.models, limits, self.priority, self.beats, self.id)


def make_key(name: str, now: float) -> tuple[KeyRecord, str]:
    """A record with the least rights, to be widened with `replace`, and the key, which is kept nowhere."""
    key = f"sy-{secrets.token_urlsafe(32)}"
    return KeyRecord(f"key_{secrets.token_hex(8)}", name, digest_of(key.encode()), key[:SHOWN], now), key


def digest_of(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()


class Ring:
    """Every key that there is; never changed, only replaced."""

    __slots__ = ("_holders", "records")

    def __init__(self, records: Iterable[KeyRecord] = ()) -> None:
        self.records = tuple(records)
        self._holders = {
            record.digest: (record.digest, record.caller(), _or_never(record.expires_at))
            for record in self.records
            if record.revoked_at is None
        }

    def caller_of(self, presented: bytes, now: float) -> Caller | None:
        """Who holds this key, unless it is unknown, revoked or expired."""
        digest = hashlib.sha256(presented).hexdigest()
        holder = self._holders.get(digest)
        if holder is None or not hmac.compare_digest(holder[0], digest) or now >= holder[2]:
            return None
        return holder[1]

    def record(self, id_: str) -> KeyRecord | None:
        return next((record for record in self.records if record.id == id_), None)

    def live(self, name: str, now: float) -> KeyRecord | None:
        return next((record for record in self.records if record.name == name and record.is_live(now)), None)


def check_record(record: KeyRecord, others: Iterable[KeyRecord], now: float) -> None:
    """Raises `Refused` unless the record may stand beside the others."""
    _check_name(record.name)
    if any(other.name == record.name and other.id != record.id and other.is_live(now) for other in others):
        raise _unfit("name", f"another key is called `{record.name}`; choose another name, or revoke that key")
    if record.models is not None:
        _check_models(record.models)
    _check_limits(record.limits)
    if not -MOST_PRIORITY <= record.priority <= MOST_PRIORITY:
        raise _unfit("priority", f"give a number from -{MOST_PRIORITY} to {MOST_PRIORITY}")
    if record.beats not in {None, *BEATS}:
        raise _unfit("beats", f"give one of {', '.join(BEATS)}, or nothing for the proxy's own")
    if record.expires_at is not None and not now < record.expires_at < math.inf:
        raise _unfit("expires_at", "give a time that is still to come, in seconds since 1970")


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise _unfit("name", "give up to 64 letters, digits and . _ - @, not beginning with a sign")
    if name in RESERVED:
        raise _unfit("name", f"`{name}` is what the proxy itself calls a caller; choose another name")


def _check_models(models: frozenset[str]) -> None:
    if not models:
        raise _unfit("models", "name at least one model, or leave it out for all of them")
    for model in sorted(models):
        if not MODEL.fullmatch(model):
            raise _unfit("models", f"{model!r} is no name of a model: give {NAME_WORDS}")


def _check_limits(limits: Limits) -> None:
    for name in Limits.__dataclass_fields__:
        value = getattr(limits, name)
        if value is not None and not 1 <= value <= MOST:
            raise _unfit(f"limits.{name}", f"give a whole number from 1 to {MOST}, or nothing for no limit")


def _unfit(param: str, what_to_do: str) -> Refused:
    return Refused(ErrorCode.INVALID_VALUE, f"cannot keep the key with this `{param}`: {what_to_do}", param)


def _or_never(time: float | None) -> float:
    return math.inf if time is None else time
