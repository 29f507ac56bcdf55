"""The entries of models.json over the network: add, change, remove one. The rest of the file stays as it is."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Response

from switchyard_contracts.admin import ModelChange
from switchyard_contracts.errors import ErrorEnvelope
from switchyard_manager.api.desk import Desk
from switchyard_manager.api.editing import Editor

CREATED = 201
ERRORS: dict[int | str, dict[str, Any]] = {code: {"model": ErrorEnvelope} for code in (400, 403, 404, 409)}
Entry = Annotated[dict[str, Any], Body(description="The entry, as it is to stand in models.json.")]


def router(desk: Desk, editor: Editor) -> APIRouter:
    routes = APIRouter(tags=["models.json"], responses=ERRORS)

    @routes.put(
        "/api/models/{name:path}",
        summary="Add or replace a model's entry in models.json; it acts at once",
        responses={CREATED: {"model": ModelChange}},
    )
    async def put(name: str, entry: Entry, response: Response) -> ModelChange:
        before = desk.world.catalog.models.get(name)
        if await editor.put(name, entry):
            response.status_code = CREATED
        changed = desk.world.catalog.models.get(name) != before
        return ModelChange(model=name, changed=changed, status=desk.model(name))

    @routes.delete(
        "/api/models/{name:path}",
        summary="Remove a model from models.json; its engine ends once its requests are done",
    )
    async def delete(name: str) -> ModelChange:
        await editor.delete(name)
        return ModelChange(model=name, changed=True, status=desk.model(name))

    return routes
