"""A sink that keeps what it is given, a clock that moves when told, and what an engine may say."""

import json
from dataclasses import dataclass, field
from typing import Any

from switchyard_proxy.asgi import Header

SSE: list[Header] = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]
SECOND = 1_000_000_000
NOON = 1_700_000_000 * SECOND


@dataclass
class Kept:
    """Where a reply ends up in a test."""

    started: bool = False
    complete: bool = False
    status: int = 0
    headers: dict[bytes, bytes] = field(default_factory=dict)
    parts: list[bytes] = field(default_factory=list)

    async def start(self, status: int, headers: list[Header]) -> None:
        assert not self.started
        self.started, self.status, self.headers = True, status, dict(headers)

    async def body(self, data: bytes, *, last: bool) -> None:
        assert self.started
        assert not self.complete
        self.parts.append(data)
        self.complete = last

    async def beat(self, data: bytes) -> None:
        await self.body(data, last=False)

    @property
    def whole(self) -> bytes:
        return b"".join(self.parts)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.whole.splitlines()]


@dataclass
class Clock:
    """In Unix nanoseconds."""

    now: int = NOON

    def __call__(self) -> int:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)


def sse(*chunks: dict[str, Any], done: bool = True) -> bytes:
    said = b"".join(b"data: %b\n\n" % json.dumps(chunk, ensure_ascii=False).encode() for chunk in chunks)
    return said + (b"data: [DONE]\n\n" if done else b"")


def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"id": "e", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def usage(tokens_in: int, tokens_out: int) -> dict[str, Any]:
    return {"id": "e", "choices": [], "usage": {"prompt_tokens": tokens_in, "completion_tokens": tokens_out}}
