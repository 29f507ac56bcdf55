"""Width and height of a picture, from the head of its file, never from its pixels. Upright, as EXIF says.

`None` means that the file is of a kind not known here; whether an engine knows it is the engine's affair.
"""

import struct

from switchyard_proxy.budget.content import Content
from switchyard_proxy.budget.exif import HEIGHT, WIDTH, directory, on_its_side
from switchyard_proxy.budget.heif import heif_size

Size = tuple[int, int]

_HEAD = 32
_MOST_SEGMENTS = 300  # real files have tens
_EXIF = b"Exif\x00\x00"
_NO_FRAME = frozenset({0xC4, 0xC8, 0xCC})  # tables, in the middle of the range of frame headers
_NO_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_END_OF_HEADERS = frozenset({0xD9, 0xDA})
_OS2_HEADER = 12


def picture_size(content: Content) -> Size | None:
    """Raises `Broken` where the base64 is."""
    head = content.at(0, _HEAD)
    try:
        return _size(content, head)
    except (struct.error, IndexError):
        return None  # it ends too early


def _size(content: Content, head: bytes) -> Size | None:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _turned(content, struct.unpack_from(">II", head, 16), _exif_in_png(content))
    if head.startswith(b"\xff\xd8"):
        return _jpeg(content)
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _webp(content, head)
    if head.startswith((b"GIF87a", b"GIF89a")):
        return struct.unpack_from("<HH", head, 6)
    if head.startswith(b"BM"):
        return _bmp(head)
    if head.startswith((b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")):
        return _tiff(content)
    if head[4:8] == b"ftyp":
        return heif_size(content)
    return None


def _turned(content: Content, size: Size, exif: int | None) -> Size:
    return size[::-1] if exif is not None and on_its_side(content, exif) else size


def _bmp(head: bytes) -> Size:
    if struct.unpack_from("<I", head, 14)[0] == _OS2_HEADER:
        return struct.unpack_from("<HH", head, 18)
    width, height = struct.unpack_from("<ii", head, 18)
    return abs(width), abs(height)  # a negative height means that it stands on its head


def _tiff(content: Content) -> Size | None:
    found = directory(content)
    if WIDTH not in found or HEIGHT not in found:
        return None
    return _turned(content, (found[WIDTH], found[HEIGHT]), 0)


def _jpeg(content: Content) -> Size | None:
    at, exif = 2, None
    for _ in range(_MOST_SEGMENTS):
        head = content.at(at, 16)
        if head[0] != 0xFF:
            return None
        marker = head[1]
        if marker == 0xFF or marker in _NO_LENGTH:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in _END_OF_HEADERS:
            return None
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME:
            height, width = struct.unpack_from(">HH", head, 5)
            return _turned(content, (width, height), exif)
        if marker == 0xE1 and exif is None and head[4:10] == _EXIF:
            exif = at + 10
        at += 2 + int(struct.unpack_from(">H", head, 2)[0])
    return None


def _webp(content: Content, head: bytes) -> Size | None:
    match head[12:16]:
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", head, 26)
            return width & 0x3FFF, height & 0x3FFF  # the two bits above say how to scale
        case b"VP8L":
            (bits,) = struct.unpack_from("<I", head, 21)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            low, width_high, height_low, high = struct.unpack_from("<HBBH", head, 24)
            width, height = (low | width_high << 16) + 1, (height_low | high << 8) + 1
            exif = _chunk(content, b"EXIF", 12, "<", tail=0)
            if exif is not None and content.at(exif, 6) == _EXIF:
                exif += 6
            return _turned(content, (width, height), exif)
        case _:
            return None


def _exif_in_png(content: Content) -> int | None:
    return _chunk(content, b"eXIf", 8, ">", tail=4)


def _chunk(content: Content, wanted: bytes, at: int, order: str, *, tail: int) -> int | None:
    """Where a chunk's content begins. PNG ends a chunk with a checksum, WebP evens it out."""
    for _ in range(_MOST_SEGMENTS):
        head = content.at(at, 8)
        if len(head) < 8:
            return None
        if tail:
            size, kind = struct.unpack(order + "I4s", head)
        else:
            kind, size = struct.unpack(order + "4sI", head)
            size += size & 1
        if kind == wanted:
            return at + 8
        if kind == b"IDAT":
            return None  # what stands behind the pixels is not read by those who show them either
        at += 8 + int(size) + tail
    return None
