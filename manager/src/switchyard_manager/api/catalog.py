"""models.json as one text: read, checked, and written whole if nobody else wrote it meanwhile."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response

from switchyard_contracts.admin import CatalogProblems, CatalogText, CatalogWritten
from switchyard_contracts.catalog import catalog_schema
from switchyard_contracts.errors import ErrorCode, ErrorEnvelope
from switchyard_manager.api.editing import Editor
from switchyard_manager.api.errors import Problem

LARGEST_BYTES = 4 * 2**20
ERRORS: dict[int | str, dict[str, Any]] = {code: {"model": ErrorEnvelope} for code in (400, 403, 409, 412, 413)}
TEXT: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"text/plain": {"schema": {"type": "string"}}}}
}
IfMatch = Annotated[
    str | None,
    Header(description="The `etag` of the text that was changed; `*` writes over whatever is there."),
]


def router(editor: Editor) -> APIRouter:
    routes = APIRouter(tags=["models.json"], responses=ERRORS)
    schema = catalog_schema()

    @routes.get("/api/catalog", summary="models.json as it is written, and what is wrong with it")
    async def text(response: Response) -> CatalogText:
        found = await editor.read()
        response.headers["etag"] = found.etag
        return found

    @routes.get("/api/catalog/schema", summary="The JSON schema of models.json, for editors and forms")
    async def shape() -> dict[str, Any]:
        return schema

    @routes.post(
        "/api/catalog/check",
        summary="What would keep this text from being written, each fault at its place; writes nothing",
        openapi_extra=TEXT,
    )
    async def check(request: Request) -> CatalogProblems:
        return await editor.check(await _body(request))

    @routes.put(
        "/api/catalog",
        summary="Replace models.json whole; it acts at once. A text with a fault is refused",
        openapi_extra=TEXT,
    )
    async def put(request: Request, response: Response, if_match: IfMatch = None) -> CatalogWritten:
        if if_match is None:
            message = "cannot tell which text was changed: send the `etag` of the one you read as If-Match"
            raise Problem.of(ErrorCode.MISSING_REQUIRED_PARAMETER, message, "If-Match")
        written = await editor.replace(await _body(request), if_match)
        response.headers["etag"] = written.etag
        return written

    return routes


async def _body(request: Request) -> str:
    """Raises `Problem`."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BYTES:
            message = f"cannot take a models.json of over {LARGEST_BYTES >> 20} MiB"
            raise Problem.of(ErrorCode.REQUEST_TOO_LARGE, message)
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        message = f"cannot read byte {error.start} of the text as UTF-8; send UTF-8"
        raise Problem.of(ErrorCode.INVALID_VALUE, message) from error
