"""Where one server-sent event ends and the next begins, so that a broken stream can still be told about.

Bytes pass as they came, in order, none added. An event that has only partly come is held back until the rest
comes; if the engine dies meanwhile, the client gets an error instead of half an event. Parses nothing else.
"""

HOLD_AT_MOST = 32 * 1024 * 1024  # a picture may come as one event: from here on it flows as it comes
BLANK_LINES = (b"\n\n", b"\n\r", b"\r\r")  # two line ends, of whichever of the three kinds
SEAM = 3  # a blank line may lie across two pieces


class Events:
    """Cuts a stream of events after its last whole event."""

    __slots__ = ("_held", "is_inside")

    def __init__(self) -> None:
        self._held = bytearray()
        self.is_inside = False  # part of an event has gone out: nothing may be said until its end

    def whole(self, data: bytes) -> bytes:
        """What may go out now: everything up to the end of the last whole event."""
        if not self._held and data.endswith(b"\n\n"):
            self.is_inside = False
            return data
        return self._cut(data)

    def _cut(self, data: bytes) -> bytes:
        seam = bytes(self._held[-SEAM:])
        end = end_of_last_event(seam + data) - len(seam)
        if end <= 0:
            self._held += data
            return self._flow() if self.is_inside or len(self._held) > HOLD_AT_MOST else b""
        out = bytes(self._held) + data[:end] if self._held else data[:end]
        self._held = bytearray(data[end:])
        self.is_inside = False
        return out

    def _flow(self) -> bytes:
        """All but what may be the beginning of the blank line."""
        out = bytes(self._held[:-SEAM])
        del self._held[:-SEAM]
        self.is_inside = self.is_inside or bool(out)
        return out

    def rest(self) -> bytes:
        """What is held back, for an engine that ended its stream in good order."""
        held, self._held = bytes(self._held), bytearray()
        return held

    def close(self) -> bytes:
        """What must be said before anything else can be, if the stream broke here; what was held is dropped."""
        self._held.clear()
        return b"\n\n" if self.is_inside else b""


def end_of_last_event(data: bytes) -> int:
    first = max(map(data.rfind, BLANK_LINES))
    if first < 0:
        return 0
    end = first + 2
    return end + 1 if data[first + 1 : end + 1] == b"\r\n" else end
