"""`POST /v1/chat/completions`, streamed or whole."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from switchyard_image_server.api.body import read_body
from switchyard_image_server.api.leaving import while_present
from switchyard_image_server.api.openapi import json_body
from switchyard_image_server.api.sse import DONE, EventStream, frame
from switchyard_image_server.chat.conversation import read_conversation
from switchyard_image_server.chat.events import ChatEvent, Finished, Piece, Started
from switchyard_image_server.chat.reply import Reply
from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.engine import Engine, Talks
from switchyard_image_server.errors import WrongEndpoint
from switchyard_image_server.worker import Ticket


def routes(engine: Engine, now: Callable[[], float]) -> APIRouter:
    router = APIRouter()

    @router.post("/v1/chat/completions", summary="Answer a conversation", openapi_extra=json_body(ChatRequest))
    async def chat(request: Request) -> Response:
        asked = await read_body(request, ChatRequest)
        ticket = await _queued(engine, asked)
        reply = Reply(
            id=f"chatcmpl-{secrets.token_hex(12)}",
            created=int(now()),
            model=engine.name,
            with_usage=asked.wants_usage,
        )
        events = ticket.events()
        if not asked.stream:
            return JSONResponse(await while_present(request, ticket, _whole(events, reply)))
        # Until the prompt is known to fit, a refusal can still have its own status.
        await while_present(request, ticket, anext(events))
        return EventStream(_frames(events, reply), ticket.cancel)

    return router


async def _queued(engine: Engine, asked: ChatRequest) -> Ticket[ChatEvent]:
    model = engine.model_named(asked.model)
    if model.kind == "image":
        raise WrongEndpoint(
            f"cannot chat with {engine.name}: it makes images; use /v1/images/generations", param="model"
        )
    return await _submitted(engine, model, asked)


async def _submitted(engine: Engine, model: Talks, asked: ChatRequest) -> Ticket[ChatEvent]:
    # Large pictures come as megabytes of base64: not on the loop.
    conversation = await asyncio.to_thread(read_conversation, asked, sees=model.kind == "vision")

    def work(ticket: Ticket[ChatEvent]) -> None:
        model.answer(asked, conversation, ticket)

    return engine.submit(work)


async def _whole(events: AsyncIterator[ChatEvent], reply: Reply) -> dict[str, object]:
    pieces: list[str] = []
    answer: dict[str, object] = {}
    async for event in events:
        match event:
            case Started():
                pass
            case Piece(text):
                pieces.append(text)
            case Finished():
                answer = reply.whole("".join(pieces), event)
    return answer


async def _frames(events: AsyncIterator[ChatEvent], reply: Reply) -> AsyncIterator[bytes]:
    yield frame(reply.opening())
    async for event in events:
        match event:
            case Started():
                pass
            case Piece(text):
                yield frame(reply.piece(text))
            case Finished():
                for chunk in reply.closing(event):
                    yield frame(chunk)
    yield DONE
