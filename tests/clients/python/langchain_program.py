"""langchain-openai takes orders. It gives up on a stream that brings no parsed chunk for a while."""

import time

from langchain_openai import ChatOpenAI
from orders import Order, Told, obey


async def chat(order: Order, told: Told) -> None:
    told.update(text="", chunks=0)
    model = ChatOpenAI(
        model=order["model"],
        base_url=order["base_url"],
        api_key=order.get("key", "none"),
        max_retries=order.get("retries", 0),
        use_responses_api=False,
    )
    if not order.get("stream"):
        told["text"] = str((await model.ainvoke("hi")).content)
        return
    began = time.monotonic()
    async for chunk in model.astream("hi"):
        told["at"].append(time.monotonic() - began)
        told["chunks"] += 1
        told["text"] += str(chunk.content)


if __name__ == "__main__":
    obey({"chat": chat})
