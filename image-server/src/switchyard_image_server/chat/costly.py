"""Tell schemas that would take very long to compile, before it is tried: a compilation cannot be stopped. Pure.

The compiler bounds everything but these two, as was measured: `multipleOf`, whose automaton has as many states
as the product of the values that may come together, and `allOf` around patterns, which must all be met at once.
"""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

MAX_PRODUCT = 100_000
MAX_PATTERNS = 4


def too_costly(schema: Any) -> str | None:
    """Why, in the words of an error; `None` if it can be tried."""
    product = 1
    patterns = together = 0
    for key, value in set(_members(schema)):
        if key == "multipleOf":
            product *= _states(value)
        patterns += key == "pattern"
        together += key == "allOf"
        if product > MAX_PRODUCT:
            return f"the values of multipleOf multiply to over {MAX_PRODUCT}"
    if together and patterns > MAX_PATTERNS:
        return f"it has allOf and {patterns} patterns, and {MAX_PATTERNS} are the most beside allOf"
    return None


def _members(schema: Any) -> Iterator[tuple[str, str]]:
    """The keywords that matter with their values, at any depth."""
    ahead = [schema]
    while ahead:
        node = ahead.pop()
        if isinstance(node, dict):
            for key, value in node.items():
                if key in {"multipleOf", "pattern"} and not isinstance(value, dict):
                    yield key, str(value)
                elif key == "allOf":
                    yield key, ""
            ahead += node.values()
        elif isinstance(node, list):
            ahead += node


def _states(value: str) -> int:
    """Powers of ten cost nothing: 0.01 and 100 are about where the digits stand."""
    try:
        digits = Decimal(value).normalize().as_tuple().digits
    except InvalidOperation:
        return 1  # refused later, for what it is
    return max(1, int("".join(map(str, digits[:9]))))
