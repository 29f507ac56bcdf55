"""What the proxy promises about its speed, beside nginx and LiteLLM in the same run. Pure."""

from dataclasses import dataclass

from bench.proxy.summary import Rounds


@dataclass(frozen=True, slots=True)
class Promise:
    """A ratio of one figure of two targets; `added`: of what they add to the direct way. It is at most `bound`,
    or at least, if that is what is promised.
    """

    what: str
    measure: str
    figure: str
    target: str
    to: str
    bound: float
    added: bool = False
    at_least: bool = False

    def measured(self, rounds: Rounds) -> float | None:
        ratio = rounds.ratio_of_added if self.added else rounds.ratio
        return ratio(self.measure, self.figure, self.target, self.to)

    def spread(self, rounds: Rounds) -> tuple[float, float] | None:
        return None if self.added else rounds.spread(self.measure, self.figure, self.target, self.to)

    def holds(self, rounds: Rounds) -> bool | None:
        ratio = self.measured(rounds)
        if ratio is None:
            return None
        return ratio >= self.bound if self.at_least else ratio <= self.bound


CPU, EVENT_CPU = "cpu_us", "cpu_s_per_100k"

PROMISES = (
    Promise("CPU of a request, against nginx's", "requests-64", CPU, "ours", "nginx", 9.0),
    Promise(
        "LiteLLM's CPU of a request, against ours", "requests-64", CPU, "LiteLLM", "ours", 60.0, at_least=True
    ),
    Promise("CPU of an event at saturation, against nginx's", "saturated", EVENT_CPU, "ours", "nginx", 1.8),
    Promise(
        "p50 added to one request at a time, against nginx's",
        "requests-1",
        "p50_us",
        "ours",
        "nginx",
        2.5,
        added=True,
    ),
    Promise(
        "p99 added to an event of 200 paced streams, against nginx's",
        "paced",
        "p99_us",
        "ours",
        "nginx",
        2.0,
        added=True,
    ),
)
