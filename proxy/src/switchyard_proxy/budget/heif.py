"""AVIF and HEIC: the size of the primary picture, from its properties, not from whatever box comes first."""

import struct

from switchyard_proxy.budget.boxes import Box, boxes, inside, top
from switchyard_proxy.budget.content import Content

_FULL = 4  # version and flags, in front of the content of many boxes
_MOST = 64 * 1024  # bytes of any one table; real ones are tiny


def heif_size(content: Content) -> tuple[int, int] | None:
    """Upright: quarter turns are applied."""
    meta = top(content, b"meta")
    if meta is None:
        return None
    primary = _primary(content, inside(content, meta, b"pitm", skip=_FULL))
    properties = inside(content, meta, b"iprp", skip=_FULL)
    shelf = inside(content, properties, b"ipco") if properties else None
    used = inside(content, properties, b"ipma") if properties else None
    if primary is None or shelf is None or used is None:
        return None
    all_of_them = list(boxes(content, shelf.start, shelf.end))
    its_own = [all_of_them[at - 1] for at in _used_by(content, used, primary) if 0 < at <= len(all_of_them)]
    return _size(content, its_own)


def _primary(content: Content, box: Box | None) -> int | None:
    raw = content.at(box.start, 8) if box else b""
    if len(raw) < 6:
        return None
    long = raw[0] > 0 and len(raw) == 8
    return int(struct.unpack_from(">I" if long else ">H", raw, _FULL)[0])


def _used_by(content: Content, box: Box, item: int) -> list[int]:
    """The properties of an item, as places on the shelf, counted from one."""
    raw = content.at(box.start, min(box.size, _MOST))
    try:
        version, wide = raw[0], raw[3] & 1
        (entries,) = struct.unpack_from(">I", raw, _FULL)
        at = _FULL + 4
        for _ in range(min(entries, _MOST)):
            (its_id,) = struct.unpack_from(">I" if version else ">H", raw, at)
            at += 4 if version else 2
            count = raw[at]
            places = struct.unpack_from(f">{count}{'H' if wide else 'B'}", raw, at + 1)
            if its_id == item:
                return [place & (0x7FFF if wide else 0x7F) for place in places]
            at += 1 + count * (2 if wide else 1)
    except (struct.error, IndexError):
        return []
    return []


def _size(content: Content, properties: list[Box]) -> tuple[int, int] | None:
    found: tuple[int, int] | None = None
    for box in properties:  # in order: turns come after the size
        raw = content.at(box.start, 12)
        if box.kind == b"ispe" and len(raw) == 12:
            found = struct.unpack_from(">II", raw, _FULL)
        elif box.kind == b"irot" and found and raw and raw[0] & 1:
            found = found[1], found[0]
    return found
