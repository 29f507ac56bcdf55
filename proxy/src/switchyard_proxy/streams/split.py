"""Cut a reply into single events. Bytes pass as they came: joined again, the events are the reply."""

import re

_END = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")  # two line ends, each of one of the three kinds
_LONGEST_END = 4


class Splitter:
    """Holds back an event until its end has come."""

    def __init__(self) -> None:
        self._held = bytearray()

    @property
    def held(self) -> int:
        """How many bytes wait for the end of their event."""
        return len(self._held)

    def events(self, data: bytes) -> list[bytes]:
        """The events that are whole now."""
        if not self._held and data.find(b"\n\n") == len(data) - 2 >= 0 and b"\r" not in data:
            return [data]
        # An end may lie across the seam.
        seam = max(len(self._held) - _LONGEST_END + 1, 0)
        self._held += data
        events, start = [], 0
        for end in _END.finditer(self._held, seam):
            events.append(bytes(self._held[start : end.end()]))
            start = end.end()
        if start:
            self._held = self._held[start:]
        return events

    def rest(self) -> list[bytes]:
        """What never became whole, for a reply that ended in good order."""
        held, self._held = bytes(self._held), bytearray()
        return [held] if held else []
