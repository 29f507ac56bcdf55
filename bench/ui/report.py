"""What was seen of each scene as a line of a table, and which promises it breaks. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

LONG_TASK_MS = 200


@dataclass(frozen=True, slots=True)
class Seen:
    name: str
    frames_ms: tuple[float, ...]
    tasks_ms: tuple[float, ...]  # those over 50 ms: shorter ones are not told
    longest_allowed_ms: float = LONG_TASK_MS


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all does not exceed; 0 without values."""
    if not values:
        return 0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1))]


def faults(seen: Seen) -> list[str]:
    longest = max(seen.tasks_ms, default=0)
    if longest <= seen.longest_allowed_ms:
        return []
    return [f"{seen.name}: a task of {longest:.0f} ms, and {seen.longest_allowed_ms:g} are allowed"]


def table(lines: Sequence[Seen]) -> str:
    head = (
        "| Scene | Frames | p50 ms | p99 ms | Longest frame ms | Tasks over 50 ms | Longest task ms |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    )
    return "\n".join([head, *map(row, lines)])


def row(seen: Seen) -> str:
    frames = seen.frames_ms
    cells = (
        seen.name,
        f"{len(frames)}",
        f"{percentile(frames, 0.5):.1f}",
        f"{percentile(frames, 0.99):.1f}",
        f"{max(frames, default=0):.1f}",
        f"{len(seen.tasks_ms)}",
        f"{max(seen.tasks_ms):.0f}" if seen.tasks_ms else "",
    )
    return f"| {' | '.join(cells)} |"
