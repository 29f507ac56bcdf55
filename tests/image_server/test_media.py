"""Pictures from requests: what is opened, what is refused before anything is decoded."""

import base64
import io
import struct
import zlib
from collections.abc import Callable

import pytest
from PIL import Image

from switchyard_image_server import media
from switchyard_image_server.errors import InvalidValue, Refused, TooLarge, Unsupported
from switchyard_image_server.media import check_together, open_picture, read_data_url

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


@pytest.mark.parametrize(
    "head",
    [
        "data:image/png;base64,",
        "data:;base64,",
        "data:image/jpeg;charset=utf-8;base64,",
        "data:image/svg+xml;base64,",
    ],
)
def test_reads_base64_data_urls(head: str) -> None:
    assert read_data_url(head + base64.b64encode(b"pixels").decode(), "x") == b"pixels"


@pytest.mark.parametrize(
    "url", ["https://x.test/a.png", "http://127.0.0.1/", "file:///etc/passwd", "/etc/passwd", "ftp://x"]
)
def test_fetches_nothing_and_opens_no_file(url: str) -> None:
    with pytest.raises(Unsupported, match="images are taken as data URLs only") as refused:
        read_data_url(url, "messages[0].content[1].image_url")

    assert refused.value.param == "messages[0].content[1].image_url"


@pytest.mark.parametrize("url", ["data:image/png,abc", "data:image/png;base64,a", "data:image/png;base64,a b#"])
def test_says_what_is_wrong_with_a_data_url(url: str) -> None:
    with pytest.raises(InvalidValue, match="cannot read the data URL"):
        read_data_url(url, "x")


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


def test_turns_a_picture_upright() -> None:
    lying = Image.new("RGB", (30, 10))
    exif = lying.getexif()
    exif[0x0112] = 6  # rotated by a quarter

    assert open_picture(saved(lying, "JPEG", exif=exif), "x").decode().size == (10, 30)


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
    assert open_picture(png_that_claims(8000, 8000), "x").pixels == media.MAX_PIXELS


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
