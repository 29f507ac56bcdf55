"""The figures as Markdown. Pure: values in, text out."""

import statistics
from collections.abc import Sequence

from bench.image_server.calm import QUIET_CORES, Calm
from bench.image_server.measures import LANES, LettingGo, Naps, Together
from bench.image_server.pairs import Pair, interval

MS = 1000.0
LARGEST_SHARE, LARGEST_S = 0.02, 0.005
HEAD = (
    "",
    "bare call, ms",
    "added, ms",
    "of these medians 95 % lie in",
    "allowed, ms",
    "",
    "rounds",
    "CPU added, ms",
    "a second bare side adds, ms",
)


def ms(seconds: float) -> str:
    return f"{seconds * MS:,.1f}"


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def allowed_s(pair: Pair) -> float:
    """What the server may add: two hundredths, or five milliseconds where that is more."""
    return max(LARGEST_SHARE * pair.usual_s, LARGEST_S)


def row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def pairs(found: Sequence[Pair]) -> str:
    rows = [row(HEAD), row(["---"] * len(HEAD))]
    for pair in found:
        low, high = interval(pair.differences_s)
        rows.append(
            row(
                (
                    pair.name,
                    ms(pair.usual_s),
                    ms(pair.added_s),
                    f"{ms(low)} to {ms(high)}",
                    ms(allowed_s(pair)),
                    "kept" if pair.added_s <= allowed_s(pair) else "**not kept**",
                    str(len(pair.bare_s)),
                    "" if pair.added_cpu_s is None else ms(pair.added_cpu_s),
                    "" if pair.noise_s is None else ms(pair.noise_s),
                )
            )
        )
    return "\n".join(rows)


def encoding(found: Sequence[tuple[str, float]]) -> str:
    told = "; ".join(f"{name} {ms(seconds)} ms" for name, seconds in found)
    return f"Of what is added, to make the picture's file and base64 of it takes: {told}."


def calm(found: Calm) -> str:
    return (
        f"{found.disturbed} of {found.rounds} rounds began although other programs took more than "
        f"{QUIET_CORES:g} of a core; all rounds count."
    )


def together(found: Together) -> str:
    parts = [f"{count} at a time {rate / found.alone:.2f}x" for count, rate in found.several.items()]
    return f"Answers written together: alone {found.alone:,.0f} tokens/s; {', '.join(parts)} of that in all."


def letting_go(found: LettingGo) -> str:
    median, worst = statistics.median(found.left_s), max(found.left_s)
    return (
        f"A cancelled job lets go after {ms(median)} ms (median; longest {ms(worst)}): "
        f"{median / found.step_s:.2f} of a step of {ms(found.step_s)} ms."
    )


def health(found: Sequence[float]) -> str:
    return (
        f"`/health` while pictures are drawn, {len(found)} times: p50 {ms(percentile(found, 0.5))} ms, "
        f"p99 {ms(percentile(found, 0.99))} ms, longest {ms(max(found))} ms."
    )


def naps(found: Naps) -> str:
    def rate(seconds: Sequence[float]) -> str:
        usual = statistics.median(seconds)
        return f"{ms(usual)} ms, {found.bytes / usual / 1e9:.2f} GB/s"

    size = f"{found.bytes / 1e6:,.0f} MB"
    return f"{size} of weights fall asleep in {rate(found.sleep_s)}; they wake in {rate(found.wake_s)}."


def turns(order: Sequence[str]) -> str:
    last = max(place for place, lane in enumerate(order) if lane == LANES[1])
    crowd = order.count(LANES[0])
    return (
        f"A client that comes with two requests after another's {crowd} is done when {last - 1} of those are; "
        f"in order of arrival it would be {crowd}."
    )
