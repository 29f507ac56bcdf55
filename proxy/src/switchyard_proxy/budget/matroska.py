"""WebM and Matroska: size, length and rate. How many frames there are, they do not say: that is reckoned."""

import struct
from collections.abc import Iterator

from switchyard_proxy.budget.content import Content

EBML = b"\x1a\x45\xdf\xa3"
_SEGMENT, _INFO, _TRACKS, _CLUSTER = 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675
_SCALE, _DURATION = 0x2AD7B1, 0x4489
_TRACK, _KIND, _EVERY_NS, _VIDEO, _WIDTH, _HEIGHT = 0xAE, 0x83, 0x23E383, 0xE0, 0xB0, 0xBA
_IS_VIDEO = 1
_MOST_ELEMENTS = 1000
_USUAL_FPS = 24.0  # what the processors take, too, where a video does not say

Element = tuple[int, int, int]  # id, and where its content begins and ends


def matroska_facts(content: Content) -> tuple[int, int, int, float] | None:
    """Width, height, frames (about) and frames a second."""
    segment = next((each for each in _elements(content, 0, content.size) if each[0] == _SEGMENT), None)
    if segment is None:
        return None
    scale, length, size, fps = 1_000_000, 0.0, None, _USUAL_FPS
    for kind, start, end in _elements(content, *segment[1:]):
        if kind == _CLUSTER:
            break  # here the frames begin
        if kind == _INFO:
            scale, length = _info(content, start, end)
        elif kind == _TRACKS:
            size, fps = _video_track(content, start, end)
    if size is None or length <= 0:
        return None
    return *size, max(1, round(length * scale / 1e9 * fps)), fps


def _info(content: Content, start: int, end: int) -> tuple[int, float]:
    scale, length = 1_000_000, 0.0
    for kind, at, to in _elements(content, start, end):
        raw = content.at(at, min(to - at, 8))
        if kind == _SCALE:
            scale = int.from_bytes(raw)
        elif kind == _DURATION:
            (length,) = struct.unpack(">f" if len(raw) == 4 else ">d", raw)
    return scale, length


def _video_track(content: Content, start: int, end: int) -> tuple[tuple[int, int] | None, float]:
    for kind, at, to in _elements(content, start, end):
        if kind != _TRACK:
            continue
        inside = {each[0]: each for each in _elements(content, at, to)}
        if _number(content, inside.get(_KIND)) != _IS_VIDEO or _VIDEO not in inside:
            continue
        video = {each[0]: each for each in _elements(content, *inside[_VIDEO][1:])}
        width, height = _number(content, video.get(_WIDTH)), _number(content, video.get(_HEIGHT))
        every_ns = _number(content, inside.get(_EVERY_NS))
        size = (width, height) if width and height else None
        return size, 1e9 / every_ns if every_ns else _USUAL_FPS
    return None, _USUAL_FPS


def _number(content: Content, element: Element | None) -> int:
    if element is None:
        return 0
    return int.from_bytes(content.at(element[1], min(element[2] - element[1], 8)))


def _elements(content: Content, start: int, end: int) -> Iterator[Element]:
    for _ in range(_MOST_ELEMENTS):
        head = content.at(start, 12) if start < end else b""
        if not head or not head[0]:
            return
        id_bytes = 9 - head[0].bit_length()
        size_at = head[id_bytes] if id_bytes <= 4 and len(head) > id_bytes else 0
        if not size_at:
            return
        size_bytes = 9 - size_at.bit_length()
        raw = int.from_bytes(head[id_bytes : id_bytes + size_bytes])
        size = raw & ((1 << 7 * size_bytes) - 1)
        begins = start + id_bytes + size_bytes
        unknown = size == (1 << 7 * size_bytes) - 1  # a live recording: it goes on to the end
        ends = end if unknown else min(begins + size, end)
        yield int.from_bytes(head[:id_bytes]), begins, ends
        start = ends
