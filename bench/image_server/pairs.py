"""Calls of the bare side, of another bare side like it, and of the server, taken in turns; and what they say.

Processes of the same program differ: in where their weights lie, in how the kernel treats them. So each
comparison is made of several starts of all three, and the two bare sides show how much of it means nothing.
"""

import itertools
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Call = Callable[[int], float]  # from the round's number to seconds
WARM_ROUNDS = 2
DOUBT = 0.05


@dataclass(frozen=True, slots=True)
class Cpu:
    """Seconds of the processor that a call took in the bare side's process and in the server's, all threads."""

    bare_s: float
    served_s: float

    @property
    def added_s(self) -> float:
        return self.served_s - self.bare_s


@dataclass(frozen=True, slots=True)
class Pair:
    """Seconds of each call: the same places in all three are of the same round. `cpu` is of each start."""

    name: str
    bare_s: tuple[float, ...]
    served_s: tuple[float, ...]
    twin_s: tuple[float, ...] = ()
    cpu: tuple[Cpu, ...] = ()

    @property
    def usual_s(self) -> float:
        return statistics.median(self.bare_s)

    @property
    def differences_s(self) -> list[float]:
        return [ours - theirs for theirs, ours in zip(self.bare_s, self.served_s, strict=True)]

    @property
    def added_s(self) -> float:
        """The median of the differences, not the difference of the medians: neighbours share their fate."""
        return statistics.median(self.differences_s)

    @property
    def noise_s(self) -> float | None:
        """What the same measurement says of two sides that are the same."""
        if not self.twin_s:
            return None
        return statistics.median(twin - one for one, twin in zip(self.bare_s, self.twin_s, strict=True))

    @property
    def added_cpu_s(self) -> float | None:
        return statistics.median(one.added_s for one in self.cpu) if self.cpu else None


def joined(name: str, starts: Sequence[Pair]) -> Pair:
    """All rounds of all starts count the same."""
    return Pair(
        name,
        tuple(itertools.chain.from_iterable(one.bare_s for one in starts)),
        tuple(itertools.chain.from_iterable(one.served_s for one in starts)),
        tuple(itertools.chain.from_iterable(one.twin_s for one in starts)),
        tuple(itertools.chain.from_iterable(one.cpu for one in starts)),
    )


def in_turn(rounds: int, sides: Sequence[Call], before: Callable[[], None]) -> list[tuple[float, ...]]:
    """The seconds of each side in each round. Every order of the sides comes up equally often. The first rounds
    only warm up.
    """
    orders = list(itertools.permutations(range(len(sides))))
    found = []
    for number in range(WARM_ROUNDS + rounds):
        before()
        took = {place: sides[place](number) for place in orders[number % len(orders)]}
        found.append(tuple(took[place] for place in range(len(sides))))
    return found[WARM_ROUNDS:]


def interval(values: Sequence[float], doubt: float = DOUBT) -> tuple[float, float]:
    """Where the true median lies, but for that doubt, whatever the distribution: by ranks."""
    ordered, count = sorted(values), len(values)
    cut, tail = 0, 0.0
    while cut < (count - 1) // 2:
        tail += math.comb(count, cut) / 2**count
        if tail > doubt / 2:
            break
        cut += 1
    return ordered[max(cut - 1, 0)], ordered[count - 1 - max(cut - 1, 0)]
