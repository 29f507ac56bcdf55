"""Which pictures are drawn together in one pass. Pure."""

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


def first_passes(items: Sequence[Item], *, together: bool) -> list[list[Item]]:
    """As few as give the same pictures."""
    return [list(items)] if together else [[item] for item in items]


def halved(items: Sequence[Item]) -> list[list[Item]]:
    """The two passes to make of one that was too large."""
    middle = -(-len(items) // 2)
    return [list(items[:middle]), list(items[middle:])]
