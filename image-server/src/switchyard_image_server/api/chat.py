"""`POST /v1/chat/completions`, streamed or whole."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from switchyard_image_server.api.body import read_body
from switchyard_image_server.api.lanes import lane_of
from switchyard_image_server.api.leaving import while_present
from switchyard_image_server.api.openapi import CHAT, EVENTS, JSON, answers, json_body
from switchyard_image_server.api.sse import DONE, EventStream, frame
from switchyard_image_server.chat import budget
from switchyard_image_server.chat.conversation import Conversation, read_conversation
from switchyard_image_server.chat.counted import Counted, Level
from switchyard_image_server.chat.events import ChatEvent
from switchyard_image_server.chat.forms import check_form
from switchyard_image_server.chat.habits import habits_of, with_effort
from switchyard_image_server.chat.protocol import Talks
from switchyard_image_server.chat.reply import Reply
from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.chat.telling import Manner, Stream, Whole
from switchyard_image_server.engine import Engine
from switchyard_image_server.errors import WrongEndpoint
from switchyard_image_server.media.videos import Sampling
from switchyard_image_server.parts import Parts
from switchyard_image_server.worker import Steps, Ticket

LEVEL_HEADER = "x-switchyard-token-level"
MEMORY_HEADER = "x-switchyard-memory"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that nothing speaks against, as far as can be said without the model."""

    asked: ChatRequest
    conversation: Conversation
    counted: Counted
    manner: Manner


def routes(parts: Parts) -> APIRouter:
    router = APIRouter()

    @router.post(
        "/v1/chat/completions",
        summary="Answer a conversation",
        openapi_extra=json_body(ChatRequest),
        responses=answers(*CHAT, of=(JSON, EVENTS)),
    )
    async def chat(request: Request) -> Response:
        prepared = await _prepared(parts, await read_body(request, ChatRequest))
        asked = prepared.asked
        ticket = _queued(parts.engine, prepared, lane_of(request, asked.user))
        reply = _reply(parts, prepared)
        answer = (
            await _streamed(request, ticket, Stream(reply, prepared.manner))
            if asked.stream
            else await while_present(request, ticket, _whole(ticket, Whole(reply, prepared.manner)))
        )
        level = budget.level(prepared.counted.total, parts.settings.budget)
        if level is not Level.OK:
            answer.headers[LEVEL_HEADER] = str(level)
        return answer

    return router


async def _prepared(parts: Parts, asked: ChatRequest) -> Prepared:
    model = _talker(parts.engine, asked.model)
    habits = habits_of(model.template)
    manner = Manner(habits, check_form(asked, habits), asked.n, asked.continues)
    asked = with_effort(asked, habits)
    settings = parts.settings.model
    conversation = await read_conversation(
        asked,
        parts.media,
        sees=model.kind == "vision",
        labels=parts.settings.labels,
        sampling=Sampling(fps=settings.video_fps, most=settings.max_video_frames),
    )
    counted, tokens = await asyncio.to_thread(model.counter.spell, asked, conversation)
    if (refusal := budget.refusal(counted, asked.answer_limit)) is not None:
        raise refusal
    if not (conversation.pictures or conversation.videos):
        conversation = replace(conversation, spelled=tokens)
    return Prepared(asked, conversation, counted, manner)


def _talker(engine: Engine, asked: str | None) -> Talks:
    model = engine.model_named(asked)
    if model.kind == "image":
        raise WrongEndpoint(
            f"cannot chat with {engine.name}: it makes images; use /v1/images/generations", param="model"
        )
    return model


def _queued(engine: Engine, prepared: Prepared, lane: str) -> Ticket[ChatEvent]:
    """Asks for the model again: it may have fallen asleep while the request was prepared."""
    model = _talker(engine, prepared.asked.model)

    def work(ticket: Ticket[ChatEvent]) -> Steps:
        return model.answer(prepared.asked, prepared.conversation, ticket)

    return engine.submit(work, lane)


def _reply(parts: Parts, prepared: Prepared) -> Reply:
    return Reply(
        id=f"chatcmpl-{secrets.token_hex(12)}",
        created=int(parts.now()),
        model=parts.engine.name,
        with_usage=prepared.asked.wants_usage,
        with_odds=prepared.asked.logprobs,
        counted=prepared.counted,
    )


async def _whole(ticket: Ticket[ChatEvent], whole: Whole) -> Response:
    for event in await ticket.everything():
        whole.hear(event)
    headers = {} if whole.end.note is None else {MEMORY_HEADER: whole.end.note}
    return JSONResponse(whole.body(), headers=headers)


async def _streamed(request: Request, ticket: Ticket[ChatEvent], stream: Stream) -> Response:
    events = ticket.events()
    # Until the prompt is being read, a refusal can still have its own status.
    started = await while_present(request, ticket, anext(events))
    return EventStream(_frames(started, events, stream), ticket.cancel)


async def _frames(started: ChatEvent, events: AsyncIterator[ChatEvent], stream: Stream) -> AsyncIterator[bytes]:
    for chunk in stream.chunks(started):
        yield frame(chunk)
    async for event in events:
        for chunk in stream.chunks(event):
            yield frame(chunk)
    yield DONE
