"""A client that sends its body in parts."""

import asyncio

from switchyard_proxy.asgi import Message, Receive


def arriving(*parts: bytes, then: Message | None = None) -> Receive:
    """`then` is what comes instead of the end."""
    messages: list[Message] = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    if then is None:
        messages[-1]["more_body"] = False
    else:
        messages.append(then)

    async def receive() -> Message:
        if messages:
            return messages.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    return receive
