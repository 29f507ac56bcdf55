"""How much RAM there is: this machine's, or the container's where that is less."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

MIB = 1024 * 1024
CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
RECLAIMABLE = ("active_file", "inactive_file", "slab_reclaimable")


@dataclass(frozen=True, slots=True)
class Ram:
    total_mib: int
    available_mib: int


def ram(*, within_cgroup: bool = True, cgroups: Path = CGROUPS, membership: Path = MEMBERSHIP) -> Ram:
    """`within_cgroup=False` where engines run beside the manager's container and not in it."""
    memory = psutil.virtual_memory()
    total, available = memory.total, memory.available
    if within_cgroup:
        for limit, left in _limits(cgroups, membership):
            total, available = min(total, limit), min(available, left)
    return Ram(total // MIB, available // MIB)


def _limits(cgroups: Path, membership: Path) -> Iterator[tuple[int, int]]:
    """The limit of our cgroup and of each above it, and what is left of it. Version 2 only."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return
    ours = next((line.removeprefix("0::") for line in lines if line.startswith("0::")), None)
    if ours is None:
        return
    group = cgroups / ours.lstrip("/")
    for folder in (group, *group.parents):
        if found := _limit(folder):
            yield found
        if folder == cgroups:
            return


def _limit(folder: Path) -> tuple[int, int] | None:
    try:
        limit = int((folder / "memory.max").read_text())  # the word "max" is no limit
        used = int((folder / "memory.current").read_text()) - _reclaimable(folder)
    except (OSError, ValueError):
        return None
    return limit, max(0, limit - max(0, used))


def _reclaimable(folder: Path) -> int:
    """Files it has read count as its memory, yet are given up as soon as anybody wants room."""
    pairs = (line.split() for line in (folder / "memory.stat").read_text().splitlines())
    return sum(int(value) for name, value in pairs if name in RECLAIMABLE)
