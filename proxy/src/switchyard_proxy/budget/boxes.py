"""Boxes of the ISO base media format: MP4, MOV, HEIC and AVIF are all made of them. Finding them, no more."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from switchyard_proxy.budget.content import Content

_MOST_BOXES = 2000  # siblings; real files have tens, and fragments of a stream some hundred


@dataclass(frozen=True, slots=True)
class Box:
    """Where a box's content stands."""

    kind: bytes
    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start


def boxes(content: Content, start: int, end: int) -> Iterator[Box]:
    """Those that stand side by side there. Ends early where one makes no sense."""
    for _ in range(_MOST_BOXES):
        head = content.at(start, 16) if start + 8 <= end else b""
        if len(head) < 8:
            return
        size, kind = struct.unpack_from(">I4s", head)
        header = 8
        if size == 1 and len(head) == 16:
            size, header = struct.unpack_from(">Q", head, 8)[0], 16
        elif size == 0:
            size = end - start
        if size < header:
            return
        yield Box(kind, start + header, min(start + size, end))
        start += size


def inside(content: Content, box: Box, *path: bytes, skip: int = 0) -> Box | None:
    """The first box at that path below this one. `skip`: what stands in the box before its first child."""
    found = next((each for each in boxes(content, box.start + skip, box.end) if each.kind == path[0]), None)
    return found if found is None or len(path) == 1 else inside(content, found, *path[1:])


def top(content: Content, kind: bytes) -> Box | None:
    return next((box for box in boxes(content, 0, content.size) if box.kind == kind), None)
