"""`switchyard history [MODEL]`: past runs of engines, and what happened between them."""

from rich.table import Table

from switchyard_contracts.events import EventKind, ManagerEvent, RunRecord
from switchyard_manager.cli.arguments import EveryModel, Limit
from switchyard_manager.cli.asking import Manager, ask
from switchyard_manager.cli.events import kept
from switchyard_manager.cli.printing import Json, say, say_json, show, table
from switchyard_manager.cli.words import clock, gib, happened, span

TOLD_BY_RUNS = frozenset({EventKind.PHASE})


def history(model: EveryModel = None, limit: Limit = 20, json_output: Json = False) -> None:
    """Show past runs: when, how long it took to serve, how long it ran, why it ended."""
    events, runs = ask(lambda manager: _look(manager, model, limit))
    if json_output:
        dumped = [[one.model_dump(mode="json") for one in some] for some in (runs, events)]
        say_json({"runs": dumped[0], "events": dumped[1]})
        return
    if not runs and not events:
        say("Nothing has run yet.")
        return
    show(_runs(runs), "", _events([event for event in events if event.kind not in TOLD_BY_RUNS]))


async def _look(manager: Manager, model: str | None, limit: int) -> tuple[list[ManagerEvent], list[RunRecord]]:
    return await kept(manager, model, limit), await manager.runs(model, limit)


def _runs(runs: list[RunRecord]) -> Table:
    drawn = table("began", "model", "served after", "ran for", "peak GiB", "ended because", keep=["began"])
    for run in runs:
        drawn.add_row(
            clock(run.began_at),
            run.model,
            "" if run.ready_after_s is None else span(run.ready_after_s),
            "" if run.ended_at is None else span(run.ended_at - run.began_at),
            "" if run.peak_mib is None else gib(run.peak_mib),
            _ended(run),
        )
    return drawn


def _ended(run: RunRecord) -> str:
    if run.ended_at is None:
        return "(it runs)"
    code = f" (exit code {run.exit_code})" if run.exit_code else ""
    return (run.ended_because or "not known") + code


def _events(events: list[ManagerEvent]) -> Table:
    drawn = table("when", "model", "what happened", keep=["when"])
    for event in reversed(events):
        drawn.add_row(clock(event.at), event.model or "", happened(event))
    return drawn
