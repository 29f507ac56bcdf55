"""anthropic-python takes orders."""

import time
from typing import Any

import anthropic
from anthropic import AsyncAnthropic
from orders import Order, Told, obey

ASK: Any = [{"role": "user", "content": "hi"}]


def client(order: Order, told: Told) -> AsyncAnthropic:
    async def count(_: Any) -> None:
        told["attempts"] += 1

    return AsyncAnthropic(
        base_url=order["base_url"],
        api_key=order.get("key", "none"),
        max_retries=order.get("retries", 0),
        default_headers=order.get("headers"),
        http_client=anthropic.DefaultAsyncHttpxClient(event_hooks={"request": [count]}, verify=False),
    )


async def message(order: Order, told: Told) -> None:
    told.update(text="", types=[], finish=None)
    asked: dict[str, Any] = {"model": order["model"], "max_tokens": 16, "messages": ASK}
    async with client(order, told) as anthropic_:
        if not order.get("stream"):
            whole = await anthropic_.messages.create(**asked)
            told.update(text=whole.content[0].text, finish=whole.stop_reason, request_id=whole._request_id)
            return
        began = time.monotonic()
        async for event in await anthropic_.messages.create(**asked, stream=True):
            told["at"].append(time.monotonic() - began)
            told["types"].append(event.type)
            if event.type == "content_block_delta":
                told["text"] += event.delta.text
            if event.type == "message_delta":
                told["finish"] = event.delta.stop_reason


async def helper(order: Order, told: Told) -> None:
    """The stream helper, which puts the message together."""
    async with (
        client(order, told) as anthropic_,
        anthropic_.messages.stream(model=order["model"], max_tokens=16, messages=ASK) as stream,
    ):
        whole = await stream.get_final_message()
        told.update(text=whole.content[0].text, finish=whole.stop_reason)


async def count_tokens(order: Order, told: Told) -> None:
    async with client(order, told) as anthropic_:
        told["tokens"] = (
            await anthropic_.messages.count_tokens(model=order["model"], messages=ASK)
        ).input_tokens


if __name__ == "__main__":
    obey({"message": message, "helper": helper, "count_tokens": count_tokens})
