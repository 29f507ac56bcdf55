"""Encoded pictures: the format that was asked for, and alpha where the format has it."""

import base64
import io

import pytest
from PIL import Image

from switchyard_image_server.images.encode import encode
from switchyard_image_server.images.request import Background, OutputFormat

CLEAR = (255, 0, 0, 0)


def encoded(
    output: OutputFormat,
    image: Image.Image,
    background: Background = Background.AUTO,
    compression: int | None = None,
) -> Image.Image:
    content = base64.b64decode(encode(image, output, background, compression))
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("output", list(OutputFormat))
def test_encodes_what_was_asked_for(output: OutputFormat) -> None:
    picture = encoded(output, Image.new("RGB", (40, 30), "green"))

    assert (picture.format, picture.size) == (output.name, (40, 30))


@pytest.mark.parametrize("output", [OutputFormat.PNG, OutputFormat.WEBP])
def test_keeps_alpha(output: OutputFormat) -> None:
    picture = encoded(output, Image.new("RGBA", (4, 4), CLEAR))

    assert picture.convert("RGBA").getpixel((0, 0))[3] == 0


def test_jpeg_shows_transparent_parts_as_white() -> None:
    picture = encoded(OutputFormat.JPEG, Image.new("RGBA", (8, 8), CLEAR))

    assert picture.getpixel((0, 0)) == (255, 255, 255)


def test_an_opaque_background_has_no_alpha() -> None:
    picture = encoded(OutputFormat.PNG, Image.new("RGBA", (4, 4), CLEAR), Background.OPAQUE)

    assert (picture.mode, picture.getpixel((0, 0))) == ("RGB", (255, 255, 255))


@pytest.mark.parametrize("output", [OutputFormat.JPEG, OutputFormat.WEBP])
def test_less_quality_is_fewer_bytes(output: OutputFormat) -> None:
    noise = Image.effect_noise((64, 64), 80).convert("RGB")

    rough, fine = (encode(noise, output, Background.AUTO, compression) for compression in (10, 95))

    assert len(rough) < len(fine)
