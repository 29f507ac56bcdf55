"""A stream read byte for byte: whether it ended, and the events in it. For what a client library would hide."""

import json
from dataclasses import dataclass
from typing import Any

import httpx

from tests.clients.conftest import Yard

ROUTES = {
    "chat": "/v1/chat/completions",
    "completions": "/v1/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
    "pictures": "/v1/images/generations",
}
STREAMED: dict[str, dict[str, Any]] = {
    "chat": {"model": "chat", "messages": [{"role": "user", "content": "hi"}]},
    "completions": {"model": "chat", "prompt": "hi"},
    "responses": {"model": "chat", "input": "hi"},
    "messages": {"model": "chat", "max_tokens": 16, "messages": [{"role": "user", "content": "hi"}]},
    "pictures": {"model": "paint", "prompt": "a lighthouse", "partial_images": 1},
}


@dataclass(frozen=True, slots=True)
class Event:
    """One block between blank lines."""

    raw: bytes

    def field(self, name: str) -> str | None:
        """The first of that name; what a comment says has the name ``."""
        for line in self.raw.decode().splitlines():
            key, _, value = line.partition(":")
            if key == name:
                return value.removeprefix(" ")
        return None

    @property
    def is_comment(self) -> bool:
        return all(line.startswith(b":") for line in self.raw.splitlines())

    @property
    def json(self) -> Any:
        data = self.field("data")
        assert data is not None, self.raw
        return "[DONE]" if data == "[DONE]" else json.loads(data)


@dataclass(frozen=True, slots=True)
class Whole:
    """All bytes of a reply, and whether it ended as HTTP says that it must."""

    status: int
    headers: httpx.Headers
    content: bytes
    ended: bool

    @property
    def events(self) -> list[Event]:
        return [Event(block) for block in self.content.split(b"\n\n") if block.strip()]

    @property
    def said(self) -> list[Any]:
        """What the events carry, comments left out."""
        return [event.json for event in self.events if event.field("data") is not None]


async def read(
    yard: Yard, route: str, *, stream: bool = True, headers: dict[str, str] | None = None, **more: Any
) -> Whole:
    body = STREAMED[route] | ({"stream": True} if stream else {}) | more
    async with (
        yard.proxy.client() as http,
        http.stream("POST", ROUTES[route], json=body, headers=headers) as reply,
    ):
        content = bytearray()
        ended = True
        try:
            async for piece in reply.aiter_raw():
                content += piece
        except httpx.RemoteProtocolError:
            ended = False
        return Whole(reply.status_code, reply.headers, bytes(content), ended)


def text_of(route: str, said: list[Any]) -> str:
    """The words in it, in any dialect."""
    words = []
    for each in said:
        if each == "[DONE]":
            continue
        if route == "chat":
            words += [choice["delta"].get("content") or "" for choice in each["choices"]]
        elif route == "completions":
            words += [choice["text"] for choice in each["choices"]]
        elif each.get("type") == "response.output_text.delta":
            words.append(each["delta"])
        elif each.get("type") == "content_block_delta":
            words.append(each["delta"]["text"])
    return "".join(words)
