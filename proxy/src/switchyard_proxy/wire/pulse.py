"""Who has been silent for too long: one clock for all replies, so that a reply that flows pays nothing for it.

A reply that moves only sets a flag. The clock looks at every reply some ten times per heartbeat and wakes
those that are due; what is said then, and whether, is `answer`'s. Beats thus come from a clock, whatever the
engine does, and are written by the reply's own task, between events, never by this one.
"""

import asyncio
from collections.abc import Callable

LOOKS_PER_BEAT = 10
SHORTEST_STEP_S = 0.01
LONGEST_STEP_S = 0.5


class Pulse:
    """Of one reply. `every_s` may change as it goes on; `wake` is set while there is somebody to wake."""

    __slots__ = ("every_s", "moved", "since", "wake")

    def __init__(self, since: float, every_s: float) -> None:
        self.since = since
        self.every_s = every_s
        self.moved = False
        self.wake: Callable[[], None] | None = None

    def is_due(self, now: float) -> bool:
        return now - self.since >= self.every_s

    def left_s(self, now: float) -> float:
        return max(self.since + self.every_s - now, 0.0)

    def felt(self, now: float) -> None:
        self.since, self.moved = now, False


class Pulses:
    """All of them, and the clock."""

    def __init__(self, shortest_beat_s: float) -> None:
        self._step_s = min(max(shortest_beat_s / LOOKS_PER_BEAT, SHORTEST_STEP_S), LONGEST_STEP_S)
        self._pulses: set[Pulse] = set()

    def __len__(self) -> int:
        return len(self._pulses)

    def add(self, pulse: Pulse) -> None:
        self._pulses.add(pulse)

    def discard(self, pulse: Pulse) -> None:
        self._pulses.discard(pulse)

    async def run(self) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._step_s)
            self.look(loop.time())

    def look(self, now: float) -> None:
        for pulse in tuple(self._pulses):
            if pulse.moved:
                pulse.felt(now)
            elif pulse.wake is not None and pulse.is_due(now):
                pulse.wake()
