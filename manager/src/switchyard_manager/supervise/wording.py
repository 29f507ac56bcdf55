"""Say, with the numbers, why there is no room for a model and what would make some."""

from switchyard_contracts.errors import Reason
from switchyard_contracts.status import Failure
from switchyard_manager.engines.reasons import ADVICE
from switchyard_manager.gpu import GpuReading, Reading
from switchyard_manager.runtimes import Exit
from switchyard_manager.scheduler import GpuRoom, Outlook, Shortage, Standing
from switchyard_manager.supervise.cards import Cards


def failure(reason: Reason, message: str) -> Failure:
    return Failure(reason=reason, message=message, advice=ADVICE[reason])


def shortage_failure(
    model: str, short: Shortage, cards: Cards, pinned: frozenset[str], ours: frozenset[int]
) -> Failure:
    if short.reason is Reason.NO_GPU:
        return failure(short.reason, f"cannot load {model}: it wants {_asked(short)}, {_has(cards)}")
    rows = "; ".join(_row(row, cards, pinned, ours) for row in short.gpus)
    need = next((row.need_mib for row in short.gpus), None)
    wants = "a GPU of its own" if need is None else f"{need} MiB on {_asked(short)}"
    return failure(short.reason, f"cannot load {model}: it needs {wants}. {rows}")


def _asked(short: Shortage) -> str:
    if isinstance(short.wanted, int):
        return "one GPU" if short.wanted == 1 else f"each of {short.wanted} GPUs"
    return ", ".join(short.wanted)


def _has(cards: Cards) -> str:
    reading = cards.reading or Reading()
    fault = f" ({reading.fault})" if reading.blind else ""
    if not reading.gpus:
        return f"and this machine has none that can be used{fault}"
    return "and this machine has " + ", ".join(f"{gpu.uuid} ({gpu.name})" for gpu in reading.gpus) + fault


def _row(row: GpuRoom, cards: Cards, pinned: frozenset[str], ours: frozenset[int]) -> str:
    measured = cards.gpu(row.uuid)
    parts = [_claim(name, mib, name in pinned) for name, mib in row.claims]
    parts += _strangers(measured, ours)
    if row.reserve_mib:
        parts.append(f"{row.reserve_mib} kept free")
    name = f"{row.uuid} ({measured.name})" if measured else row.uuid
    used = f", {row.used_mib} measured in use" if row.used_mib is not None else ""
    held = f": {', '.join(parts)}" if parts else ""
    return f"{name} has {row.total_mib} MiB, {row.free_mib} free{used}{held}"


def _claim(name: str, mib: int | None, is_pinned: bool) -> str:
    how = "pinned " if is_pinned else ""
    return f"{how}{name} has all of it" if mib is None else f"{mib} for {how}{name}"


def _strangers(gpu: GpuReading | None, ours: frozenset[int]) -> list[str]:
    if gpu is None:
        return []
    return [
        f"{holder.name} (process {holder.pid}) holds {'some' if holder.used_mib is None else holder.used_mib}"
        for holder in gpu.holders
        if holder.pid not in ours
    ]


def blocked(outlook: Outlook) -> str | None:
    """What a model that waits is waiting for, in a few words."""
    names = ", ".join(outlook.in_the_way)
    match outlook.standing:
        case Standing.NOW:
            return None
        case Standing.SOON:
            return f"waits until {names} made room" if names else "waits until freed memory is back"
        case Standing.EVICT:
            return f"{names} makes room"
        case Standing.BLOCKED:
            return f"waits for its turn after {names}"
        case Standing.SHORT:
            return "there is no room, and none to be made"


def gone(exit_: Exit | None) -> str:
    return "ended" if exit_ is None else str(exit_)
