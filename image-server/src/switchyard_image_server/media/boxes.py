"""Which way up an MP4 or MOV is to be shown: the one thing about videos that PyAV does not tell before it
decodes. Nothing else is read here.
"""

import struct
from collections.abc import Iterator

_MOST_BOXES = 2000  # siblings; real files have tens
_ONE = 0x10000
_TURNS = {(_ONE, 0): 0, (0, _ONE): 1, (-_ONE, 0): 2, (0, -_ONE): 3}


def quarter_turns(content: bytes) -> int:
    """Clockwise, for the first video track; 0 where the file says nothing that is understood."""
    try:
        return _turns(memoryview(content))
    except (struct.error, IndexError):
        return 0


def _turns(content: memoryview) -> int:
    for movie in _boxes(content, b"moov"):
        for track in _boxes(movie, b"trak"):
            if _is_video(track):
                header = next(_boxes(track, b"tkhd"), None)
                return 0 if header is None else _TURNS.get(_first_row(header), 0)
    return 0


def _is_video(track: memoryview) -> bool:
    handlers = (handler for media in _boxes(track, b"mdia") for handler in _boxes(media, b"hdlr"))
    return any(bytes(handler[8:12]) == b"vide" for handler in handlers)


def _first_row(header: memoryview) -> tuple[int, int]:
    at = 52 if header[0] == 1 else 40  # version 1 has longer times
    across, down = struct.unpack_from(">2i", header, at)
    return across, down


def _boxes(content: memoryview, wanted: bytes) -> Iterator[memoryview]:
    """The contents of those of one kind that stand side by side there. Ends early where one makes no sense."""
    start = 0
    for _ in range(_MOST_BOXES):
        if start + 8 > len(content):
            return
        size, kind = struct.unpack_from(">I4s", content, start)
        header = 8
        if size == 1:
            (size,), header = struct.unpack_from(">Q", content, start + 8), 16
        elif size == 0:
            size = len(content) - start
        if size < header:
            return
        if kind == wanted:
            yield content[start + header : start + size]
        start += size
