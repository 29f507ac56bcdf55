"""The models: what they are, why they are so, and what the operator wants of them. A name may hold slashes."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from switchyard_contracts.admin import Explanation, ModelChange
from switchyard_contracts.errors import ErrorEnvelope
from switchyard_contracts.status import ModelStatus, Phase
from switchyard_manager.api.desk import Desk
from switchyard_manager.api.errors import Problem
from switchyard_manager.api.loading import bring_up
from switchyard_manager.api.sse import Streams
from switchyard_manager.supervise.commands import Command, Verb
from switchyard_manager.supervise.explaining import explain
from switchyard_manager.supervise.ground import not_found

LONGEST_WAIT_S = 3600.0
ACCEPTED = 202

Priority = Annotated[
    int, Query(ge=-100, le=100, description="Added to the model's own: its turn comes the sooner.")
]
WaitS = Annotated[
    float,
    Query(
        ge=0,
        le=LONGEST_WAIT_S,
        description="Seconds to wait until it is ready or has failed. Who leaves meanwhile leaves the load be.",
    ),
]
SLOW = {
    Verb.LOAD: "Load a model: 200 it is ready, 202 it is under way, 503 it failed and why",
    Verb.WAKE: "Wake a sleeping model; answered as a load is",
}
QUICK = {
    Verb.UNLOAD: "Unload a model once its requests are done; a load under way is called off",
    Verb.SLEEP: "Put a model to sleep once its requests are done",
    Verb.PIN: "Keep a model from ever being moved out, until it is unpinned by hand",
    Verb.UNPIN: "Let a model be moved out again, whatever models.json says",
    Verb.CANCEL: "Call off the load or the download that is under way; whoever waits for it is told",
    Verb.PULL: "Download a model's files, or what is new of them; `files` and `progress` tell how far it is",
}


def router(desk: Desk, streams: Streams) -> APIRouter:
    routes = APIRouter(tags=["models"])
    for verb in Verb:
        _add(routes, verb, desk, streams)

    @routes.get("/api/models", summary="Every model as it is now")
    async def all_models() -> tuple[ModelStatus, ...]:
        return desk.world.statuses(desk.clock())

    @routes.get("/api/models/{name:path}/explain", summary="Why it is where it is, and what would have to move")
    async def explanation(name: str) -> Explanation:
        found = explain(desk.ground, desk.name_of(name), desk.clock())
        if found is None:
            raise Problem(not_found(name))
        return found

    return routes


def one_model(desk: Desk) -> APIRouter:
    """Apart, to be added last: its path is also that of all the others."""
    routes = APIRouter(tags=["models"])

    @routes.get("/api/models/{name:path}", summary="One model as it is now")
    async def model(name: str) -> ModelStatus:
        status = desk.model(desk.name_of(name))
        if status is None:
            raise Problem(not_found(name))
        return status

    return routes


def _add(routes: APIRouter, verb: Verb, desk: Desk, streams: Streams) -> None:
    async def slow(name: str, response: Response, wait_s: WaitS = 0.0, priority: Priority = 0) -> ModelChange:
        answer = await bring_up(desk, streams, Command(verb, name, priority), wait_s)
        status = desk.model(answer.model)
        if status is None or status.phase is not Phase.READY:
            response.status_code = ACCEPTED
        return ModelChange(model=answer.model, changed=answer.changed, status=status)

    async def quick(name: str) -> ModelChange:
        answer = await desk.supervisor.ask(Command(verb, name))
        if answer.error is not None:
            raise Problem(answer.error)
        return ModelChange(model=answer.model, changed=answer.changed, status=desk.model(answer.model))

    routes.add_api_route(
        f"/api/models/{{name:path}}/{verb}",
        slow if verb in SLOW else quick,
        methods=["POST"],
        summary=SLOW.get(verb) or QUICK[verb],
        name=str(verb),
        responses={ACCEPTED: {"model": ModelChange}, 503: {"model": ErrorEnvelope}} if verb in SLOW else None,
    )
