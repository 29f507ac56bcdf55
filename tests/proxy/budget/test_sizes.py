"""Sizes from the heads of files are those that Pillow finds, with the picture upright."""

import io
import random
import struct

import hypothesis.strategies as st
import pytest
from hypothesis import given
from PIL import Image, ImageOps, features

from switchyard_proxy.budget.sizes import picture_size
from tests.proxy.budget.files import behind, box, picture

KINDS = ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"]
WITH_EXIF = ["PNG", "JPEG", "WEBP", "TIFF"]
if features.check("avif"):
    KINDS.append("AVIF")


def upright(content: bytes) -> tuple[int, int]:
    return ImageOps.exif_transpose(Image.open(io.BytesIO(content))).size


@pytest.mark.parametrize("kind", KINDS)
def test_agrees_with_pillow_on_many_sizes(kind: str) -> None:
    chance = random.Random(kind)
    for _ in range(12):
        size = chance.randint(1, 700), chance.randint(1, 700)

        assert picture_size(behind(picture(kind, size))) == size


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("kind", [*WITH_EXIF, *(["AVIF"] if "AVIF" in KINDS else [])])
def test_agrees_with_pillow_on_which_side_is_up(kind: str, turn: int) -> None:
    content = picture(kind, (64, 48), turn=turn)

    assert picture_size(behind(content)) == upright(content)
    assert picture_size(behind(content)) == ((48, 64) if turn >= 5 else (64, 48))


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("JPEG", "RGB", {"progressive": True}),
        ("JPEG", "L", {}),
        ("JPEG", "CMYK", {}),
        ("JPEG", "RGB", {"icc_profile": b"p" * 200_000, "comment": b"c" * 60_000}),
        ("PNG", "RGBA", {"icc_profile": b"p" * 200_000}),
        ("PNG", "P", {}),
        ("WEBP", "RGB", {"lossless": True}),
        ("WEBP", "RGBA", {}),
        ("WEBP", "RGBA", {"lossless": True}),
        ("TIFF", "RGB", {"compression": "tiff_lzw"}),
        ("TIFF", "RGB", {"big_tiff": True}),
        ("GIF", "P", {"save_all": True, "append_images": [Image.new("P", (33, 22))]}),
        ("WEBP", "RGB", {"save_all": True, "append_images": [Image.new("RGB", (33, 22), "red")]}),
    ],
)
def test_knows_the_varieties_of_a_kind(kind: str, mode: str, options: dict[str, object]) -> None:
    assert picture_size(behind(picture(kind, (33, 22), mode=mode, **options))) == (33, 22)


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (b"GIF89a" + struct.pack("<HH", 40_000, 50_000) + bytes(20), (40_000, 50_000)),
        (b"BM" + bytes(12) + struct.pack("<IHH", 12, 300, 200) + bytes(20), (300, 200)),
        (b"BM" + bytes(12) + struct.pack("<Iii", 40, 300, -200) + bytes(20), (300, 200)),
        (
            b"RIFF\0\0\0\0WEBPVP8 " + bytes(10) + struct.pack("<HH", 0x4000 | 300, 0xC000 | 200) + bytes(9),
            (300, 200),
        ),
        (
            b"MM\x00*"
            + struct.pack(">IH", 8, 2)
            + struct.pack(">HHIHxxHHIHxx", 256, 3, 1, 300, 257, 3, 1, 200),
            (300, 200),
        ),
    ],
)
def test_knows_what_pillow_does_not_write(content: bytes, size: tuple[int, int]) -> None:
    assert picture_size(behind(content)) == size


@pytest.mark.parametrize("prefix", [b"", b"Exif\x00\x00"])
def test_finds_exif_behind_the_other_chunks_of_a_webp(prefix: bytes) -> None:
    turned = b"MM\x00*" + struct.pack(">IH", 8, 1) + struct.pack(">HHIHxx", 274, 3, 1, 6)
    extended = b"VP8X" + struct.pack("<IIHBHB", 10, 0, 299, 0, 199, 0)
    odd = b"ICCP" + struct.pack("<I", 3) + b"odd\x00"
    exif = b"EXIF" + struct.pack("<I", len(prefix + turned)) + prefix + turned

    assert picture_size(behind(b"RIFF\0\0\0\0WEBP" + extended + odd + exif)) == (200, 300)


def heic(*properties: bytes, places: bytes = b"\x02\x83", version: int = 0) -> bytes:
    """The primary picture is item 2, and item 1 is its thumbnail, with the first property."""
    wide = version > 0
    item = ">I" if wide else ">H"
    table = struct.pack(">B3xI", version, 2)
    table += struct.pack(item, 1) + b"\x01\x01" + struct.pack(item, 2) + bytes([len(places)]) + places
    return box(b"ftyp", b"heic") + box(
        b"meta",
        bytes(4),
        box(b"pitm", bytes([version, 0, 0, 0]), struct.pack(item, 2)),
        box(b"iprp", box(b"ipco", *properties), box(b"ipma", table)),
    )


def ispe(width: int, height: int) -> bytes:
    return box(b"ispe", struct.pack(">III", 0, width, height))


@pytest.mark.parametrize("version", [0, 1])
def test_takes_the_primary_picture_of_a_heic_and_not_its_thumbnail(version: int) -> None:
    for turns, size in ((0, (4032, 3024)), (1, (3024, 4032)), (2, (4032, 3024)), (3, (3024, 4032))):
        content = heic(ispe(320, 240), ispe(4032, 3024), box(b"irot", bytes([turns])), version=version)

        assert picture_size(behind(content)) == size


@pytest.mark.parametrize(
    "content", [b"%PDF-1.7", b"<svg width='1'>", b"\0\0\1\0", b"x", heic(ispe(1, 1), places=b"\x09")]
)
def test_passes_over_what_it_does_not_know(content: bytes) -> None:
    assert picture_size(behind(content)) is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_head_that_ends_too_early_is_unknown_and_no_fault(kind: str) -> None:
    content = picture(kind, (64, 48), turn=6) if kind in WITH_EXIF else picture(kind, (64, 48))
    for end in range(1, min(len(content), 400)):
        assert picture_size(behind(content[:end])) in (None, (64, 48), (48, 64))


@given(kind=st.sampled_from(KINDS), data=st.data())
def test_whatever_a_head_holds_is_no_fault_of_ours(kind: str, data: st.DataObject) -> None:
    content = bytearray(SAMPLES[kind])
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, min(len(content), 300) - 1))] = data.draw(st.integers(0, 255))

    picture_size(behind(bytes(content)))


def test_a_picture_of_nothing_but_headers_does_not_keep_us() -> None:
    looks = 0
    content = behind(b"\xff\xd8" + b"\xff\xe0\x00\x02" * 1_000_000)
    at = content.at

    def counted(offset: int, size: int) -> bytes:
        nonlocal looks
        looks += 1
        return at(offset, size)

    content.at = counted  # type: ignore[method-assign]

    assert picture_size(content) is None
    assert looks < 1000


SAMPLES = {
    kind: picture(kind, (64, 48), turn=6) if kind in WITH_EXIF else picture(kind, (64, 48)) for kind in KINDS
}
