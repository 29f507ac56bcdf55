"""The HTTP application: the routes, and every error in OpenAI's shape."""

import logging
from typing import Any, cast

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from switchyard_image_server.api import (
    chat,
    files,
    health,
    images,
    jobs,
    metrics,
    models,
    sleep,
    status,
    tokenize,
)
from switchyard_image_server.api.access import NeedsKey
from switchyard_image_server.api.counted import Counted
from switchyard_image_server.api.openapi import without_validation_errors
from switchyard_image_server.errors import (
    Cancelled,
    EngineFault,
    InvalidValue,
    ServerError,
    UnknownUrl,
    WrongMethod,
)
from switchyard_image_server.parts import Parts

logger = logging.getLogger(__name__)

CLIENT_GONE = 499


ROUTES = (health, status, models, chat, tokenize, images, files, jobs, sleep, metrics)


class _App(FastAPI):
    def openapi(self) -> dict[str, Any]:
        return without_validation_errors(super().openapi())


def build_app(parts: Parts) -> FastAPI:
    app = _App(title="Switchyard image server", docs_url=None, redoc_url=None, redirect_slashes=False)
    for resource in ROUTES:
        app.include_router(resource.routes(parts))
    app.add_exception_handler(ServerError, _ours)
    app.add_exception_handler(Cancelled, _gone)
    app.add_exception_handler(HTTPException, _routing)
    app.add_exception_handler(Exception, _unexpected)
    if parts.settings.api_key is not None:
        app.add_middleware(NeedsKey, api_key=parts.settings.api_key)
    app.add_middleware(Counted, answered=parts.counters.answered)  # outermost: it counts refusals, too
    return app


def _answer(error: ServerError) -> JSONResponse:
    return JSONResponse(error.body(), error.status, error.headers())


async def _ours(_: Request, error: Exception) -> Response:
    return _answer(cast("ServerError", error))


async def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=CLIENT_GONE)


async def _routing(request: Request, fault: Exception) -> Response:
    """What the router itself refuses: unknown paths and methods."""
    error = cast("HTTPException", fault)
    where = f"{request.method} {request.url.path}"
    match error.status_code:
        case 404:
            return _answer(UnknownUrl(f"cannot serve {where}: there is nothing at that path"))
        case 405:
            allowed = (error.headers or {}).get("Allow", "another method")
            return _answer(WrongMethod(f"cannot serve {where}: use {allowed}"))
        case _:
            return _answer(InvalidValue(f"cannot serve {where}: {error.detail}"))


async def _unexpected(request: Request, error: Exception) -> Response:
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _answer(
        EngineFault(f"cannot serve {request.url.path}: a fault of the server; its log has the details")
    )
