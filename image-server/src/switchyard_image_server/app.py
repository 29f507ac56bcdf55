"""The HTTP application: the routes, and every error in OpenAI's shape."""

import logging
import time
from collections.abc import Callable
from typing import cast

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from switchyard_image_server.api import chat, health, images, models
from switchyard_image_server.api.access import NeedsKey
from switchyard_image_server.engine import Engine
from switchyard_image_server.errors import (
    Cancelled,
    EngineFault,
    InvalidValue,
    ServerError,
    UnknownUrl,
    WrongMethod,
)

logger = logging.getLogger(__name__)

CLIENT_GONE = 499


def build_app(engine: Engine, now: Callable[[], float] = time.time, api_key: str | None = None) -> FastAPI:
    app = FastAPI(title="Switchyard image server", docs_url=None, redoc_url=None)
    for router in (
        health.routes(engine),
        models.routes(engine, int(now())),
        chat.routes(engine, now),
        images.routes(engine, now),
    ):
        app.include_router(router)
    app.add_exception_handler(ServerError, _ours)
    app.add_exception_handler(Cancelled, _gone)
    app.add_exception_handler(HTTPException, _routing)
    app.add_exception_handler(Exception, _unexpected)
    if api_key is not None:
        app.add_middleware(NeedsKey, api_key=api_key)
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
