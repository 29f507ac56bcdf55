"""Whose the memory of a GPU is: which instance holds how much, and who is a stranger. Pure."""

from collections.abc import Mapping

from switchyard_manager.gpu.reading import GpuReading, Holder, Reading

Pids = Mapping[str, frozenset[int]]  # the processes of each instance


def held_mib(reading: Reading, pids: Pids) -> dict[str, dict[str, int]]:
    """By instance and GPU. Absent where it holds nothing, or where the driver does not tell all of it."""
    owner = owners(pids)
    held: dict[str, dict[str, int]] = {}
    for gpu in reading.gpus:
        told: dict[str, list[int | None]] = {}
        for holder in gpu.holders:
            if instance := owner.get(holder.pid):
                told.setdefault(instance, []).append(holder.used_mib)
        for instance, parts in told.items():
            known = [mib for mib in parts if mib is not None]
            if len(known) == len(parts):  # half a sum would be believed to be the whole
                held.setdefault(instance, {})[gpu.uuid] = sum(known)
    return held


def strangers(gpu: GpuReading, pids: Pids) -> tuple[Holder, ...]:
    """Who holds memory of it and is none of ours; the largest first."""
    owner = owners(pids)
    found = (holder for holder in gpu.holders if holder.pid not in owner)
    return tuple(sorted(found, key=lambda holder: (-(holder.used_mib or 0), holder.pid)))


def owners(pids: Pids) -> dict[int, str]:
    return {pid: instance for instance, its in pids.items() for pid in its}
