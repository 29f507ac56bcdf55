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
    return Image.open(io.BytesIO(encode(image, output, background, compression).content))


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

    sizes = [len(encode(noise, output, compression=quality).content) for quality in (0, 10, 95, 100)]

    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 4


def test_png_loses_nothing() -> None:
    noise = Image.effect_noise((64, 64), 80).convert("RGB")

    assert encoded(OutputFormat.PNG, noise).tobytes() == noise.tobytes()


def test_says_what_it_made() -> None:
    made = encode(Image.new("RGB", (40, 30)), OutputFormat.WEBP)

    assert (made.media_type, made.size) == ("image/webp", "40x30")
    assert base64.b64decode(made.base64) == made.content


@pytest.mark.parametrize(
    ("image", "output", "background", "transparent"),
    [
        (Image.new("RGBA", (4, 4), CLEAR), OutputFormat.PNG, Background.AUTO, True),
        (Image.new("RGBA", (4, 4), (255, 0, 0, 255)), OutputFormat.PNG, Background.AUTO, False),
        (Image.new("RGBA", (4, 4), CLEAR), OutputFormat.PNG, Background.OPAQUE, False),
        (Image.new("RGBA", (4, 4), CLEAR), OutputFormat.JPEG, Background.AUTO, False),
        (Image.new("RGB", (4, 4)), OutputFormat.PNG, Background.AUTO, False),
    ],
)
def test_tells_whether_there_is_something_to_look_through(
    image: Image.Image, output: OutputFormat, background: Background, transparent: bool
) -> None:
    assert encode(image, output, background).transparent is transparent
