"""Whether a caller may ask now, and what it is told if not. Pure: the time is handed in; `tally` has the rules.

One `Meter` serves a single process and several: it is handed what makes a tally, and `shared` makes them in
memory that the workers share.
"""

import math
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.access.callers import NO_LIMITS, Caller, Limits
from switchyard_proxy.access.tally import BUCKETS, DAY_S, DayUse, Limit, Standing, Tally, cells_for
from switchyard_proxy.asgi import Header
from switchyard_proxy.errors import LONGEST_RETRY_AFTER_S, Refused

Usage = dict[str, DayUse]
Names = tuple[bytes, bytes, bytes]
OF_REQUESTS: Names = (
    b"x-ratelimit-limit-requests",
    b"x-ratelimit-remaining-requests",
    b"x-ratelimit-reset-requests",
)
OF_TOKENS: Names = (b"x-ratelimit-limit-tokens", b"x-ratelimit-remaining-tokens", b"x-ratelimit-reset-tokens")


class Counters(Protocol):
    """A tally, or one that guards itself."""

    def begin(self, limits: Limits, now: float) -> Limit | None: ...

    def end(self, tokens: int, now: float) -> None: ...

    def note(self, tokens: int, now: float) -> None: ...

    def restore(self, use: DayUse, now: float) -> None: ...

    def day_use(self, now: float) -> DayUse: ...

    def used(self) -> tuple[int, int, int]: ...

    def standing(self, limits: Limits, now: float) -> Standing: ...


class Permit(Protocol):
    """A request that was let in. Whoever holds it says once, in a `finally`, that the request is done."""

    def done(self, tokens: int, now: float) -> None: ...

    def headers(self, now: float) -> tuple[Header, ...]:
        """For the reply: what is left to a caller that has limits."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A limit that has been reached."""

    caller: Caller
    limit: Limit
    standing: Standing

    @property
    def wait_s(self) -> float:
        match self.limit:
            case Limit.TOKENS:
                return self.standing.day_ends_in_s
            case Limit.REQUESTS:
                return self.standing.frees_in_s
            case Limit.CONCURRENT:
                return 1.0  # nobody knows when a request ends

    def error(self) -> Refused:
        wait_s = min(max(math.ceil(self.wait_s), 1), LONGEST_RETRY_AFTER_S)
        used = self.standing
        left = _headers(
            self.caller.limits,
            used.minute_requests,
            math.ceil(used.empties_in_s),
            used.day_tokens,
            math.ceil(used.day_ends_in_s),
        )
        headers = ((b"retry-after", b"%d" % wait_s), *left)
        if self.limit is Limit.TOKENS and self.wait_s > LONGEST_RETRY_AFTER_S:
            headers = (*headers, (b"x-should-retry", b"false"))  # or clients try again and again until midnight
        message = f"cannot serve another request of the key `{self.caller.name}`: {self._numbers(wait_s)}"
        return Refused(ErrorCode.RATE_LIMIT_EXCEEDED, message, headers=headers)

    def _numbers(self, wait_s: int) -> str:
        limits, standing = self.caller.limits, self.standing
        match self.limit:
            case Limit.TOKENS:
                return (
                    f"it may use {limits.tokens_per_day} tokens a day and has used {standing.day_tokens};"
                    f" the day ends in {shown(standing.day_ends_in_s)} (at 00:00 UTC)"
                )
            case Limit.CONCURRENT:
                return (
                    f"it may run {limits.concurrent} at the same time and {standing.in_flight} run;"
                    " wait for one to end"
                )
            case Limit.REQUESTS:
                return (
                    f"it may make {limits.requests_per_minute} requests a minute and has made"
                    f" {standing.minute_requests}; try again in {wait_s} s"
                )


class Meter:
    """Counts what callers do. Every caller has a tally; only those with limits are held to it."""

    def __init__(self, tally_for: Callable[[str], Counters] | None = None) -> None:
        self._tally_for = tally_for or _tally_here
        self._tallies: dict[str, Counters] = {}
        self._unlimited: dict[str, Unlimited] = {}

    def admit(self, caller: Caller, now: float) -> Permit | Refusal:
        if caller.limits is NO_LIMITS:
            return self._unlimited.get(caller.id) or self._unlimited_for(caller.id)
        tally = self._tally(caller.id)
        reached = tally.begin(caller.limits, now)
        if reached is not None:
            return Refusal(caller, reached, tally.standing(caller.limits, now))
        return Counted(tally, caller.limits)

    def standing(self, caller: Caller, now: float) -> Standing:
        return self._tally(caller.id).standing(caller.limits, now)

    def usage(self, ids: Iterable[str], now: float) -> Usage:
        """Today's, of these keys."""
        return {id_: self._tally(id_).day_use(now) for id_ in ids}

    def restore(self, usage: Usage, now: float) -> None:
        for id_, use in usage.items():
            self._tally(id_).restore(use, now)

    def _tally(self, id_: str) -> Counters:
        return self._tallies.get(id_) or self._tallies.setdefault(id_, self._tally_for(id_))

    def _unlimited_for(self, id_: str) -> "Unlimited":
        return self._unlimited.setdefault(id_, Unlimited(self._tally(id_)))


class Counted:
    """The permit of a caller with limits. A second `done` is not counted."""

    __slots__ = ("_limits", "_over", "_tally")

    def __init__(self, tally: Counters, limits: Limits) -> None:
        self._tally = tally
        self._limits = limits
        self._over = False

    def done(self, tokens: int, now: float) -> None:
        if not self._over:
            self._over = True
            self._tally.end(tokens, now)

    def headers(self, now: float) -> tuple[Header, ...]:
        """As every reply to such a caller has them, so this costs as little as can be."""
        minute, newest, tokens = self._tally.used()
        second = int(now)
        return _headers(self._limits, minute, newest + BUCKETS - second, tokens, DAY_S - second % DAY_S)


class Unlimited:
    """The permit of every request of a caller without limits: one for all, as nothing is held."""

    __slots__ = ("_tally",)

    def __init__(self, tally: Counters) -> None:
        self._tally = tally

    def done(self, tokens: int, now: float) -> None:
        self._tally.note(tokens, now)

    def headers(self, now: float) -> tuple[Header, ...]:
        return ()


def _headers(
    limits: Limits, minute: int, empties_in_s: int, tokens: int, day_ends_in_s: int
) -> tuple[Header, ...]:
    """OpenAI's names, and its way to write a time. Tokens are those of the day."""
    found: tuple[Header, ...] = ()
    if (most := limits.requests_per_minute) is not None:
        found = _header_row(OF_REQUESTS, most, most - minute, empties_in_s)
    if (most := limits.tokens_per_day) is not None:
        found += _header_row(OF_TOKENS, most, most - tokens, day_ends_in_s)
    return found


def _header_row(names: Names, most: int, left: int, resets_in_s: int) -> tuple[Header, ...]:
    limit, remaining, reset = names
    return (
        (limit, b"%d" % most),
        (remaining, b"%d" % (left if left > 0 else 0)),
        (reset, _shown(resets_in_s)),
    )


@lru_cache(maxsize=1024)
def _shown(seconds: int) -> bytes:
    return shown(seconds).encode()


def shown(seconds: float) -> str:
    """`5h12m3s`, without the parts before the first that counts."""
    minutes, rest = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def _tally_here(_: str) -> Tally:
    return Tally(array("q", bytes(8 * cells_for(workers=1))))
