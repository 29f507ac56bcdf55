"""Which pictures share a pass, and what becomes of one that is too large."""

from switchyard_image_server.images.passes import first_passes, halved


def test_all_share_one_pass_where_that_changes_none_of_them() -> None:
    assert first_passes([1, 2, 3], together=True) == [[1, 2, 3]]
    assert first_passes([1, 2, 3], together=False) == [[1], [2], [3]]


def test_a_pass_that_is_too_large_becomes_two() -> None:
    assert halved([1, 2, 3]) == [[1, 2], [3]]
    assert halved([1, 2]) == [[1], [2]]
