"""What is going on: for the command line, and for whoever waits for the manager to be up."""

from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from switchyard_contracts.errors import ErrorCode, ErrorEnvelope
from switchyard_contracts.status import ManagerStatus
from switchyard_manager.api.access import is_allowed


def router(status: Callable[[], ManagerStatus], token: str) -> APIRouter:
    routes = APIRouter()

    @routes.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @routes.get("/status", response_model=ManagerStatus)
    async def whole_status(request: Request) -> Response:
        if not is_allowed(request, token):
            message = (
                "cannot show the status: send the shared token (the state folder's `token` file) as Bearer"
            )
            envelope = ErrorEnvelope.of(ErrorCode.INVALID_API_KEY, message)
            return JSONResponse(envelope.model_dump(mode="json"), status_code=401)
        return Response(status().model_dump_json(), media_type="application/json")

    return routes
