"""Single events of a stream, and how one is written. Knows where events end, and nothing of what they say."""

import json
import re
from collections.abc import Mapping
from typing import Any

COMMENT = b": keepalive\n\n"  # never `: ping`, which one client takes for the end
DONE = b"data: [DONE]\n\n"

# Two line ends, of whichever of the three kinds; atomic, or `\r\n` would pass for two.
BOUNDARY = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
LONGEST_BOUNDARY = 4
DATA_LINE = re.compile(rb"^data(?:: ?(.*))?$", re.MULTILINE)


def dumps(value: object) -> bytes:
    """On one line, in ASCII: some clients take U+2028 for the end of a line."""
    return json.dumps(value, separators=(",", ":")).encode()


def frame(data: object, event: str | None = None) -> bytes:
    named = b"" if event is None else b"event: %b\n" % event.encode()
    return b"%bdata: %b\n\n" % (named, dumps(data))


def cut(events: bytes) -> list[bytes]:
    """One by one, each with its blank line; the last may lack its own."""
    pieces, at = [], 0
    for found in BOUNDARY.finditer(events):
        pieces.append(events[at : found.end()])
        at = found.end()
    if at < len(events):
        pieces.append(events[at:])
    return pieces


def payload(event: bytes) -> bytes:
    """Its data, as a reader by the standard joins it."""
    text = event.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return b"\n".join(DATA_LINE.findall(text))


def document(event: bytes) -> Mapping[str, Any]:
    """Its data where that is a JSON object, else nothing."""
    try:
        read = json.loads(payload(event))
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


class Splitter:
    """Cuts what comes as whole events into single ones.

    An event too large to be held comes in pieces: `split` tells what only continues one from what begins anew.
    """

    __slots__ = ("_tail", "inside")

    def __init__(self) -> None:
        self.inside = False
        self._tail = b""

    def split(self, events: bytes) -> tuple[bytes, list[bytes]]:
        rest_of_open = b""
        if self.inside:
            seen = self._tail + events
            end = BOUNDARY.search(seen)
            if end is None:
                self._tail = seen[-LONGEST_BOUNDARY:]
                return events, []
            at = end.end() - len(self._tail)
            rest_of_open, events = events[:at], events[at:]
        pieces = cut(events)
        self.inside = bool(pieces) and BOUNDARY.search(pieces[-1]) is None
        self._tail = pieces[-1][-LONGEST_BOUNDARY:] if self.inside else b""
        return rest_of_open, pieces
