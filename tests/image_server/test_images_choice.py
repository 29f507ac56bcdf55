"""Which way of drawing is chosen for the pictures that came along, and what is refused by name."""

from collections.abc import Sequence

import pytest
from PIL import Image

from switchyard_image_server.errors import InvalidValue, MissingParameter, Refused, Unsupported
from switchyard_image_server.images.choice import way_for
from switchyard_image_server.images.ways import (
    CONTROLLED,
    CONTROLLED_WITHIN,
    EDIT,
    EDIT_PLUS,
    EDIT_WITHIN,
    LAYERED,
    OVER,
    SECOND_GENERATION,
    WITHIN,
    WORDS,
    Way,
)
from switchyard_image_server.media.pictures import Picture

FIRST = (WORDS, OVER, WITHIN)
MASK = Picture(Image.new("L", (8, 8)), "mask")
CONTROL = Picture(Image.new("RGB", (8, 8)), "control_image")


def images(count: int) -> list[Picture]:
    return [Picture(Image.new("RGB", (8, 8)), f"images[{place}]") for place in range(count)]


@pytest.mark.parametrize(
    ("ways", "count", "mask", "control", "chosen"),
    [
        (FIRST, 0, None, None, WORDS),
        (FIRST, 1, None, None, OVER),
        (FIRST, 1, MASK, None, WITHIN),
        ((*FIRST, CONTROLLED), 0, None, None, WORDS),
        ((*FIRST, CONTROLLED), 0, None, CONTROL, CONTROLLED),
        ((WORDS, OVER, CONTROLLED_WITHIN), 1, MASK, None, CONTROLLED_WITHIN),
        ((EDIT, EDIT_WITHIN), 1, None, None, EDIT),
        ((EDIT, EDIT_WITHIN), 1, MASK, None, EDIT_WITHIN),
        ((EDIT_PLUS,), 3, None, None, EDIT_PLUS),
        ((SECOND_GENERATION,), 0, None, None, SECOND_GENERATION),
        ((SECOND_GENERATION,), 10, None, None, SECOND_GENERATION),
        ((LAYERED,), 1, None, None, LAYERED),
    ],
)
def test_chooses_by_what_came_along(
    ways: Sequence[Way], count: int, mask: Picture | None, control: Picture | None, chosen: Way
) -> None:
    assert way_for(ways, images(count), mask, control) == chosen


@pytest.mark.parametrize(
    ("ways", "count", "mask", "control", "error", "param"),
    [
        ((EDIT,), 0, None, None, MissingParameter, "image"),
        ((EDIT, EDIT_WITHIN), 2, None, None, InvalidValue, "images[1]"),
        ((EDIT_PLUS,), 4, None, None, InvalidValue, "images[3]"),
        ((SECOND_GENERATION,), 11, None, None, InvalidValue, "images[10]"),
        ((WORDS,), 1, None, None, Unsupported, "images[0]"),
        ((SECOND_GENERATION,), 1, MASK, None, Unsupported, "mask"),
        (FIRST, 0, MASK, None, MissingParameter, "image"),
        (FIRST, 2, MASK, None, InvalidValue, "images[1]"),
        (FIRST, 0, None, CONTROL, Unsupported, "control_image"),
        ((*FIRST, CONTROLLED), 1, None, CONTROL, Unsupported, "images[0]"),
        ((*FIRST, CONTROLLED), 0, MASK, CONTROL, Unsupported, "mask"),
    ],
)
def test_refuses_by_name_what_no_way_takes(
    ways: Sequence[Way],
    count: int,
    mask: Picture | None,
    control: Picture | None,
    error: type[Refused],
    param: str,
) -> None:
    with pytest.raises(error, match="cannot") as refused:
        way_for(ways, images(count), mask, control)

    assert refused.value.param == param
