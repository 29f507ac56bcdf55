"""`GET /v1/images/files/{name}`: a finished picture. Its name is the key; no other is asked for."""

from fastapi import APIRouter
from starlette.responses import Response

from switchyard_image_server.api.openapi import PICTURES, answers
from switchyard_image_server.errors import UnknownFile
from switchyard_image_server.files import PATH
from switchyard_image_server.parts import Parts


def routes(parts: Parts) -> APIRouter:
    router = APIRouter()
    files = parts.files

    @router.get(
        f"{PATH}/{{name}}",
        summary="A finished picture, for as long as it is kept",
        response_class=Response,
        responses=answers(UnknownFile, of=PICTURES),
    )
    @router.head(f"{PATH}/{{name}}", include_in_schema=False)
    async def file(name: str) -> Response:
        found = files.get(name)
        headers = {
            # Whoever has the picture may keep it as long as this server would; nobody on the way may.
            "cache-control": f"private, max-age={int(files.left_s(name))}, immutable",
            "x-content-type-options": "nosniff",
        }
        return Response(found.content, media_type=found.media_type, headers=headers)

    return router
