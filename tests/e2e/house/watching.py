"""Who holds the card at the same time: by what the manager did, and by what Docker and the engines say."""

import contextlib
import threading
from types import TracebackType
from typing import Self

import httpx
from docker.errors import NotFound

from tests.e2e.house.stack import House

OFF_THE_CARD = {"stopped", "failed", "asleep"}


def most_at_once(house: House, after: int, at_first: dict[str, str]) -> int:
    """Models of the card that were not off it at the same moment since: by each move of each one, in order."""
    cards = {model["name"] for model in house.status()["models"] if house.entries[model["name"]]["gpus"]}
    phases = {name: phase for name, phase in at_first.items() if name in cards}
    counts = [sum(phase not in OFF_THE_CARD for phase in phases.values())]
    for event in house.happened(after, "phase"):
        if event["model"] in cards:
            phases[event["model"]] = event["data"]["after"]
            counts.append(sum(phase not in OFF_THE_CARD for phase in phases.values()))
    return max(counts)


class Watch:
    """It looks again and again, beside the test, at which engines run and do not say that they sleep."""

    def __init__(self, house: House, models: tuple[str, ...]) -> None:
        self._house = house
        self._models = models
        self._seen: list[frozenset[str]] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look_on)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    def most_awake(self) -> int:
        self._end.set()
        self._thread.join()
        self._look()
        assert len(self._seen) > 3, "it has hardly looked"
        return max(map(len, self._seen))

    def _look_on(self) -> None:
        while not self._end.wait(0.05):
            self._look()

    def _look(self) -> None:
        # Who is awake in both looks was awake between them, and so were all of those together.
        self._seen.append(self._awake(self._models) & self._awake(self._models[::-1]))

    def _awake(self, models: tuple[str, ...]) -> frozenset[str]:
        return frozenset(model for model in models if self._is_awake(model))

    def _is_awake(self, model: str) -> bool:
        """One that does not answer, as it is still coming up or already going, holds the card."""
        for container in self._house.running(model):
            with contextlib.suppress(httpx.HTTPError, NotFound, ValueError):
                return not self._house.sleeps(model)
            if container in self._house.running(model):
                return True
        return False
