"""How long a failed model rests before it is tried again. Pure."""

FIRST_S = 10.0
LONGEST_S = 300.0


def next_try(failures: int, *, was_proved: bool) -> float:
    """Seconds to wait after the `failures`-th failure in a row.

    An engine that had proved itself and then died is started again at once, the first time: most crashes do
    not repeat. One that never came up waits, so that a client's retries cannot restart it in a loop.
    """
    steps = failures - 1 if was_proved else failures
    if steps <= 0:
        return 0.0
    return float(min(FIRST_S * 2 ** min(steps - 1, 8), LONGEST_S))
