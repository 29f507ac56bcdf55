"""What happened, and the runs that were: from the store, which may have been told by a former manager."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query

from switchyard_contracts.events import FLEETING, ManagerEvent, RunRecord
from switchyard_manager.api.desk import Desk

CURRENT, PREVIOUS = "current", "previous"
KEPT = 2  # logs of each model

Limit = Annotated[int, Query(ge=1, le=5000, description="The newest, so many.")]
After = Annotated[int, Query(ge=0, description="Only events with a higher number.")]
OfModel = Annotated[str | None, Query(description="Only what concerns this model: a name or an alias.")]


def router(desk: Desk) -> APIRouter:
    routes = APIRouter(tags=["history"])

    @routes.get(
        "/api/history", summary="What happened, oldest first; what a snapshot or a progress said is not kept"
    )
    async def history(model: OfModel = None, after: After = 0, limit: Limit = 200) -> tuple[ManagerEvent, ...]:
        name = _name(desk, model)
        recent = [event for event in desk.world.chronicle.recent if _concerns(event, name, after)]
        kept = await asyncio.to_thread(desk.store.events, after, limit, name)
        # What is not written down yet is known all the same.
        last = kept[-1].seq if kept else after
        return tuple([*kept, *(event for event in recent if event.seq > last)][-limit:])

    @routes.get("/api/runs", summary="The runs of engines, the newest first")
    async def runs(model: OfModel = None, limit: Limit = 200) -> tuple[RunRecord, ...]:
        return with_logs(await asyncio.to_thread(desk.store.runs, _name(desk, model), limit))

    return routes


def with_logs(runs: Sequence[RunRecord]) -> tuple[RunRecord, ...]:
    """Which of them, the newest first, the two logs of each model are of."""
    seen: Counter[str] = Counter()
    found = []
    for run in runs:
        log = (CURRENT, PREVIOUS)[seen[run.model]] if run.logged and seen[run.model] < KEPT else None
        seen[run.model] += run.logged
        found.append(run.model_copy(update={"log": log}))
    return tuple(found)


def _name(desk: Desk, said: str | None) -> str | None:
    """A model that left the catalog has a history still."""
    model = None if said is None else desk.world.catalog.find(said)
    return said if model is None else model.name


def _concerns(event: ManagerEvent, model: str | None, after: int) -> bool:
    return event.seq > after and event.kind not in FLEETING and model in {None, event.model}
