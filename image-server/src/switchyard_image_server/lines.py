"""Who is served next: one of each lane in turn, and in a lane by order of arrival. Pure."""

from collections import deque
from collections.abc import Iterator
from itertools import zip_longest
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Lines(Generic[Item]):
    """The lane that was served goes to the end; a lane that is empty is forgotten."""

    def __init__(self) -> None:
        self._lanes: dict[str, deque[Item]] = {}  # in the order of their turns

    def __len__(self) -> int:
        return sum(len(lane) for lane in self._lanes.values())

    def __iter__(self) -> Iterator[Item]:
        """In the order in which they will be served, if nobody else comes."""
        nobody = object()
        for turn in zip_longest(*self._lanes.values(), fillvalue=nobody):
            yield from (item for item in turn if item is not nobody)  # type: ignore[misc]

    def add(self, name: str, item: Item) -> None:
        self._lanes.setdefault(name, deque()).append(item)

    def first(self) -> Item | None:
        return next(iter(self), None)

    def take(self) -> Item:
        """The first; whoever asks must know that there is one."""
        name, lane = next(iter(self._lanes.items()))
        del self._lanes[name]
        item = lane.popleft()
        if lane:
            self._lanes[name] = lane
        return item

    def discard(self, item: Item) -> bool:
        """Whether it was there."""
        for name, lane in self._lanes.items():
            if item in lane:
                lane.remove(item)
                if not lane:
                    del self._lanes[name]
                return True
        return False

    def lengths(self) -> dict[str, int]:
        return {name: len(lane) for name, lane in self._lanes.items()}

    def position(self, item: Item) -> int | None:
        return next((place for place, one in enumerate(self) if one is item), None)
