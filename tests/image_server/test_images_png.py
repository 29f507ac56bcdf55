"""PNGs of our own, read by Pillow: every pixel as it was."""

import io
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from switchyard_image_server.images.png import png

CHANNELS = {"L": 1, "RGB": 3, "RGBA": 4}


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


@settings(max_examples=60)
@given(st.sampled_from(list(CHANNELS)), st.integers(1, 40), st.integers(1, 40), st.data())
def test_every_pixel_comes_back(mode: str, width: int, height: int, data: st.DataObject) -> None:
    count = width * height * CHANNELS[mode]
    image = Image.frombytes(mode, (width, height), data.draw(st.binary(min_size=count, max_size=count)))

    again = opened(png(image))

    assert (again.format, again.mode, again.size) == ("PNG", mode, image.size)
    assert again.tobytes() == image.tobytes()


@pytest.mark.parametrize(("mode", "read_as"), [("P", "RGB"), ("CMYK", "RGB"), ("LA", "RGBA"), ("1", "RGB")])
def test_other_kinds_of_pictures_are_turned_into_one_that_everything_reads(mode: str, read_as: str) -> None:
    image = Image.new(mode, (8, 8))

    assert opened(png(image)).mode == read_as


def test_flat_pictures_are_small() -> None:
    assert len(png(Image.new("RGB", (1024, 1024), "red"))) < 40_000


def test_each_part_has_its_checksum() -> None:
    content = png(Image.new("RGB", (3, 2), "blue"))

    at, kinds = 8, []
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        kind, body = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        assert struct.unpack(">I", content[at + 8 + length : at + 12 + length]) == (zlib.crc32(kind + body),)
        kinds.append(kind)
        at += 12 + length
    assert kinds == [b"IHDR", b"IDAT", b"IEND"]
