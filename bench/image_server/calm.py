"""A machine that others use, too. A round waits, within reason, until they are quiet; none is thrown away."""

import os
import time
from dataclasses import dataclass

import psutil

LOOK_S = 0.1
QUIET_CORES = 0.15  # what others may take of the processor, in cores
PATIENCE_S = 90.0  # of one comparison, all its rounds together


def others_cores() -> float:
    """What runs now, seen for a moment in which no side of a comparison does anything."""
    return psutil.cpu_percent(LOOK_S) / 100 * (os.cpu_count() or 1)


@dataclass(slots=True)
class Calm:
    """`rounds` began in all, `disturbed` of them although others were at work."""

    rounds: int = 0
    disturbed: int = 0
    _left_s: float = PATIENCE_S

    def renew(self) -> None:
        self._left_s = PATIENCE_S

    def wait(self) -> None:
        began = time.monotonic()
        while (busy := others_cores() > QUIET_CORES) and time.monotonic() - began < self._left_s:
            pass
        self._left_s -= time.monotonic() - began
        self.rounds += 1
        self.disturbed += busy
