"""How many tokens a prompt has, and which part of it they come from. Values only."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"


class ItemKind(StrEnum):
    IMAGE = "image"
    VIDEO = "video"
    TEXT = "text"  # everything that is neither: words, the template's marks, tools


@dataclass(frozen=True, slots=True)
class CountedItem:
    """One picture or video, in the order of the prompt, or all of its text. `frames` is of videos."""

    kind: ItemKind
    tokens: int
    param: str | None = None
    label: str | None = None
    width: int | None = None
    height: int | None = None
    frames: int | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """`total` is the sum of the items; an answer must fit into what `context` leaves."""

    items: tuple[CountedItem, ...]
    context: int

    @property
    def total(self) -> int:
        return sum(item.tokens for item in self.items)
