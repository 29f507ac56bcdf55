"""Where one server-sent event ends and the next begins, so that a broken stream can still be told about.

Bytes pass as they came, in order, none added. An event that has only partly come is held back until the rest
comes; if the engine dies meanwhile, the client gets an error instead of half an event. Parses nothing else.
"""

from switchyard_contracts.errors import ErrorCode, ErrorEnvelope

HOLD_AT_MOST = 1024 * 1024  # a picture may come as one event: from here on it flows as it comes
BLANK_LINES = (b"\n\n", b"\n\r", b"\r\r")  # two line ends, of whichever of the three kinds
DONE = b"data: [DONE]\n\n"


class Events:
    """Cuts a stream of events after its last whole event."""

    def __init__(self) -> None:
        self._held = b""
        self._inside = False

    def whole(self, data: bytes) -> bytes:
        """What may go out now: everything up to the end of the last whole event."""
        if not self._held and data.endswith(b"\n\n"):
            self._inside = False
            return data
        data = self._held + data
        end = _end_of_last_event(data)
        if end == 0 and (self._inside or len(data) > HOLD_AT_MOST):
            self._held, self._inside = b"", bool(data) or self._inside
            return data
        self._held = data[end:]
        self._inside = False
        return data[:end]

    def rest(self) -> bytes:
        """What is held back, for an engine that ended its stream in good order."""
        held, self._held = self._held, b""
        return held

    def break_off(self, message: str) -> bytes:
        """The last bytes of a stream that broke: never a polite end, never inside another event."""
        self._held = b""
        closing = b"\n\n" if self._inside else b""
        error = ErrorEnvelope.of(ErrorCode.STREAM_BROKEN, message).model_dump_json().encode()
        return b"%bdata: %b\n\n%b" % (closing, error, DONE)


def _end_of_last_event(data: bytes) -> int:
    first = max(map(data.rfind, BLANK_LINES))
    if first < 0:
        return 0
    end = first + 2
    return end + 1 if data[first + 1 : end + 1] == b"\r\n" else end
