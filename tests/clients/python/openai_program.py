"""openai-python takes orders. Runs with version 2 and with version 3 of it."""

import asyncio
import base64
import io
import time
from typing import Any

import openai
from openai import AsyncOpenAI
from orders import Does, Order, Told, carry_out, obey

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
ASK = [{"role": "user", "content": "hi"}]
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


def client(order: Order, told: Told) -> AsyncOpenAI:
    async def count(_: Any) -> None:
        told["attempts"] += 1

    # No TLS here, and reading the certificates takes longer than most orders.
    http = openai.DefaultAsyncHttpxClient(event_hooks={"request": [count]}, verify=False)
    return AsyncOpenAI(
        base_url=order["base_url"],
        api_key=order.get("key", "none"),
        max_retries=order.get("retries", 0),
        timeout=order.get("timeout", openai.DEFAULT_TIMEOUT),
        default_headers=order.get("headers"),
        http_client=http,
    )


def fields(order: Order, **more: Any) -> dict[str, Any]:
    chosen: dict[str, Any] = {"model": order["model"], "extra_body": order.get("extra"), **more}
    if order.get("stream"):
        chosen["stream"] = True
    if order.get("include_usage"):
        chosen["stream_options"] = {"include_usage": True}
    return chosen


async def chat(order: Order, told: Told) -> None:
    told.update(text="", reasoning="", tools="", ids=[], usages=[], finish=None, chunks=0)
    asked = fields(order, messages=order.get("messages", ASK))
    if order.get("tools"):
        asked["tools"] = [TOOL]
    async with client(order, told) as openai_:
        if not order.get("stream"):
            whole = await openai_.chat.completions.create(**asked)
            choice = whole.choices[0]
            told.update(
                text=choice.message.content,
                finish=choice.finish_reason,
                request_id=whole._request_id,
                ids=[whole.id],
                model=whole.model,
            )
            told["tools"] = "".join(call.function.arguments for call in choice.message.tool_calls or ())
            return
        began = time.monotonic()
        stream = await openai_.chat.completions.create(**asked)
        told["request_id"] = stream.response.headers.get("x-request-id")
        told["headers"] = dict(stream.response.headers)
        async for chunk in stream:
            told["at"].append(time.monotonic() - began)
            chat_chunk(chunk, told)
            if told["chunks"] == order.get("leave_after"):
                await stream.close()
                return


def chat_chunk(chunk: Any, told: Told) -> None:
    told["chunks"] += 1
    told["model"] = chunk.model
    identity = [chunk.id, chunk.created]
    if identity not in told["ids"]:
        told["ids"].append(identity)
    if chunk.usage is not None:
        told["usages"].append([told["chunks"], chunk.usage.total_tokens])
    for choice in chunk.choices:
        delta = choice.delta
        told["text"] += delta.content or ""
        told["reasoning"] += getattr(delta, "reasoning_content", None) or ""
        for call in delta.tool_calls or ():
            told["tools"] += call.function.arguments or ""
        told["finish"] = choice.finish_reason or told["finish"]


async def leave(order: Order, told: Told) -> None:
    """Ask, and go away after `after_s`, whatever has come until then."""
    try:
        async with asyncio.timeout(order["after_s"]):
            await chat(order, told)
    except TimeoutError:
        told["left"] = True


async def many(order: Order, told: Told) -> None:
    """So many streams at the same time."""
    one = {**order, "do": "chat", "stream": True}
    seen = await asyncio.gather(*(carry_out({"chat": chat}, one) for _ in range(order["count"])))
    told.update(
        texts=sorted({each["text"] for each in seen}), errors=[each["error"] for each in seen if each["error"]]
    )


async def completion(order: Order, told: Told) -> None:
    told.update(text="", ids=[], finish=None)
    async with client(order, told) as openai_:
        answer = await openai_.completions.create(**fields(order, prompt="hi"))
        if not order.get("stream"):
            told.update(text=answer.choices[0].text, ids=[answer.id])
            return
        async for chunk in answer:
            if [chunk.id, chunk.created] not in told["ids"]:
                told["ids"].append([chunk.id, chunk.created])
            for choice in chunk.choices:
                told["text"] += choice.text
                told["finish"] = choice.finish_reason or told["finish"]


async def respond(order: Order, told: Told) -> None:
    told.update(text="", types=[], numbers=[], ids=[])
    asked = fields(order, input="hi", **order.get("asks", {}))
    async with client(order, told) as openai_:
        answer = await openai_.responses.create(**asked)
        if not order.get("stream"):
            told.update(text=answer.output_text, status=answer.status, id=answer.id)
            return
        async for event in answer:
            response_event(event, told)
            if len(told["types"]) == order.get("leave_after"):
                await answer.close()
                return


def response_event(event: Any, told: Told) -> None:
    told["types"].append(event.type)
    told["numbers"].append(getattr(event, "sequence_number", None))
    if event.type == "response.output_text.delta":
        told["text"] += event.delta
    if event.type == "error":
        told["code"] = event.code
    response = getattr(event, "response", None)
    if response is not None:
        told.update(id=response.id, status=response.status)
        if response.id not in told["ids"]:
            told["ids"].append(response.id)


async def retrieve(order: Order, told: Told) -> None:
    """A kept response again: whole, as a stream from `starting_after`, or through the helper."""
    told.update(text="", types=[], numbers=[], ids=[])
    async with client(order, told) as openai_:
        if order.get("helper"):
            more = {"starting_after": order["starting_after"]} if "starting_after" in order else {}
            async with openai_.responses.stream(response_id=order["id"], **more) as stream:
                async for event in stream:
                    response_event(event, told)
                told["final"] = (await stream.get_final_response()).output_text
        elif order.get("stream"):
            more = {"starting_after": order["starting_after"]} if "starting_after" in order else {}
            async for event in await openai_.responses.retrieve(order["id"], stream=True, **more):
                response_event(event, told)
        else:
            answer = await openai_.responses.retrieve(order["id"])
            told.update(text=answer.output_text, status=answer.status, id=answer.id)


async def cancel(order: Order, told: Told) -> None:
    async with client(order, told) as openai_:
        answer = await openai_.responses.cancel(order["id"])
        told.update(status=answer.status, id=answer.id)


async def models(order: Order, told: Told) -> None:
    async with client(order, told) as openai_:
        told["models"] = [model.id async for model in openai_.models.list()]


async def model(order: Order, told: Told) -> None:
    async with client(order, told) as openai_:
        told["id"] = (await openai_.models.retrieve(order["model"])).id


async def embed(order: Order, told: Told) -> None:
    async with client(order, told) as openai_:
        answer = await openai_.embeddings.create(model=order["model"], input="hi")
        told["vector"] = answer.data[0].embedding


async def picture(order: Order, told: Told) -> None:
    """Drawn, or drawn anew where `images` says how many there are."""
    told.update(types=[], pictures=[])
    asked = fields(order, prompt="a lighthouse", **order.get("asks", {}))
    async with client(order, told) as openai_:
        if "images" in order:
            given = [("picture.png", io.BytesIO(PICTURE), "image/png") for _ in range(order["images"] or 1)]
            asked["image"] = given[0] if order["images"] == 0 else given
            if order.get("mask"):
                asked["mask"] = ("mask.png", io.BytesIO(PICTURE), "image/png")
            answer = await openai_.images.edit(**asked)
        else:
            answer = await openai_.images.generate(**asked)
        if not order.get("stream"):
            told["pictures"] = [item.b64_json for item in answer.data]
            return
        async for event in answer:
            # Types by which the client reads events it does not check: a model of its own does.
            told["types"].append(event.type)
            type(event).model_validate(event.to_dict())
            if event.type.endswith(".completed"):
                told["pictures"].append(event.b64_json)
                told["usage"] = event.usage.to_dict()


KNOWN: dict[str, Does] = {
    "chat": chat,
    "leave": leave,
    "many": many,
    "completion": completion,
    "respond": respond,
    "retrieve": retrieve,
    "cancel": cancel,
    "models": models,
    "model": model,
    "embed": embed,
    "picture": picture,
}

if __name__ == "__main__":
    obey(KNOWN)
