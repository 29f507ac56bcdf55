"""Server-sent events out of bytes. Knows the format, and nothing of what is in it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    kind: str
    data: str


async def messages(chunks: AsyncIterator[bytes]) -> AsyncIterator[Message]:
    """Comments (heartbeats) and messages without data are left out."""
    kind, data = "message", list[str]()
    async for line in _lines(chunks):
        name, _, value = line.partition(":")
        if not line:
            if data:
                yield Message(kind, "\n".join(data))
            kind, data = "message", []
        elif name == "event":
            kind = value.removeprefix(" ")
        elif name == "data":
            data.append(value.removeprefix(" "))


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """Ended by a line feed and nothing else: a log may hold every other character that somebody breaks at."""
    kept = b""
    async for chunk in chunks:
        *whole, kept = (kept + chunk).split(b"\n")
        for line in whole:
            yield line.removesuffix(b"\r").decode("utf-8", "replace")
