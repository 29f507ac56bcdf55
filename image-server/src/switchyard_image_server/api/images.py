"""`POST /v1/images/generations`."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from switchyard_image_server.api.body import read_body
from switchyard_image_server.api.leaving import while_present
from switchyard_image_server.api.openapi import json_body
from switchyard_image_server.engine import Draws, Engine
from switchyard_image_server.errors import WrongEndpoint
from switchyard_image_server.images.encode import encode
from switchyard_image_server.images.events import Drawn, Finished, ImageEvent, Step
from switchyard_image_server.images.order import Order, settle_order
from switchyard_image_server.images.reply import reply
from switchyard_image_server.images.request import ImageRequest
from switchyard_image_server.worker import Ticket

SEED_BITS = 32  # exact in every client's numbers


def routes(engine: Engine, now: Callable[[], float]) -> APIRouter:
    router = APIRouter()

    @router.post("/v1/images/generations", summary="Draw pictures", openapi_extra=json_body(ImageRequest))
    async def generations(request: Request) -> Response:
        asked = await read_body(request, ImageRequest)
        model = _drawing(engine, asked.model)
        order = settle_order(asked, model.facts, lambda: secrets.randbits(SEED_BITS))

        def work(ticket: Ticket[ImageEvent]) -> None:
            model.draw(order, ticket)

        ticket = engine.submit(work)
        answer = await while_present(request, ticket, _whole(ticket.events(), asked, order, int(now())))
        return JSONResponse(answer)

    return router


def _drawing(engine: Engine, asked: str | None) -> Draws:
    model = engine.model_named(asked)
    if model.kind != "image":
        raise WrongEndpoint(
            f"cannot draw with {engine.name}: it writes text; use /v1/chat/completions", param="model"
        )
    return model


async def _whole(
    events: AsyncIterator[ImageEvent], asked: ImageRequest, order: Order, created: int
) -> dict[str, object]:
    encoded: list[tuple[str, int]] = []
    answer: dict[str, object] = {}
    async for event in events:
        match event:
            case Step():
                pass
            case Drawn(image, seed):
                content = await asyncio.to_thread(
                    encode, image, asked.output_format, asked.background, asked.output_compression
                )
                encoded.append((content, seed))
            case Finished():
                answer = reply(asked, order, encoded, event, created)
    return answer
