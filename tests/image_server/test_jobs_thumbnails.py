"""Previews that are asked for again and again are small."""

import base64
import io

import pytest
from PIL import Image

from switchyard_image_server.images.events import Preview
from switchyard_image_server.jobs.thumbnails import SIDE, thumbnail


@pytest.mark.parametrize(("size", "shown"), [((2048, 1024), (SIDE, SIDE // 2)), ((64, 48), (64, 48))])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_a_preview_is_made_small_and_its_source_left_alone(
    size: tuple[int, int], shown: tuple[int, int], mode: str
) -> None:
    image = Image.new(mode, size)

    small = thumbnail(Preview(3, 1, image))

    with Image.open(io.BytesIO(base64.b64decode(small.b64))) as opened:
        assert (opened.format, opened.size) == ("WEBP", shown)
        assert opened.has_transparency_data == (mode == "RGBA")
    assert (small.picture, small.index, image.size) == (3, 1, size)
