"""TIFF directories: the size of a TIFF picture, and which side is up, as EXIF notes it in other kinds, too."""

import struct
from collections.abc import Mapping

from switchyard_proxy.budget.content import Content

WIDTH, HEIGHT, ORIENTATION = 256, 257, 274
_ON_ITS_SIDE = frozenset({5, 6, 7, 8})
_MOST_ENTRIES = 1000  # a directory has tens
_FORMATS = {1: "B", 3: "H", 4: "I", 16: "Q"}  # TIFF's types of whole numbers


def directory(content: Content, base: int = 0) -> Mapping[int, int]:
    """The whole numbers in the first directory, by tag; empty if there is none. `base`: where TIFF begins."""
    head = content.at(base, 16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 8:
        return {}
    match struct.unpack_from(order + "H", head, 2)[0]:
        case 42:
            return _entries(content, base, order, struct.unpack_from(order + "I", head, 4)[0], "H", 12)
        case 43 if len(head) == 16:  # BigTIFF
            return _entries(content, base, order, struct.unpack_from(order + "Q", head, 8)[0], "Q", 20)
        case _:
            return {}


def _entries(content: Content, base: int, order: str, offset: int, counter: str, size: int) -> dict[int, int]:
    width = struct.calcsize("=" + counter)
    raw = content.at(base + offset, width)
    if len(raw) < width:
        return {}
    count = min(struct.unpack(order + counter, raw)[0], _MOST_ENTRIES)
    block = content.at(base + offset + width, count * size)
    found = {}
    for at in range(0, len(block) - size + 1, size):
        tag, kind = struct.unpack_from(order + "HH", block, at)
        if kind in _FORMATS:
            value_at = at + (8 if size == 12 else 12)
            if struct.calcsize("=" + _FORMATS[kind]) <= at + size - value_at:
                found[tag] = struct.unpack_from(order + _FORMATS[kind], block, value_at)[0]
    return found


def on_its_side(content: Content, base: int) -> bool:
    """Whether width and height must change places before anybody looks."""
    return directory(content, base).get(ORIENTATION) in _ON_ITS_SIDE
