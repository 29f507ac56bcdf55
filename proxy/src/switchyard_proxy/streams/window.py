"""Which part of a growing log is kept. Pure bookkeeping, in segments, so that it costs next to nothing."""

from collections import deque

from switchyard_proxy.streams.stream import Stream

SEGMENT = 64 * 1024


class Window:
    """Knows the size of what is kept; whole segments go from the front."""

    def __init__(self) -> None:
        self.first = 1
        self.last = 0
        self.size = 0
        self._segments: deque[list[int]] = deque()  # number of the last event, bytes

    @classmethod
    def at(cls, stream: Stream) -> "Window":
        """As another process left it: what is there counts as one segment."""
        window = cls()
        window.first, window.last, window.size = stream.first, stream.last, stream.size
        if stream.last >= stream.first:
            window._segments.append([stream.last, stream.size])
        return window

    def add(self, size: int) -> None:
        self.last += 1
        self.size += size
        if self._segments and self._segments[-1][1] < SEGMENT:
            self._segments[-1][0] = self.last
            self._segments[-1][1] += size
        else:
            self._segments.append([self.last, size])

    def trim(self, limit: int, taken: int) -> bool:
        """Drop from the front what every listener has taken, until the limit holds; whether it does.

        The last segment stays, for it is still being filled.
        """
        while self.size > limit and len(self._segments) > 1 and self._segments[0][0] <= taken:
            last, size = self._segments.popleft()
            self.first = last + 1
            self.size -= size
        return self.size <= limit or (len(self._segments) == 1 and taken >= self.last)
