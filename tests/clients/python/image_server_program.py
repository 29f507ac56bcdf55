"""openai-python takes orders for the image server, and holds every reply against its own types.

`faults` says what its types would not take, `beyond` which fields they do not know of.
"""

import asyncio
import base64
import io
import json
from typing import Any, Literal

from openai import AsyncOpenAI, BaseModel
from openai.types import (
    ImageEditCompletedEvent,
    ImageEditPartialImageEvent,
    ImageGenCompletedEvent,
    ImageGenPartialImageEvent,
    ImagesResponse,
    Model,
)
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai_program import client, fields
from orders import Order, Told, obey
from pydantic import BaseModel as Plain
from pydantic import Field, ValidationError

EVENTS: dict[str, type[BaseModel]] = {
    "image_generation.partial_image": ImageGenPartialImageEvent,
    "image_generation.completed": ImageGenCompletedEvent,
    "image_edit.partial_image": ImageEditPartialImageEvent,
    "image_edit.completed": ImageEditCompletedEvent,
}


class Shade(Plain):
    name: Literal["red", "green", "blue"]
    share: int = Field(ge=0, le=100)


class Shades(Plain):
    shades: list[Shade] = Field(min_length=1, max_length=3)
    moving: bool


def judge(kind: type[BaseModel], raw: Any, told: Told) -> None:
    """`raw` is what came over the wire: what the client made of it hides what was missing."""
    told["bodies"].append(raw)
    try:
        checked = kind.model_validate(raw, strict=True)
    except ValidationError as error:
        found = {".".join(map(str, fault["loc"])) + ": " + fault["type"] for fault in error.errors()}
        told["faults"] = sorted({*told["faults"], *found})
        checked = kind.construct(**raw)
    told["beyond"] = sorted({*told["beyond"], *beyond(checked)})


def beyond(value: Any, path: str = "") -> set[str]:
    if isinstance(value, list):
        return {name for each in value for name in beyond(each, path)}
    if not isinstance(value, BaseModel):
        return set()
    found = {path + name for name in value.model_extra or {}}
    for name in type(value).model_fields:
        found |= beyond(getattr(value, name, None), f"{path}{name}.")
    return found


def judged(told: Told) -> None:
    told.update(bodies=[], faults=[], beyond=[], types=[], headers={}, pictures=[])


def file(content: str, name: str) -> tuple[str, io.BytesIO, str]:
    return name, io.BytesIO(base64.b64decode(content)), "image/png"


def asking(order: Order) -> dict[str, Any]:
    asked = fields(order, **order.get("asks", {}))
    if "images" in order:
        files = [file(content, f"{number}.png") for number, content in enumerate(order["images"])]
        asked["image"] = files[0] if order.get("lone") else files
    if "mask" in order:
        asked["mask"] = file(order["mask"], "mask.png")
    return asked


async def picture(order: Order, told: Told) -> None:
    judged(told)
    async with client(order, told) as openai_:
        if order.get("stream"):
            await _streamed_pictures(openai_, order, told)
            return
        raw = openai_.images.with_raw_response
        reply = await (raw.edit if "images" in order else raw.generate)(**asking(order))
        told["headers"] = dict(reply.headers)
        judge(ImagesResponse, json.loads(reply.text), told)
        answer = reply.parse()
        told["pictures"] = [item.b64_json or item.url for item in answer.data or []]


async def _streamed_pictures(openai_: AsyncOpenAI, order: Order, told: Told) -> None:
    draw = openai_.images.edit if "images" in order else openai_.images.generate
    stream = await draw(**asking(order))
    told["headers"] = dict(stream.response.headers)
    async for event in stream:
        told["types"].append(event.type)
        if type(event) is not EVENTS[event.type]:
            told["faults"].append(f"{event.type} was read as {type(event).__name__}")
        judge(EVENTS[event.type], event.to_dict(), told)
        told["pictures"].append(event.b64_json)
        if len(told["types"]) == order.get("leave_after"):
            await stream.close()
            return


async def leave(order: Order, told: Told) -> None:
    """Ask, and go away after `after_s`, whatever has come until then."""
    try:
        async with asyncio.timeout(order["after_s"]):
            await picture(order, told)
    except TimeoutError:
        told["left"] = True


async def chat(order: Order, told: Told) -> None:
    judged(told)
    told.update(text={}, finish={})
    async with client(order, told) as openai_:
        if order.get("stream"):
            await _streamed_chat(openai_, order, told)
            return
        reply = await openai_.chat.completions.with_raw_response.create(**asking(order))
        told["headers"] = dict(reply.headers)
        judge(ChatCompletion, json.loads(reply.text), told)
        for choice in reply.parse().choices:
            told["text"][choice.index] = choice.message.content
            told["finish"][choice.index] = choice.finish_reason


async def _streamed_chat(openai_: AsyncOpenAI, order: Order, told: Told) -> None:
    stream = await openai_.chat.completions.create(**asking(order))
    told["headers"] = dict(stream.response.headers)
    async for chunk in stream:
        judge(ChatCompletionChunk, chunk.to_dict(), told)
        for choice in chunk.choices:
            before = told["text"].get(choice.index, "")
            told["text"][choice.index] = before + (choice.delta.content or "")
            told["finish"][choice.index] = choice.finish_reason or told["finish"].get(choice.index)
        if len(told["bodies"]) == order.get("leave_after"):
            await stream.close()
            return


async def helper(order: Order, told: Told) -> None:
    """The stream helper, which puts the calls together itself."""
    judged(told)
    async with client(order, told) as openai_, openai_.chat.completions.stream(**asking(order)) as stream:
        async for event in stream:
            told["types"].append(event.type)
        _first_choice(await stream.get_final_completion(), told)


async def parse(order: Order, told: Told) -> None:
    judged(told)
    async with client(order, told) as openai_:
        answer = await openai_.chat.completions.parse(**asking(order), response_format=Shades)
        _first_choice(answer, told)
        parsed = answer.choices[0].message.parsed
        told["parsed"] = None if parsed is None else parsed.model_dump()


def _first_choice(answer: Any, told: Told) -> None:
    choice = answer.choices[0]
    told.update(text=choice.message.content, finish=choice.finish_reason)
    told["calls"] = [
        {"id": call.id, "name": call.function.name, "arguments": json.loads(call.function.arguments)}
        for call in choice.message.tool_calls or ()
    ]


async def models(order: Order, told: Told) -> None:
    judged(told)
    async with client(order, told) as openai_:
        async for model in openai_.models.list():
            judge(Model, model.to_dict(), told)
        judge(Model, (await openai_.models.retrieve(order["model"])).to_dict(), told)


if __name__ == "__main__":
    obey(
        {
            "picture": picture,
            "leave": leave,
            "chat": chat,
            "helper": helper,
            "parse": parse,
            "models": models,
        }
    )
