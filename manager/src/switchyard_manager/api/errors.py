"""Every error that the admin API answers with, in the one shape that all clients know. It only translates."""

import logging
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from switchyard_contracts.errors import CODES, ErrorBody, ErrorCode, ErrorEnvelope
from switchyard_manager.errors import ManagerError

log = logging.getLogger(__name__)

NOT_FOUND, NOT_SO = 404, 405
NO_OBJECT = frozenset({"json_invalid", "dict_type", "model_attributes_type"})


class Problem(ManagerError):
    """This request is not answered as it would like to be."""

    def __init__(self, body: ErrorBody) -> None:
        super().__init__(body.message)
        self.body = body

    @classmethod
    def of(cls, code: ErrorCode, message: str, param: str | None = None) -> "Problem":
        return cls(ErrorBody.of(code, message, param))


def reply(body: ErrorBody, headers: Mapping[str, str] | None = None) -> JSONResponse:
    envelope = ErrorEnvelope(error=body).model_dump(mode="json")
    return JSONResponse(envelope, CODES[body.code].status, dict(headers or {}))


def install(app: FastAPI) -> None:
    app.exception_handler(Problem)(_problem)
    app.exception_handler(RequestValidationError)(_faulty)
    app.exception_handler(HTTPException)(_astray)
    app.exception_handler(Exception)(_our_fault)


def _problem(_: Request, error: Problem) -> Response:
    return reply(error.body)


def _faulty(_: Request, error: RequestValidationError) -> Response:
    return reply(body_of(error.errors()))


def body_of(faults: Sequence[Mapping[str, Any]]) -> ErrorBody:
    """All of them at once; `param` is the first."""
    told = "; ".join(f"{_place(fault)}: {fault['msg']}" for fault in faults)
    first = faults[0]
    if all(fault["type"] in NO_OBJECT and fault["loc"][0] == "body" for fault in faults):
        return ErrorBody.of(ErrorCode.INVALID_JSON, f"cannot read the body as a JSON object: {told}")
    code = ErrorCode.MISSING_REQUIRED_PARAMETER if first["type"] == "missing" else ErrorCode.INVALID_VALUE
    return ErrorBody.of(code, f"cannot use this request: {told}", str(first["loc"][-1]))


def _place(fault: Mapping[str, Any]) -> str:
    return ".".join(map(str, fault["loc"]))


def _astray(request: Request, error: HTTPException) -> Response:
    asked = f"{request.method} {request.url.path}"
    if error.status_code == NOT_FOUND:
        body = ErrorBody.of(ErrorCode.UNKNOWN_URL, f"cannot answer {asked}: nothing is served there")
    elif error.status_code == NOT_SO:
        allowed = (error.headers or {}).get("Allow", "another method")
        body = ErrorBody.of(ErrorCode.METHOD_NOT_ALLOWED, f"cannot answer {asked}: use {allowed}")
    else:
        body = ErrorBody.of(ErrorCode.INVALID_VALUE, f"cannot answer {asked}: {error.detail}")
    return reply(body, error.headers)


def _our_fault(request: Request, error: Exception) -> Response:
    number = secrets.token_hex(8)
    log.error("cannot answer %s %s (%s)", request.method, request.url.path, number, exc_info=error)
    message = f"cannot answer: a fault in the manager, see its log at {number}"
    return reply(ErrorBody.of(ErrorCode.INTERNAL_ERROR, message), {"x-request-id": number})
