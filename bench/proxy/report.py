"""The figures as tables in Markdown. Pure: values in, text out."""

from collections.abc import Iterable, Mapping, Sequence

from bench.proxy.measures import Memory
from bench.proxy.promises import PROMISES
from bench.proxy.summary import DIRECT, Rounds

NONE = ""
REQUESTS = (
    "",
    "CPU µs a request, 64 connections",
    "of nginx's",
    "of LiteLLM's",
    "requests/s",
    "added p50 / p99 µs, 1 connection",
    "8",
    "64",
)
STREAMS = (
    "",
    "as fast as it goes: CPU s / 100k",
    "of nginx's",
    "events/s",
    "of its core",
    "16 events to a write: CPU s / 100k",
    "of nginx's",
)
PACED = (
    "",
    "each in its own time: CPU s / 100k",
    "of nginx's",
    "added p50 / p99 µs",
    "events/s",
    "all in step: CPU s / 100k",
    "of nginx's",
    "added p50 / p99 µs",
    "events/s",
)
LARGE = ("", "20 MB body, added ms", "MiB idle", "500 streams", "peak, four 20 MB bodies at a time", "after")
CPU, EACH = "cpu_s_per_100k", "cpu_us"


def number(value: float | None, digits: int = 0) -> str:
    if value is None:
        return NONE
    return f"{value:,.{digits}f}"


def significant(value: float | None) -> str:
    """Two digits that count, or all before the point."""
    if value is None:
        return NONE
    return number(value, 0 if abs(value) >= 10 else 1 if abs(value) >= 1 else 2)


def tables(rounds: Rounds, memory: Mapping[str, Memory], names: Sequence[str]) -> dict[str, str]:
    """By name, in the order in which they are shown."""
    between = [name for name in names if name != DIRECT]
    return {
        "promises": table(
            ("Promise", "Bound", "Measured", "Least and most of a round", "Holds"), promises(rounds)
        ),
        "requests": table(REQUESTS, (_requests(rounds, name) for name in names)),
        "streams": table(STREAMS, (_saturated(rounds, name) for name in names)),
        "paced": table(PACED, (_paced(rounds, name) for name in names)),
        "large": table(LARGE, (_large(rounds, memory.get(name), name) for name in between)),
    }


def promises(rounds: Rounds) -> Iterable[Sequence[str]]:
    answers = {None: "not measured", True: "yes", False: "**no**"}
    for promise in PROMISES:
        bound = f"at {'least' if promise.at_least else 'most'} {significant(promise.bound)}"
        range_ = promise.spread(rounds)
        spread = NONE if range_ is None else f"{significant(range_[0])} to {significant(range_[1])}"
        yield promise.what, bound, significant(promise.measured(rounds)), spread, answers[promise.holds(rounds)]


def _requests(rounds: Rounds, name: str) -> Sequence[str]:
    measure = "requests-64"
    return (
        name,
        significant(rounds.median(measure, name, EACH) if name != DIRECT else None),
        significant(rounds.ratio(measure, EACH, name, "nginx") if name != DIRECT else None),
        _part(rounds.ratio(measure, EACH, "LiteLLM", name) if name != DIRECT else None),
        number(rounds.median(measure, name, "per_s")),
        *(_latency(rounds, f"requests-{connections}", name) for connections in (1, 8, 64)),
    )


def _saturated(rounds: Rounds, name: str) -> Sequence[str]:
    return (
        name,
        *_cpu(rounds, "saturated", name),
        _per_s(rounds, "saturated", name),
        _busy(rounds, "saturated", name),
        *_cpu(rounds, "saturated-16", name),
    )


def _paced(rounds: Rounds, name: str) -> Sequence[str]:
    cells: list[str] = [name]
    for measure in ("paced", "in-step"):
        cells += [*_cpu(rounds, measure, name), _latency(rounds, measure, name), _per_s(rounds, measure, name)]
    return cells


def _large(rounds: Rounds, memory: Memory | None, name: str) -> Sequence[str]:
    added_us = rounds.added("large", name, "p50_us")
    held = (memory.idle, memory.streams_500, memory.peak, memory.after) if memory else (None,) * 4
    return name, significant(None if added_us is None else added_us / 1000), *map(number, held)


def _cpu(rounds: Rounds, measure: str, name: str) -> tuple[str, str]:
    if name == DIRECT:
        return NONE, NONE
    return significant(rounds.median(measure, name, CPU)), significant(
        rounds.ratio(measure, CPU, name, "nginx")
    )


def _per_s(rounds: Rounds, measure: str, name: str) -> str:
    return number(rounds.median(measure, name, "per_s"))


def _busy(rounds: Rounds, measure: str, name: str) -> str:
    busy = rounds.median(measure, name, "busy") if name != DIRECT else None
    return NONE if busy is None else f"{busy:.0%}"


def _latency(rounds: Rounds, measure: str, name: str) -> str:
    """What is added; of the direct way, what there is."""
    figures = [
        rounds.median(measure, name, figure) if name == DIRECT else rounds.added(measure, name, figure)
        for figure in ("p50_us", "p99_us")
    ]
    return " / ".join(map(number, figures))


def _part(ratio: float | None) -> str:
    return NONE if ratio is None else f"1/{significant(ratio)}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    ruler = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ruler, *rows))
