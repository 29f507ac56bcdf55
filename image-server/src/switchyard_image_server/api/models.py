"""`GET /v1/models`: the one model. Listed while it loads, too."""

from typing import Any

from fastapi import APIRouter

from switchyard_image_server.engine import Engine, Ready
from switchyard_image_server.errors import UnknownModel


def routes(engine: Engine, started: int) -> APIRouter:
    router = APIRouter()

    def entry() -> dict[str, Any]:
        told: dict[str, Any] = {
            "id": engine.name,
            "object": "model",
            "created": started,
            "owned_by": "switchyard-image-server",
        }
        if not isinstance(engine.phase, Ready):
            return told
        model = engine.phase.model
        if model.kind == "image":
            return told | {"type": model.kind}
        return told | {"type": model.kind, "max_model_len": model.context, "context_length": model.context}

    @router.get("/v1/models", summary="The models of this server: one")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [entry()]}

    @router.get("/v1/models/{name:path}", summary="The model, by name")
    async def model(name: str) -> dict[str, Any]:
        if name != engine.name:
            raise UnknownModel(
                f"cannot find the model {name!r}: this server has {engine.name!r} only", param="model"
            )
        return entry()

    return router
