"""The admin API, whole: its routes in the order in which they are tried, its gate, its errors."""

from dataclasses import dataclass

from fastapi import APIRouter, Depends, FastAPI
from fastapi.security import HTTPBearer

from switchyard_contracts.errors import ErrorEnvelope
from switchyard_manager.api import (
    catalog,
    entries,
    errors,
    events,
    files,
    history,
    logs,
    metrics,
    models,
    status,
)
from switchyard_manager.api.access import Access, Gate
from switchyard_manager.api.desk import Desk
from switchyard_manager.api.editing import Editor
from switchyard_manager.api.sse import Streams

# Only says in the OpenAPI document what the gate in front of everything asks for.
BEARER = Depends(HTTPBearer(auto_error=False, description="The token that manager and proxy share."))


@dataclass(frozen=True, slots=True)
class Admin:
    access: Access
    desk: Desk
    editor: Editor
    streams: Streams


def install(app: FastAPI, admin: Admin) -> None:
    desk, streams = admin.desk, admin.streams
    feed = events.Feed(desk, streams)
    numbers = metrics.Metrics(desk, lambda: feed.listening)
    resources: tuple[APIRouter, ...] = (
        status.router(desk),
        events.router(feed, streams),
        history.router(desk),
        metrics.router(numbers),
        models.router(desk, streams),
        files.router(desk),
        catalog.router(admin.editor),
        logs.router(desk, streams),
        models.one_model(desk),
        entries.router(desk, admin.editor),
    )
    for resource in resources:
        app.include_router(resource, dependencies=[BEARER], responses={"default": {"model": ErrorEnvelope}})
    errors.install(app)
    app.add_middleware(Gate, access=admin.access)
