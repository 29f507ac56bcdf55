"""`GET /v1/models`: the one model, and what it can do. Listed while it loads, too."""

from typing import Any

from fastapi import APIRouter

from switchyard_image_server.abilities import abilities_of
from switchyard_image_server.api.openapi import answers
from switchyard_image_server.errors import UnknownModel
from switchyard_image_server.parts import Parts
from switchyard_image_server.standing import model_of


def routes(parts: Parts) -> APIRouter:
    router = APIRouter()
    engine, started = parts.engine, int(parts.now())

    def entry() -> dict[str, Any]:
        told: dict[str, Any] = {
            "id": engine.name,
            "object": "model",
            "created": started,
            "owned_by": "switchyard-image-server",
        }
        model = model_of(engine)
        if model is None:
            return told
        told |= {"type": model.kind, "capabilities": abilities_of(model)}
        if model.kind == "image":
            return told
        return told | {"max_model_len": model.context, "context_length": model.context}

    @router.get("/v1/models", summary="The models of this server: one", responses=answers())
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [entry()]}

    @router.get("/v1/models/{name:path}", summary="The model, by name", responses=answers(UnknownModel))
    async def model(name: str) -> dict[str, Any]:
        if name != engine.name:
            raise UnknownModel(
                f"cannot find the model {name[:64]!r}: this server has {engine.name!r} only", param="model"
            )
        return entry()

    return router
