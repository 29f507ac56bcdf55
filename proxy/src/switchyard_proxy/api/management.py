"""What the proxy answers about itself, on FastAPI. Who may ask was checked before; none of it is the wire."""

from collections.abc import Callable

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy import __version__
from switchyard_proxy.access.callers import Caller
from switchyard_proxy.errors import ProxyError, Refused, tell

CALLER = "switchyard.caller"


def management(routers: Callable[[Callable[[Request], Caller]], tuple[APIRouter, ...]]) -> FastAPI:
    """`routers` makes them, given how a router learns who asks."""
    app = FastAPI(title="Switchyard proxy", version=__version__, openapi_url=None)
    for router in routers(_caller_of):
        app.include_router(router)
    app.add_exception_handler(ProxyError, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_values)
    app.add_exception_handler(HTTPException, _refuse_path)
    return app


def _caller_of(request: Request) -> Caller:
    caller: Caller = request.scope[CALLER]
    return caller


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProxyError)  # noqa: S101 -- registered for nothing else
    told = tell(error)
    headers = {name.decode(): value.decode() for name, value in told.headers}
    return Response(told.payload, told.status, headers, "application/json")


async def _refuse_values(request: Request, error: Exception) -> Response:
    """FastAPI's list of faults as one sentence."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 -- registered for nothing else
    faults = error.errors()
    said = "; ".join(f"{fault['loc'][-1]}: {fault['msg'].lower()}" for fault in faults)
    param = str(faults[0]["loc"][-1]) if faults else None
    return await _refuse(request, Refused(ErrorCode.INVALID_VALUE, f"cannot use this request: {said}", param))


async def _refuse_path(request: Request, error: Exception) -> Response:
    message = f"cannot {request.method} {request.url.path}: nothing is served there"
    return await _refuse(request, Refused(ErrorCode.UNKNOWN_URL, message))
