"""What the OpenAPI page says of bodies that the routes read by themselves, and of every way they may answer."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from switchyard_contracts.errors import CODES, ErrorEnvelope
from switchyard_image_server.errors import (
    Asleep,
    Busy,
    ContextTooLong,
    EngineFault,
    GpuOutOfMemory,
    InvalidApiKey,
    InvalidJson,
    InvalidValue,
    MediaNotAllowed,
    MissingParameter,
    OutOfMemory,
    QueueFull,
    RequestCancelled,
    RequestTimeout,
    ServerError,
    StillLoading,
    Stopping,
    TooLarge,
    UnknownJob,
    UnknownModel,
    Unsupported,
    WrongEndpoint,
)

Kind = type[ServerError]
Responses = dict[int | str, dict[str, Any]]

ANY_ROUTE: tuple[Kind, ...] = (InvalidApiKey, EngineFault)
LIFE: tuple[Kind, ...] = (StillLoading, Asleep, Stopping)
BODY: tuple[Kind, ...] = (InvalidJson, MissingParameter, InvalidValue, Unsupported, TooLarge, RequestTimeout)
PROMPT: tuple[Kind, ...] = (*BODY, *LIFE, UnknownModel, WrongEndpoint, MediaNotAllowed)
MEMORY: tuple[Kind, ...] = (OutOfMemory, GpuOutOfMemory)
WORK: tuple[Kind, ...] = (*PROMPT, *MEMORY, QueueFull)
TURN: tuple[Kind, ...] = (InvalidValue, Unsupported, Busy, *LIFE, *MEMORY)
CHAT: tuple[Kind, ...] = (*WORK, ContextTooLong)
RESULT: tuple[Kind, ...] = (*WORK, UnknownJob, Busy, RequestCancelled)

JSON = "application/json"
EVENTS = "text/event-stream"
PICTURES = ("image/png", "image/jpeg", "image/webp")
_RETRY_AFTER = {"retry-after": {"description": "Seconds", "schema": {"type": "integer"}}}
_IN_TIME = {429, 502, 503}  # whoever waits as long as they say may succeed


def answers(*refusals: Kind, of: Iterable[str] = (JSON,)) -> Responses:
    """How a route answers: in one of these media types, or with one of these refusals, or with any route's."""
    told: Responses = {200: succeeds("Done", of)}
    kinds = dict.fromkeys((*refusals, *ANY_ROUTE))
    for status in sorted({CODES[kind.code].status for kind in kinds}):
        codes = sorted(kind.code for kind in kinds if CODES[kind.code].status == status)
        told[status] = {"model": ErrorEnvelope, "description": " or ".join(codes)}
        if status in _IN_TIME:
            told[status]["headers"] = _RETRY_AFTER
    return told


def succeeds(description: str, of: Iterable[str] = (JSON,)) -> dict[str, Any]:
    return {"description": description, "content": {kind: {} for kind in of}}


def switch(name: str, default: str) -> dict[str, Any]:
    """A word in the address that turns something on or off."""
    schema = {"type": "string", "enum": ["true", "false"], "default": default}
    return {"parameters": [{"name": name, "in": "query", "required": False, "schema": schema}]}


def without_validation_errors(document: dict[str, Any]) -> dict[str, Any]:
    """FastAPI adds its own refusal to each route with parameters. Here none of them can be of a wrong type."""
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
    for name in ("HTTPValidationError", "ValidationError"):
        document.get("components", {}).get("schemas", {}).pop(name, None)
    return document


def json_body(kind: type[BaseModel]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": _schema(kind)}}}}


def form_or_json(kind: type[BaseModel], uploads: Iterable[str]) -> dict[str, Any]:
    """`uploads` are the form's files; in JSON their fields are addresses."""
    form = _schema(kind)
    files = {"type": "array", "items": {"type": "string", "format": "binary"}}
    form["properties"] = form["properties"] | dict.fromkeys(sorted(uploads), files)
    content = {
        "application/json": {"schema": _schema(kind)},
        "multipart/form-data": {"schema": form},
    }
    return {"requestBody": {"required": True, "content": content}}


def _schema(kind: type[BaseModel]) -> dict[str, Any]:
    return _inlined(kind.model_json_schema(ref_template=f"#/components/schemas/{kind.__name__}.{{model}}"))


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """References resolved in place: the types are small, and none refers to itself."""
    definitions = schema.pop("$defs", {})

    def resolve(node: Any) -> Any:
        if isinstance(node, dict):
            if "$ref" in node:
                return resolve(definitions[node["$ref"].rsplit(".", 1)[-1]])
            return {key: resolve(value) for key, value in node.items()}
        return [resolve(item) for item in node] if isinstance(node, list) else node

    resolved: dict[str, Any] = resolve(schema)
    return resolved
