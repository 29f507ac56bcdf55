"""`POST /v1/images/generations` and `/v1/images/edits`: whole, streamed, or as jobs."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from switchyard_image_server.api.body import LARGE, parse_values, read_body
from switchyard_image_server.api.forms import MIB, Kinds, is_form, read_form
from switchyard_image_server.api.lanes import lane_of
from switchyard_image_server.api.leaving import while_present
from switchyard_image_server.api.openapi import (
    EVENTS,
    JSON,
    WORK,
    answers,
    form_or_json,
    json_body,
    succeeds,
    switch,
)
from switchyard_image_server.api.origin import origin_of, prefix_of
from switchyard_image_server.api.pictures import UPLOADS, Sources, bring, sources_in, sources_of
from switchyard_image_server.api.sse import EventStream, frame
from switchyard_image_server.engine import Draws, Engine
from switchyard_image_server.errors import InvalidValue, WrongEndpoint
from switchyard_image_server.files import File, Files
from switchyard_image_server.images.encode import Encoded, encode
from switchyard_image_server.images.events import Drawn, Finished, ImageEvent, Preview, Step
from switchyard_image_server.images.order import Given, Order, settle_order
from switchyard_image_server.images.reply import Reply, Shown, as_json
from switchyard_image_server.images.request import EditRequest, ImageRequest
from switchyard_image_server.jobs import JobOrder
from switchyard_image_server.parts import Parts
from switchyard_image_server.worker import Ticket

SEED_BITS = 32  # exact in every client's numbers
MAX_JSON = 96 * MIB  # a picture of 50 MiB is 67 MiB of base64
NESTED = frozenset({"seed", "sigmas", "lora"})
MEMORY_HEADER = "x-switchyard-memory"
AS_JOB = switch("async", default="false")
ANSWERS = {**answers(*WORK, of=(JSON, EVENTS)), 202: succeeds("The job that was begun")}
_SAID_ASYNC = {"true": True, "1": True, "false": False, "0": False}


def routes(parts: Parts) -> APIRouter:
    router = APIRouter()

    @router.post(
        "/v1/images/generations",
        summary="Draw pictures",
        openapi_extra=AS_JOB | json_body(ImageRequest),
        responses=ANSWERS,
    )
    async def generations(request: Request) -> Response:
        return await _answer(parts, request, await _from_json(parts, request, ImageRequest))

    @router.post(
        "/v1/images/edits",
        summary="Draw pictures after others, or change them",
        openapi_extra=AS_JOB | form_or_json(EditRequest, UPLOADS),
        responses=ANSWERS,
    )
    async def edits(request: Request) -> Response:
        if not is_form(request):
            return await _answer(parts, request, await _from_json(parts, request, EditRequest))
        with await read_form(request, Kinds(UPLOADS, NESTED)) as form:
            wish = await _read(parts, request, parse_values(form.fields, EditRequest), sources_in(form))
        return await _answer(parts, request, wish)

    return router


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is asked for, and the pictures that came with it. The body that they came in is forgotten."""

    asked: ImageRequest
    given: Given


async def _from_json(parts: Parts, request: Request, kind: type[ImageRequest]) -> _Wish:
    asked = await read_body(request, kind, MAX_JSON)
    return await _read(parts, request, asked, sources_of(asked))


async def _read(parts: Parts, request: Request, asked: ImageRequest, sources: Sources) -> _Wish:
    asked = asked.at_once_or_later(as_job=_said_async(request))
    _drawing(parts.engine, asked.model)  # whoever is wrong here need not wait for the pictures to be read
    return _Wish(asked.without_images(), await bring(sources, parts.media))


async def _answer(parts: Parts, request: Request, wish: _Wish) -> Response:
    """From here to the queue there is no pause: the model that was found awake takes the work awake."""
    asked = wish.asked
    model = _drawing(parts.engine, asked.model)
    order = settle_order(asked, wish.given, model.facts, lambda: secrets.randbits(SEED_BITS))
    ticket = _submitted(parts.engine, model, order, lane_of(request, asked.client))
    reply = Reply(asked, int(parts.now()), quality_counts=_by_quality(asked, order, model))
    printer = Printer(reply, parts.files, origin_of(request, parts.settings.results.public_url))
    if asked.as_job:
        prefix = "" if parts.settings.results.public_url else prefix_of(request)
        return _job(parts, printer, ticket, prefix)
    if not asked.stream:
        # Several are encoded while the others are drawn. After the last, the work is all but over: to wake the
        # loop in the midst of that would cost the worker more than it gains.
        ticket.wake_only_for(*([Drawn] if order.pictures > 1 else []))
        return await _whole(await while_present(request, ticket, printer.whole(ticket.events())))
    # Until something comes of it, a refusal can still have its own status.
    events = ticket.events()
    first = await while_present(request, ticket, anext(events, None))
    return EventStream(printer.frames(_again(first, events)), ticket.cancel, error_event="error")


def _by_quality(asked: ImageRequest, order: Order, model: Draws) -> bool:
    """Whether the number of steps was left to the quality: not to the caller, the model or a LoRA."""
    fixed = model.facts.fixed_steps is not None or asked.asked_steps is not None
    return not (fixed or order.sigmas or order.schedule)


def _said_async(request: Request) -> bool | None:
    """The address may ask for a job, too: for clients that cannot add to the body."""
    said = request.query_params.get("async")
    if said is None:
        return None
    if said.lower() not in _SAID_ASYNC:
        raise InvalidValue(f"cannot read async={said[:20]!r} in the address: say true or false", param="async")
    return _SAID_ASYNC[said.lower()]


def _drawing(engine: Engine, asked: str | None) -> Draws:
    model = engine.model_named(asked)
    if model.kind != "image":
        raise WrongEndpoint(
            f"cannot draw with {engine.name}: it writes text; use /v1/chat/completions", param="model"
        )
    return model


def _submitted(engine: Engine, model: Draws, order: Order, lane: str) -> Ticket[ImageEvent]:
    def work(ticket: Ticket[ImageEvent]) -> None:
        model.draw(order, ticket)

    return engine.submit(work, lane)


def _job(parts: Parts, printer: "Printer", ticket: Ticket[ImageEvent], prefix: str) -> Response:
    asked = printer.reply.request
    kind = "image.edit" if isinstance(asked, EditRequest) else "image.generation"
    try:
        job = parts.jobs.start(JobOrder(kind, ticket, printer.whole, asked.webhook, prefix))
    except BaseException:
        ticket.cancel()  # a job that was refused must not be drawn
        raise
    return JSONResponse(job, 202, {"location": job["links"]["self"]})


async def _whole(body: Mapping[str, Any]) -> Response:
    note = str(body.get("memory", ""))
    large = sum(len(one.get("b64_json", "")) for one in body["data"]) >= LARGE
    content = await asyncio.to_thread(as_json, body) if large else as_json(body)
    headers = {MEMORY_HEADER: _as_header(note)} if note else None
    return Response(content, headers=headers, media_type="application/json")


def _as_header(text: str) -> str:
    return " ".join(text.split()).encode("ascii", "replace").decode()


async def _again(first: ImageEvent | None, events: AsyncIterator[ImageEvent]) -> AsyncIterator[ImageEvent]:
    if first is not None:
        yield first
    async for event in events:
        yield event


@dataclass(frozen=True, slots=True)
class Printer:
    """Makes an answer out of what the worker tells."""

    reply: Reply
    files: Files
    origin: str

    async def whole(self, events: AsyncIterator[ImageEvent]) -> dict[str, Any]:
        shown: list[Shown] = []
        body: dict[str, Any] = {}
        async for event in events:
            match event:
                case Step() | Preview():
                    pass
                case Drawn(image, seed, layer):
                    shown.append(await self._shown(image, seed, layer, shown))
                case Finished():
                    body = self.reply.whole(shown, event)
        return body

    async def frames(self, events: AsyncIterator[ImageEvent]) -> AsyncIterator[bytes]:
        """The finished pictures come last, because each must say what the whole request has used."""
        shown: list[Shown] = []
        async for event in events:
            match event:
                case Step():
                    if self.reply.request.progress:
                        yield _told(self.reply.progress(event))
                case Preview(picture, index, image):
                    encoded, content = await asyncio.to_thread(self._printed, image)
                    yield _told(self.reply.partial(encoded, content, picture, index))
                case Drawn(image, seed, layer):
                    shown.append(await self._shown(image, seed, layer, shown))
                case Finished():
                    for place, one in enumerate(shown):
                        yield _told(self.reply.completed(one, place, event))

    async def _shown(self, image: Image.Image, seed: int, layer: int | None, before: Sequence[Shown]) -> Shown:
        encoded, content = await asyncio.to_thread(self._printed, image)
        if self.reply.request.response_format == "url":
            beside = {one.content.rpartition("/")[2] for one in before}
            name = self.files.put(File(encoded.content, encoded.media_type), beside)
            content = f"{self.origin}/v1/images/files/{name}"
        return Shown(encoded, content, seed, layer)

    def _printed(self, image: Image.Image) -> tuple[Encoded, str]:
        asked = self.reply.request
        encoded = encode(image, asked.output_format, asked.background, asked.output_compression)
        return encoded, "" if asked.response_format == "url" else encoded.base64


def _told(event: Mapping[str, Any]) -> bytes:
    return frame(event, event["type"])
