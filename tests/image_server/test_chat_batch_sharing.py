"""Which rows share a bench: as many as can without wasting more than they use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchyard_image_server.chat.batch.sharing import LITTLE, may_share, room_for

Lengths = st.lists(st.integers(1, 200_000), max_size=20)


@pytest.mark.parametrize(
    ("lengths", "newcomer", "shares"),
    [
        ([], 100_000, True),
        ([100] * 15, 900, True),  # wasteful, but of next to nothing
        ([30_000], 100, True),
        ([30_000, 100], 100, False),  # three times the room of the longest
        ([100] * 7, 30_000, False),
        ([1] * 5, 1640, True),
        ([20_000, 18_000], 15_000, True),
    ],
)
def test_rows_share_unless_the_short_ones_would_waste_much(
    lengths: list[int], newcomer: int, shares: bool
) -> None:
    assert may_share(lengths, newcomer) is shares


@given(Lengths, st.integers(1, 200_000))
def test_at_most_half_is_wasted(lengths: list[int], newcomer: int) -> None:
    together = [*lengths, newcomer]
    wasted = max(together) * len(together) - sum(together)

    if may_share(lengths, newcomer):
        assert wasted <= LITTLE or wasted <= sum(together)


@given(Lengths, st.integers(1, 200_000), st.integers(1, 50_000))
def test_rows_that_share_well_do_so_as_they_grow(lengths: list[int], newcomer: int, steps: int) -> None:
    grown = [length + steps for length in lengths]

    if may_share(lengths, newcomer):
        assert may_share(grown, newcomer + steps)


@given(st.integers(1, 200_000))
def test_there_is_room_for_many_more_tokens(longest: int) -> None:
    assert longest + 64 <= room_for(longest) <= longest + max(64, longest / 16)
