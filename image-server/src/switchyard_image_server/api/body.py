"""Read a request's body: bounded, then straight into its type. Faults are told in OpenAI's shape."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from starlette.requests import ClientDisconnect, Request

from switchyard_image_server.errors import (
    Cancelled,
    InvalidJson,
    InvalidValue,
    MissingParameter,
    Refused,
    TooLarge,
)

MAX_BYTES = 64 * 1024 * 1024
MAX_FAULTS_TOLD = 5

Body = TypeVar("Body", bound=BaseModel)


async def read_body(request: Request, kind: type[Body], limit: int = MAX_BYTES) -> Body:
    return parse(await _bytes(request, limit), kind)


async def _bytes(request: Request, limit: int) -> bytes:
    """What is over the limit is not kept, but read to its end within reason: a client that cannot finish
    sending would see a broken connection in place of the answer.
    """
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size <= limit:
                chunks.append(chunk)
            elif size > 4 * limit:
                break
    except ClientDisconnect:
        raise Cancelled from None
    if size > limit:
        raise TooLarge(f"cannot take a body of over {limit} bytes; send less")
    return b"".join(chunks)


def parse(content: bytes, kind: type[Body]) -> Body:
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        raise _refusal(error.errors(include_url=False)) from None


def _refusal(faults: list[ErrorDetails]) -> Refused:
    first = faults[0]
    if first["type"] == "json_invalid" or not first["loc"]:
        return InvalidJson(f"cannot read the body: it must be a JSON object ({first['msg']})")
    param = field_path(first["loc"])
    if first["type"] == "missing":
        return MissingParameter(f"cannot do without the field {param}; add it", param=param)
    told = [f"{field_path(fault['loc'])}: {fault['msg']}" for fault in faults[:MAX_FAULTS_TOLD]]
    return InvalidValue("cannot use these values: " + "; ".join(told), param=param)


def field_path(location: tuple[int | str, ...]) -> str:
    """`messages[0].content`, without the branches of unions that pydantic adds."""
    path = ""
    for step in location:
        if isinstance(step, int):
            path += f"[{step}]"
        elif step.isidentifier() and step not in {"str", "int", "float", "bool"}:
            path += f".{step}" if path else step
    return path
