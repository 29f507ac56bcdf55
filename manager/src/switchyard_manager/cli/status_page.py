"""What `status` shows, drawn from a `ManagerStatus`. Pure: it asks nobody and prints nothing."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from switchyard_contracts.status import GpuStatus, ManagerStatus, ModelStatus, Phase, Queued, RamStatus
from switchyard_manager.cli.printing import table
from switchyard_manager.cli.words import gib, span

BAR_WIDTH = 24
FAULTY = frozenset({Phase.FAILED, Phase.STOP_FAILED})
AT_REST = frozenset({Phase.STOPPED, Phase.ASLEEP})


def page(status: ManagerStatus) -> Iterator[RenderableType]:
    yield _models(status)
    for model in status.models:
        if model.failure is not None:
            # Below the table: as wide as the terminal, it can be read.
            yield ""
            yield Text(model.failure.sentence(), style="red", overflow="fold")
    for number, gpu in enumerate(status.gpus):
        yield ""
        yield from _gpu(number, gpu)
    if status.ram is not None:
        yield ""
        yield _ram(status.ram)
    if status.queue:
        yield ""
        yield _queue(status.queue)
    for trouble in status.trouble:
        yield ""
        yield Text(f"trouble  {trouble}", style="bold red")


def _models(status: ManagerStatus) -> RenderableType:
    if not status.models:
        return "There are no models: `switchyard add` adds one."
    numbers = {gpu.uuid: str(number) for number, gpu in enumerate(status.gpus)}
    drawn = table("model", "type", "phase", "GPU", "running", "waiting", "note", keep=["type", "GPU"])
    for model in status.models:
        drawn.add_row(
            model.name,
            model.type,
            Text(model.phase, style=_style(model.phase)),
            ",".join(numbers.get(uuid, "?") for uuid in model.gpus),
            str(model.in_flight or ""),
            str(model.waiting or ""),
            note(model),
        )
    return drawn


def _style(phase: Phase) -> str:
    if phase in FAULTY:
        return "red"
    return "green" if phase is Phase.READY else "dim" if phase in AT_REST else "yellow"


def note(model: ModelStatus) -> str:
    """What there is to say of a model beyond the numbers, the most pressing first."""
    return "; ".join(filter(None, _notes(model)))


def _notes(model: ModelStatus) -> Iterator[str | None]:
    if model.failure is not None:
        yield str(model.failure.reason)
        yield f"again in {span(model.retry_in_s)}" if model.retry_in_s else None
    yield model.progress
    yield f"about {span(model.expected_s)} left" if model.expected_s else None
    yield model.blocked
    yield f"idle for {span(model.idle_s)}" if model.idle_s else None
    yield "pinned" if model.pinned else None


def _gpu(number: int, gpu: GpuStatus) -> Iterator[RenderableType]:
    yield Text(f"GPU {number}  {gpu.name}  {gpu.uuid}", overflow="fold")
    used = f"used {gib(gpu.used_mib)}, " if gpu.used_mib is not None else "used ?, "
    figures = [f"{used}claimed {gib(gpu.claimed_mib)} of {gib(gpu.total_mib)} GiB"]
    figures += [] if gpu.utilisation_pct is None else [f"{gpu.utilisation_pct} %"]
    figures += [] if gpu.temperature_c is None else [f"{gpu.temperature_c} °C"]
    figures += [] if gpu.power_w is None else [f"{gpu.power_w:.0f} W"]
    drawn = Table.grid(padding=(0, 2))
    drawn.add_row(bar(gpu.used_mib or 0, gpu.claimed_mib, gpu.total_mib), ", ".join(figures))
    yield drawn
    for holder in gpu.processes:
        if holder.model is None:
            held = "some of it" if holder.used_mib is None else f"{gib(holder.used_mib)} GiB"
            yield f"  {holder.name} (process {holder.pid}), none of ours, holds {held}"


def bar(used_mib: int, claimed_mib: int, total_mib: int) -> Text:
    """`#` what is used, `=` what is claimed beyond that, `.` the rest. ASCII, so every terminal shows it."""
    used = _cells(used_mib, total_mib)
    claimed = max(0, _cells(claimed_mib, total_mib) - used)
    left = BAR_WIDTH - used - claimed
    return Text.assemble("[", ("#" * used, "cyan"), ("=" * claimed, "blue"), ("." * left, "dim"), "]")


def _cells(mib: int, total_mib: int) -> int:
    """At least one for anything, all only for everything."""
    if mib <= 0 or total_mib <= 0:
        return 0
    if mib >= total_mib:
        return BAR_WIDTH
    return min(BAR_WIDTH - 1, max(1, round(BAR_WIDTH * mib / total_mib)))


def _ram(ram: RamStatus) -> RenderableType:
    asleep = f", of which {gib(ram.sleepers_mib)} for models asleep" if ram.sleepers_mib else ""
    used_mib = ram.total_mib - ram.available_mib
    kept = f", {gib(ram.reserve_mib)} kept free" if ram.reserve_mib else ""
    drawn = Table.grid(padding=(0, 2))
    text = f"used {gib(used_mib)}{asleep} of {gib(ram.total_mib)} GiB{kept}"
    drawn.add_row("RAM", bar(used_mib, 0, ram.total_mib), text)
    return drawn


def _queue(queue: tuple[Queued, ...]) -> RenderableType:
    drawn = table("queue", "waiting", "for", "what it waits for", keep=["waiting", "for"])
    for place, waits in enumerate(queue, start=1):
        drawn.add_row(
            f"{place}. {waits.model}", str(waits.waiting), span(waits.waited_s), waits.blocked or "its load"
        )
    return drawn
