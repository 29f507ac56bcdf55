"""What is wrong with a catalog, where, and what to do about it. All of it at once, never only the first.

How a place is written: keys joined by dots, list positions in brackets counted from 0. A key that is not made
of ASCII letters, digits, `_`, `-` and `$` alone stands quoted in brackets: `models["qwen2.5"].aliases[0]`.
A fault of the file as a whole has an empty path.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

Place = tuple[str | int, ...]
Found = tuple[Place, str]  # a fault while it is still being placed
PLAIN_KEY = re.compile(r"[A-Za-z0-9_$-]+")
LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to mend: where it is and a sentence that begins with "cannot"."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class CatalogRefused(ValueError):
    """The catalog cannot be used as it stands; `faults` says everything there is to mend."""

    code = "catalog_refused"

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        lines = "".join(f"\n- {fault}" for fault in self.faults)
        super().__init__(f"cannot use the catalog; mend {counted(len(self.faults), 'fault')}:{lines}")


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def path_of(place: Place) -> str:
    """A place in the file as the operator reads it; the module says by which rule."""
    path = ""
    for step in place:
        if isinstance(step, int):
            path += f"[{step}]"
        elif PLAIN_KEY.fullmatch(step):
            path += f".{step}" if path else step
        else:
            path += f"[{quoted(step)}]"
    return path


def quoted(text: str) -> str:
    """Text in double quotes, short, and free of anything a terminal or an encoder could trip over."""
    short = text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"
    return json.dumps(short, ensure_ascii=not short.isprintable())


def shown(value: object) -> str:
    """A value of the file, named so that the operator finds it again."""
    match value:
        case bool() | None:
            return json.dumps(value)
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text {quoted(value)}"
        case list() | tuple():
            return "a list"
        case _:
            return "an object"


def any_of(choices: Iterable[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    *most, last = choices
    return f"{', '.join(most)} or {last}" if most else last
