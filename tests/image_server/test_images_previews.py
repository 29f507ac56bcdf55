"""Previews are spread evenly over the steps, and never stand in for the picture."""

import pytest

from switchyard_image_server.images.previews import preview_steps


@pytest.mark.parametrize(
    ("wanted", "total", "steps"),
    [
        (0, 8, ()),
        (1, 8, (4,)),
        (2, 8, (3, 5)),
        (3, 8, (2, 4, 6)),
        (3, 50, (12, 25, 38)),
        (3, 4, (1, 2, 3)),
        (3, 2, (1,)),
        (3, 1, ()),
    ],
)
def test_looks_after_these_steps(wanted: int, total: int, steps: tuple[int, ...]) -> None:
    assert preview_steps(wanted, total) == tuple(sorted(set(steps)))
