"""Pictures from requests: what is opened, what is refused before anything is decoded."""

import io
import struct
import zlib
from collections.abc import Callable

import pytest
from PIL import Image, ImageOps, PngImagePlugin

from switchyard_image_server.errors import InvalidValue, Refused, TooLarge
from switchyard_image_server.media.pictures import MAX_PIXELS, check_together, open_picture

Png = Callable[..., bytes]


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    """A valid header and no pixels: what a decompression bomb looks like before it goes off."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "CMYK", "1", "I;16"])
def test_decodes_every_mode_to_rgb(mode: str) -> None:
    kind = "TIFF" if mode in {"CMYK", "I;16"} else "PNG"

    picture = open_picture(saved(Image.new(mode, (5, 4)), kind), "x").decode()

    assert (picture.mode, picture.size) == ("RGB", (5, 4))


def test_sixteen_bit_grey_is_scaled_not_clipped() -> None:
    grey = Image.new("I;16", (1, 1), 32_768)

    assert open_picture(saved(grey, "PNG"), "x").decode().getpixel((0, 0)) == (127, 127, 127)


def test_transparent_parts_become_white() -> None:
    clear = Image.new("RGBA", (1, 1), (255, 0, 0, 0))

    assert open_picture(saved(clear, "PNG"), "x").decode().getpixel((0, 0)) == (255, 255, 255)


def lying(orientation: int, size: tuple[int, int] = (30, 10)) -> Image.Image:
    """White in the corner that is stored first, black elsewhere."""
    image = Image.new("L", size)
    image.paste(255, (0, 0, 5, 5))
    exif = image.getexif()
    exif[0x0112] = orientation
    image.info["exif"] = exif.tobytes()
    return image


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_turns_a_picture_upright_and_knows_its_size_before(kind: str, orientation: int) -> None:
    image = lying(orientation)
    content = saved(image, kind, exif=image.getexif())
    with Image.open(io.BytesIO(content)) as again:
        expected = ImageOps.exif_transpose(again).convert("RGB")

    picture = open_picture(content, "x")

    assert picture.size == expected.size
    assert picture.decode().tobytes() == expected.tobytes()


def test_the_size_of_a_png_is_known_without_decoding_it(make_png: Png, monkeypatch: pytest.MonkeyPatch) -> None:
    def decoded(_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", decoded)

    assert open_picture(make_png((40, 30)), "x").size == (40, 30)


def test_an_orientation_that_makes_no_sense_is_none() -> None:
    image = lying(77)

    assert open_picture(saved(image, "JPEG", exif=image.getexif()), "x").decode().size == (30, 10)


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n", b"<svg/>"])
def test_refuses_what_is_no_picture(content: bytes) -> None:
    with pytest.raises(InvalidValue, match="cannot read the image"):
        open_picture(content, "x")


def test_refuses_a_picture_that_breaks_off(make_png: Png) -> None:
    picture = open_picture(make_png((100, 100))[:-60], "x")

    with pytest.raises(InvalidValue, match="cannot decode the image"):
        picture.decode()


@pytest.mark.parametrize(("width", "height"), [(8001, 8000), (100_000, 100_000), (2_000_000_000, 1)])
def test_refuses_too_many_pixels_before_decoding(width: int, height: int) -> None:
    with pytest.raises(Refused) as refused:
        open_picture(png_that_claims(width, height), "x")

    assert isinstance(refused.value, TooLarge)


def test_accepts_the_largest_picture_there_may_be() -> None:
    assert open_picture(png_that_claims(8000, 8000), "x").pixels == MAX_PIXELS


@pytest.mark.parametrize(("width", "height"), [(201, 1), (1, 201)])
def test_refuses_a_line(width: int, height: int) -> None:
    with pytest.raises(InvalidValue, match="over 200 times the other"):
        open_picture(png_that_claims(width, height), "x")


def test_refuses_pictures_that_are_too_large_together() -> None:
    pictures = [open_picture(png_that_claims(8000, 8000), f"part {i}") for i in range(3)]

    check_together(pictures[:2])
    with pytest.raises(TooLarge, match="3 images of together over 128 megapixels") as refused:
        check_together(pictures)

    assert refused.value.param == "part 2"
