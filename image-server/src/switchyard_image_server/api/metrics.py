"""`GET /metrics`, for Prometheus."""

import asyncio

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from switchyard_image_server.api.openapi import answers
from switchyard_image_server.parts import Parts


def routes(parts: Parts) -> APIRouter:
    router = APIRouter()

    @router.get(
        "/metrics",
        summary="Counters for Prometheus",
        response_class=Response,
        responses=answers(of=(CONTENT_TYPE_LATEST,)),
    )
    async def metrics() -> Response:
        text = await asyncio.to_thread(parts.counters.text)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    return router
