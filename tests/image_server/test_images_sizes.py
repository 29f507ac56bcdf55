"""Sizes: read strictly, kept within bounds, and rounded to what a pipeline can draw."""

import pytest

from switchyard_image_server.errors import InvalidValue
from switchyard_image_server.images.sizes import Size, fitted, parse_size, size_to_draw


@pytest.mark.parametrize("size", ["", "big", "64", "64x", "-64x64", "0x64", "64x64x64", "1e3x64", "٦٤x٦٤"])
def test_refuses_a_size_that_cannot_be_read(size: str) -> None:
    with pytest.raises(InvalidValue, match="write WIDTHxHEIGHT, or auto"):
        parse_size(size)


@pytest.mark.parametrize(
    ("size", "why"),
    [("63x64", "at least 64"), ("8192x64", "4096 pixels a side"), ("2064x2048", "4194304 pixels in all")],
)
def test_refuses_a_size_out_of_bounds(size: str, why: str) -> None:
    with pytest.raises(InvalidValue, match=why) as refused:
        size_to_draw(size, Size(64, 64), 16)

    assert refused.value.param == "size"


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        (Size(100, 100), Size(1024, 1024)),
        (Size(1920, 1080), Size(1376, 768)),
        (Size(1, 3), Size(576, 1760)),
    ],
)
def test_fits_a_shape_to_an_area_as_the_pipelines_do(shape: Size, size: Size) -> None:
    assert fitted(1024 * 1024, shape) == size
