"""Figures over rounds: medians, what a target adds to the direct way, and ratios. Pure.

What is compared was measured in one round, seconds apart: what slows the machine slows both, the ratio stays.
A figure that is not there (refused, not installed) is `None`, and so is what is made of it.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Round = Mapping[str, Mapping[str, Mapping[str, float]]]
DIRECT = "direct"


@dataclass(frozen=True, slots=True)
class Rounds:
    """Each round: measure → target → figure → value."""

    rounds: Sequence[Round]

    def median(self, measure: str, target: str, figure: str) -> float | None:
        return _median(self._values(measure, target, figure))

    def added(self, measure: str, target: str, figure: str) -> float | None:
        """The median of what it is more than without anything in between."""
        return self._paired(measure, figure, target, DIRECT, lambda value, direct: value - direct)

    def ratio(self, measure: str, figure: str, target: str, to: str) -> float | None:
        return self._paired(measure, figure, target, to, lambda value, other: value / other if other else None)

    def ratio_of_added(self, measure: str, figure: str, target: str, to: str) -> float | None:
        """Of the medians: what one round adds may be next to nothing, and is no divisor."""
        value, other = self.added(measure, target, figure), self.added(measure, to, figure)
        return None if value is None or other is None or other <= 0 else value / other

    def spread(self, measure: str, figure: str, target: str, to: str) -> tuple[float, float] | None:
        """The least and the greatest ratio of all rounds."""
        found = self._pairs(measure, figure, target, to)
        ratios = [value / other for value, other in found if other]
        return (min(ratios), max(ratios)) if ratios else None

    def everywhere(self, figure: str) -> float | None:
        """The median of all measures of all targets."""
        targets = (target for one in self.rounds for measure in one.values() for target in measure.values())
        return _median([target[figure] for target in targets if figure in target])

    def _values(self, measure: str, target: str, figure: str) -> list[float]:
        found = (one.get(measure, {}).get(target, {}).get(figure) for one in self.rounds)
        return [value for value in found if value is not None]

    def _pairs(self, measure: str, figure: str, target: str, to: str) -> list[tuple[float, float]]:
        both = (
            (self._one(one, measure, target, figure), self._one(one, measure, to, figure))
            for one in self.rounds
        )
        return [(value, other) for value, other in both if value is not None and other is not None]

    @staticmethod
    def _one(one: Round, measure: str, target: str, figure: str) -> float | None:
        return one.get(measure, {}).get(target, {}).get(figure)

    def _paired(
        self, measure: str, figure: str, target: str, to: str, join: Callable[[float, float], float | None]
    ) -> float | None:
        joined = (join(value, other) for value, other in self._pairs(measure, figure, target, to))
        return _median([value for value in joined if value is not None])


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None
