"""How long to wait before one looks again: a moment, and then longer and longer, as looking costs time, too."""

from collections.abc import Iterator

FIRST_S, LAST_S, GROWTH = 0.05, 0.25, 1.2


def pauses() -> Iterator[float]:
    pause = FIRST_S
    while True:
        yield pause
        pause = min(pause * GROWTH, LAST_S)
