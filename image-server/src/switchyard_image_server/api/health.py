"""`GET /health`: whether the model can be used. Answers at once, whatever the worker does."""

from fastapi import APIRouter
from starlette.responses import JSONResponse

from switchyard_image_server.engine import Engine, Failed, Loading, Ready, Shutting


def routes(engine: Engine) -> APIRouter:
    router = APIRouter()

    @router.get("/health", summary="200 when the model can be used, else 503 and why not")
    async def health() -> JSONResponse:
        queue = {"waiting": engine.worker.waiting, "busy": engine.worker.busy}
        match engine.phase:
            case Ready(model):
                return JSONResponse({"status": "ok", "model": engine.name, "type": model.kind} | queue)
            case Loading():
                return JSONResponse({"status": "loading", "model": engine.name}, status_code=503)
            case Failed(failure):
                said = {"status": "failed", "code": failure.code, "message": failure.message}
                return JSONResponse(said | {"model": engine.name}, status_code=503)
            case Shutting():
                return JSONResponse({"status": "stopping", "model": engine.name}, status_code=503)

    return router
