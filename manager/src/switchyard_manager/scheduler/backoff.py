"""How long a failed model rests before it is tried again. Pure."""

FIRST_S = 60.0  # some clients ask again for a minute; all of that must not start an engine twice
LONGEST_S = 300.0
ENVIRONMENT_FIRST_S = 5.0
ENVIRONMENT_LONGEST_S = 60.0


def next_try(failures: int, *, was_proved: bool, lasts: bool = False) -> float:
    """Seconds to wait after the `failures`-th failure in a row; `lasts`: only the operator can mend it.

    An engine that had proved itself and then died is started again at once, the first time: most crashes do
    not repeat. One that never came up waits, so that a client's retries cannot restart it in a loop.
    """
    if lasts:
        return LONGEST_S
    steps = failures - 1 if was_proved else failures
    return _doubled(FIRST_S, LONGEST_S, steps)


def next_try_in_this_environment(troubles: int, *, is_over: bool = False) -> float:
    """The same for what is not the model's fault: a stranger's memory, Docker away. It may pass at any time.

    `is_over`: the next try does not meet it again, unless by chance.
    """
    return _doubled(ENVIRONMENT_FIRST_S, ENVIRONMENT_LONGEST_S, troubles - is_over)


def _doubled(first_s: float, longest_s: float, steps: int) -> float:
    if steps <= 0:
        return 0.0
    return float(min(first_s * 2 ** min(steps - 1, 8), longest_s))
