"""Size, number of frames and rate of a video, from its container's own tables. Nothing is decoded."""

import struct
from dataclasses import dataclass

from switchyard_proxy.budget.boxes import Box, boxes, inside, top
from switchyard_proxy.budget.content import Content
from switchyard_proxy.budget.matroska import EBML, matroska_facts

_MOST_RUNS = 50_000  # of frames of one length; a steady video has one or two
_QUARTER_TURN = (0, 0)  # the diagonal of the matrix of a picture on its side


@dataclass(frozen=True, slots=True)
class Video:
    """`exact` tells whether the frames were counted, or only reckoned from length and rate."""

    width: int
    height: int
    frames: int
    fps: float
    exact: bool


def video_facts(content: Content) -> Video | None:
    """`None`: a kind that is not known here. Raises `Broken` where the base64 is."""
    head = content.at(0, 12)
    try:
        if head.startswith(EBML):
            found = matroska_facts(content)
            return None if found is None else Video(*found, exact=False)
        if head[4:8] in (b"ftyp", b"moov", b"wide", b"mdat", b"free", b"skip"):
            return _mp4(content)
    except (struct.error, IndexError, OverflowError):
        pass  # it ends too early, or holds numbers that make no sense
    return None


def _mp4(content: Content) -> Video | None:
    movie = top(content, b"moov")
    if movie is None:
        return None
    for box in boxes(content, movie.start, movie.end):
        if box.kind == b"trak" and _is_video(content, box):
            return _track(content, box)
    return None


def _is_video(content: Content, track: Box) -> bool:
    handler = inside(content, track, b"mdia", b"hdlr")
    return handler is not None and content.at(handler.start + 8, 4) == b"vide"


def _track(content: Content, track: Box) -> Video | None:
    size = _size(content, track)
    frames = _frames(content, track)
    seconds = _seconds(content, track)
    if size is None or frames <= 0 or seconds <= 0:
        return None  # in fragments, perhaps: their frames are counted nowhere
    return Video(*size, frames, frames / seconds, exact=True)


def _size(content: Content, track: Box) -> tuple[int, int] | None:
    entries = inside(content, track, b"mdia", b"minf", b"stbl", b"stsd")
    entry = next(boxes(content, entries.start + 8, entries.end), None) if entries else None
    if entry is None:
        return None
    width, height = struct.unpack_from(">HH", content.at(entry.start, 28), 24)
    if not width or not height:
        return None
    return (height, width) if _on_its_side(content, track) else (width, height)


def _on_its_side(content: Content, track: Box) -> bool:
    header = inside(content, track, b"tkhd")
    if header is None:
        return False
    at = 52 if content.at(header.start, 1) == b"\x01" else 40
    matrix = struct.unpack(">9i", content.at(header.start + at, 36))
    return (matrix[0], matrix[4]) == _QUARTER_TURN and matrix[1] != 0


def _frames(content: Content, track: Box) -> int:
    """Each frame is one sample, and the table of their sizes begins with their number."""
    for kind in (b"stsz", b"stz2"):
        table = inside(content, track, b"mdia", b"minf", b"stbl", kind)
        if table is not None:
            return int(struct.unpack_from(">I", content.at(table.start, 12), 8)[0])
    return 0


def _seconds(content: Content, track: Box) -> float:
    header = inside(content, track, b"mdia", b"mdhd")
    if header is None:
        return 0.0
    raw = content.at(header.start, 32)
    scale, ticks = struct.unpack_from(">IQ", raw, 20) if raw[0] == 1 else struct.unpack_from(">II", raw, 12)
    if not scale:
        return 0.0
    return float((_ticks(content, track) or ticks) / scale)


def _ticks(content: Content, track: Box) -> int:
    """How long the frames last together. The header's own word may be another, or a wish."""
    table = inside(content, track, b"mdia", b"minf", b"stbl", b"stts")
    if table is None:
        return 0
    (runs,) = struct.unpack_from(">I", content.at(table.start, 8), 4)
    if runs > _MOST_RUNS:
        return 0
    block = content.at(table.start + 8, min(runs * 8, table.end - table.start - 8))
    return sum(count * length for count, length in struct.iter_unpack(">II", block[: len(block) // 8 * 8]))
