"""What one key has used, and whether it may use more. Pure; the time is handed in, in seconds since 1970.

A tally is a run of 64-bit numbers, wherever they lie: in this process, or in memory that workers share.

The rule of the minute: a request counts from the second in which it was admitted until the end of the sixtieth
second after it. So no window of 60 s, wherever it begins, ever holds more than the limit; a key that has used
it up waits up to a second longer than a minute. Requests that are refused do not count.

The rule of the day: tokens count when a request ends, to the day (UTC) in which it ends. Requests are admitted
until the limit is reached, so those that run then may go over it.
"""

from array import array
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from switchyard_proxy.access.callers import Limits

WINDOW_S = 60
BUCKETS = WINDOW_S + 1
DAY_S = 24 * 3600

# Where each number lies. Then come the buckets, one a second, and the requests in flight, one number a worker.
SECOND, DAY, TOKENS, REQUESTS, FIRST = range(5)
IN_FLIGHT = FIRST + BUCKETS

Cells: TypeAlias = "array[int] | memoryview[int]"


class Limit(Enum):
    """Which limit has been reached."""

    TOKENS = auto()
    CONCURRENT = auto()
    REQUESTS = auto()


@dataclass(frozen=True, slots=True)
class Standing:
    """What a key has used, and when it gets that back."""

    minute_requests: int
    in_flight: int
    day_requests: int
    day_tokens: int
    frees_in_s: float  # until the next request of a key that has used up its minute
    empties_in_s: float  # until nothing of the minute counts any more
    day_ends_in_s: float


@dataclass(frozen=True, slots=True)
class DayUse:
    """What a key has used of a day."""

    requests: int
    tokens: int


def cells_for(workers: int) -> int:
    return IN_FLIGHT + workers


def day_of(now: float) -> int:
    return int(now) // DAY_S


class Tally:
    """One key's numbers, as the worker `own` sees and changes them."""

    __slots__ = ("_cells", "_minute", "_own")

    def __init__(self, cells: Cells, own: int = 0) -> None:
        self._cells = cells
        self._own = IN_FLIGHT + own
        self._minute = 0  # requests of the minute, as they were when the newest was let in

    def begin(self, limits: Limits, now: float) -> Limit | None:
        """Count a request in, unless a limit has been reached: then nothing changes but the time."""
        cells = self._cells
        self._turn(now)
        if limits.tokens_per_day is not None and cells[TOKENS] >= limits.tokens_per_day:
            return Limit.TOKENS
        if limits.concurrent is not None and sum(cells[IN_FLIGHT:]) >= limits.concurrent:
            return Limit.CONCURRENT
        minute = limits.requests_per_minute
        if minute is not None:
            self._minute = sum(cells[FIRST:IN_FLIGHT]) + 1
            if self._minute > minute:
                return Limit.REQUESTS
        cells[self._own] += 1
        cells[FIRST + cells[SECOND] % BUCKETS] += 1
        return None

    def end(self, tokens: int, now: float) -> None:
        """Count out a request that was counted in."""
        self._cells[self._own] -= 1
        self.note(tokens, now)

    def note(self, tokens: int, now: float) -> None:
        """A request that was not counted in has ended."""
        cells = self._cells
        self._turn_day(day_of(now))
        cells[TOKENS] += tokens
        cells[REQUESTS] += 1

    def restore(self, use: DayUse, now: float) -> None:
        """What had been used today before we began; less than what is known changes nothing."""
        cells = self._cells
        self._turn_day(day_of(now))
        cells[TOKENS] = max(cells[TOKENS], use.tokens)
        cells[REQUESTS] = max(cells[REQUESTS], use.requests)

    def day_use(self, now: float) -> DayUse:
        cells = self._cells
        return DayUse(cells[REQUESTS], cells[TOKENS]) if cells[DAY] >= day_of(now) else DayUse(0, 0)

    def used(self) -> tuple[int, int, int]:
        """Requests of the minute, the second of the newest, and tokens of the day: for a caller just let in."""
        cells = self._cells
        return self._minute, cells[SECOND], cells[TOKENS]

    def standing(self, limits: Limits, now: float) -> Standing:
        """Changes nothing: any thread may ask."""
        cells = self._cells
        newest = cells[SECOND]
        oldest = max(int(now), newest) - WINDOW_S
        counts = [(s, n) for s in range(oldest, newest + 1) if (n := cells[FIRST + s % BUCKETS])]
        used = sum(n for _, n in counts)
        day = self.day_use(now)
        return Standing(
            minute_requests=used,
            in_flight=sum(cells[IN_FLIGHT:]),
            day_requests=day.requests,
            day_tokens=day.tokens,
            frees_in_s=_free_after(counts, used - (limits.requests_per_minute or used + 1) + 1, now),
            empties_in_s=counts[-1][0] + BUCKETS - now if counts else 0.0,
            day_ends_in_s=DAY_S - now % DAY_S,
        )

    def _turn(self, now: float) -> None:
        """Empty the seconds that no longer count. A clock set back by more than the window starts afresh."""
        cells, second = self._cells, int(now)
        ahead = second - cells[SECOND]
        if ahead > 0:
            for passed in range(max(second - WINDOW_S, cells[SECOND] + 1), second + 1):
                cells[FIRST + passed % BUCKETS] = 0
            cells[SECOND] = second
        elif ahead < -WINDOW_S:
            for bucket in range(FIRST, IN_FLIGHT):
                cells[bucket] = 0
            cells[SECOND] = second
        self._turn_day(second // DAY_S)

    def _turn_day(self, day: int) -> None:
        """Yesterday's clock, in another process or just set back, is no reason to forget today."""
        cells = self._cells
        if day > cells[DAY] or day < cells[DAY] - 1:
            cells[TOKENS] = cells[REQUESTS] = 0
            cells[DAY] = day


def _free_after(counts: list[tuple[int, int]], wanted: int, now: float) -> float:
    """Seconds until that many of the counted requests no longer count."""
    for second, count in counts:
        if wanted <= 0:
            break
        wanted -= count
        if wanted <= 0:
            return second + BUCKETS - now
    return 0.0
