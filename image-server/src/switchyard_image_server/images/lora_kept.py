"""Which adapters to drop when another is loaded: those that were not worn for longest. Pure."""

from collections.abc import Collection
from dataclasses import dataclass

MAX_KEPT = 8
MAX_KEPT_BYTES = 2 * 2**30


@dataclass(frozen=True, slots=True)
class Kept:
    """An adapter on the model. `content` tells a file from what it was before it was written anew."""

    adapter: str
    content: tuple[int, int]
    size: int


def to_drop(kept: dict[str, Kept], wanted: Collection[str], coming: int) -> list[str]:
    """Names from `kept`, the longest unworn first, so that `coming` bytes fit. Never one that is wanted."""
    number, held = len(kept) + 1, sum(one.size for one in kept.values()) + coming
    gone: list[str] = []
    for name, one in kept.items():
        if number <= MAX_KEPT and held <= MAX_KEPT_BYTES:
            break
        if name not in wanted:
            gone.append(name)
            number, held = number - 1, held - one.size
    return gone
