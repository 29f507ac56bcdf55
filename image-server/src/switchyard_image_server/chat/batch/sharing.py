"""Which rows may share a bench, and how much room it needs. Pure.

All rows of a bench take the room of its longest one, so a short row beside a long one wastes memory.
"""

from collections.abc import Sequence

LITTLE = 16_384  # tokens; what may be wasted without a thought
LEAST_SPARE = 64


def may_share(lengths: Sequence[int], newcomer: int) -> bool:
    """At most as much is wasted as is used. Rows grow by a token each per pass, which wastes no more than
    before: what shares well now does so later.
    """
    together = [*lengths, newcomer]
    used = sum(together)
    wasted = max(together) * len(together) - used
    return wasted <= max(used, LITTLE)


def room_for(longest: int) -> int:
    """With some to spare: making more room copies everything."""
    return longest + max(LEAST_SPARE, longest // 16)
