"""The ollama client takes orders."""

from ollama import AsyncClient
from orders import Order, Told, obey

ASK = [{"role": "user", "content": "hi"}]


async def listed(order: Order, told: Told) -> None:
    told["models"] = [model.model for model in (await AsyncClient(host=order["base_url"]).list()).models]


async def running(order: Order, told: Told) -> None:
    told["models"] = [model.model for model in (await AsyncClient(host=order["base_url"]).ps()).models]


async def show(order: Order, told: Told) -> None:
    answer = await AsyncClient(host=order["base_url"]).show(order["model"])
    told["capabilities"] = list(answer.capabilities or ())


async def chat(order: Order, told: Told) -> None:
    told.update(text="", done=False)
    client = AsyncClient(host=order["base_url"])
    if not order.get("stream"):
        answer = await client.chat(model=order["model"], messages=ASK)
        told.update(text=answer.message.content, done=answer.done)
        return
    async for part in await client.chat(model=order["model"], messages=ASK, stream=True):
        told["text"] += part.message.content or ""
        told["done"] = part.done


async def generate(order: Order, told: Told) -> None:
    answer = await AsyncClient(host=order["base_url"]).generate(model=order["model"], prompt="hi")
    told.update(text=answer.response, done=answer.done)


async def embed(order: Order, told: Told) -> None:
    answer = await AsyncClient(host=order["base_url"]).embed(model=order["model"], input="hi")
    told["vector"] = list(answer.embeddings[0])


if __name__ == "__main__":
    obey({"list": listed, "ps": running, "show": show, "chat": chat, "generate": generate, "embed": embed})
