"""`GET /health`: is the process alive, and has it its model? `GET /ready`: would it answer now?

Both answer at once, whatever the worker does. A model that is asleep is healthy, and not ready.
"""

from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse

from switchyard_image_server.api.openapi import answers, succeeds
from switchyard_image_server.parts import Parts
from switchyard_image_server.standing import model_of, word_of

UNAVAILABLE = 503
OF_MEMORY = ("strategy", "quantization", "reason", "expected_peak_mib", "measured_peak_mib")
ANSWERS = {**answers(), UNAVAILABLE: succeeds("Not now, and why not")}


def routes(parts: Parts) -> APIRouter:
    router = APIRouter()
    engine = parts.engine

    def told() -> dict[str, Any]:
        word, model = word_of(engine), model_of(engine)
        said: dict[str, Any] = {"status": str(word.standing), "model": engine.name}
        if model is not None:
            said["type"] = model.kind
            memory = model.memory.told()
            said["memory"] = {name: memory[name] for name in OF_MEMORY}
        if word.message is not None:
            said["message"] = word.message
        return said | word.more | {"waiting": engine.worker.waiting, "busy": engine.worker.busy}

    @router.get(
        "/health",
        summary="200 when the model is loaded, asleep or awake; else 503 and why not",
        responses=ANSWERS,
    )
    async def health() -> JSONResponse:
        return JSONResponse(told(), 200 if word_of(engine).live else UNAVAILABLE)

    @router.get(
        "/ready", summary="200 when a request would be answered now; else 503 and why not", responses=ANSWERS
    )
    async def ready() -> JSONResponse:
        return JSONResponse(told(), 200 if word_of(engine).ready else UNAVAILABLE)

    return router
