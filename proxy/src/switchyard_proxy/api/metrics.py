"""`GET /metrics`: the proxy in numbers, as Prometheus reads them. What they are is in `accounting.metrics`."""

import asyncio

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from switchyard_proxy.accounting.metrics import Metrics


def router(metrics: Metrics) -> APIRouter:
    routes = APIRouter(tags=["metrics"])

    @routes.get(
        "/metrics",
        summary="The proxy in numbers, as Prometheus reads them",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}},
    )
    async def text() -> Response:
        # With several workers it reads their files.
        return Response(await asyncio.to_thread(metrics.text), media_type=CONTENT_TYPE_LATEST)

    return routes
