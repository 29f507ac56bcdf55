"""How long clients wait, as far as they tell."""

import math
import re

from switchyard_proxy.request import Request

CLIENT_CLOCKS = (b"x-stainless-timeout", b"x-stainless-read-timeout")
OWN_CLOCK = b"x-switchyard-timeout-s"
HASTE = 0.97  # of a client's own clock: our answer must be there before it gives up
NUMBER = re.compile(rb"[0-9]{1,6}(\.[0-9]{1,3})?")


def clock_s(request: Request, *, its_own_clock: bool) -> float:
    """How long its client waits, if it tells. One that hears nothing until the end has a clock of its own."""
    longest_s = math.inf
    given = [OWN_CLOCK, *(CLIENT_CLOCKS if its_own_clock else ())]
    for name in given:
        value = request.header(name)
        if value is not None and NUMBER.fullmatch(value):
            longest_s = min(longest_s, float(value) * HASTE)
    return longest_s
