"""Read a request's body: bounded, then straight into its type. Faults are told in OpenAI's shape."""

import asyncio
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from starlette.requests import Request

from switchyard_image_server.api.receiving import pieces
from switchyard_image_server.errors import (
    InvalidJson,
    InvalidValue,
    MissingParameter,
    Refused,
    TooLarge,
)

MAX_BYTES = 64 * 1024 * 1024
LARGE = 1024 * 1024  # from here on reading it takes longer than changing threads
MAX_FAULTS_TOLD = 5

Body = TypeVar("Body", bound=BaseModel)


async def read_body(request: Request, kind: type[Body], limit: int = MAX_BYTES) -> Body:
    content = await _bytes(request, limit)
    if len(content) < LARGE:
        return parse(content, kind)
    return await asyncio.to_thread(parse, content, kind)


async def _bytes(request: Request, limit: int) -> bytes:
    """What is over the limit is not kept, but read to its end within reason: a client that cannot finish
    sending would see a broken connection in place of the answer.
    """
    chunks: list[bytes] = []
    size = 0
    async for chunk in pieces(request):
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
        elif size > 4 * limit:
            break
    if size > limit:
        raise TooLarge(f"cannot take a body of over {limit} bytes; send less")
    return b"".join(chunks)


def parse(content: bytes, kind: type[Body]) -> Body:
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        raise _refusal(error.errors(include_url=False)) from None


def parse_values(values: Mapping[str, Any], kind: type[Body]) -> Body:
    """The same for what came as a form."""
    try:
        return kind.model_validate(values)
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
