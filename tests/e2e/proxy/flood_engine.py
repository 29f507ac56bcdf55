"""An engine that is fast and never the bottleneck. What it does is told by the model's name in the request:

    paced    an event every 100 ms, numbered, as many as `max_tokens` says, and a proper end
    trickle  one every one and a half seconds
    flood    events as fast as they are taken, `max_tokens` MiB of them, and a proper end
    lump     the same in one event that has no line in it
    plain    the same as a document of known length
    silent   takes the request, and says nothing

Says its port in its first line.
"""

import asyncio
import itertools
import json
import re
from collections.abc import Coroutine
from typing import cast

import uvloop

MIB = 1024 * 1024
PACE_S = 0.1
TRICKLE_S = 1.5
PHASES = 10  # paced streams come in groups, not all in one breath
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\n%b\r\n\r\n"
STREAM = HEAD % (b"text/event-stream", b"transfer-encoding: chunked")
DONE = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(text: str) -> bytes:
    delta = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    told = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: " + json.dumps(told | {"choices": [delta]}).encode() + b"\n\n"


BATCH = [event("x" * 800)] * 64
FLOOD = b"".join(map(chunk, BATCH))
LUMP = chunk(b"x" * 65536)


paced: "list[set[Engine]]" = [set() for _ in range(PHASES)]
turns = itertools.cycle(paced)


class Engine(asyncio.Protocol):
    def __init__(self) -> None:
        self.held = b""
        self.number = self.count = 0
        self.flow: asyncio.Event | None = None
        self.working: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        for group in paced:
            group.discard(self)
        if self.working is not None:
            self.working.cancel()

    def data_received(self, data: bytes) -> None:
        self.held += data
        head, found, body = self.held.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if found and len(body) >= (int(length[1]) if length else 0):
            self.held = b""
            self.answer(body)

    def answer(self, body: bytes) -> None:
        asked = json.loads(body)
        self.number, self.count = 0, asked.get("max_tokens", 1)
        match asked["model"]:
            case "paced":
                self.transport.write(STREAM)
                next(turns).add(self)
            case "trickle":
                self.keep(self.trickle())
            case "flood":
                begin = chunk(event("0"))
                times = -(-self.count * MIB // sum(map(len, BATCH)))
                self.pour(STREAM + begin, FLOOD, times, DONE)
            case "lump":
                pieces = self.count * MIB // 65536
                self.pour(STREAM + chunk(b"data: "), LUMP, pieces, chunk(b"\n\n") + DONE)
            case "plain":
                length = b"content-length: %d" % (self.count * MIB)
                self.pour(HEAD % (b"application/json", length), bytes(65536), self.count * 16, b"")
            case _:
                pass

    def step(self, group: "set[Engine]") -> None:
        self.transport.write(chunk(event(f"{self.number} ")))
        self.number += 1
        if self.number == self.count:
            self.transport.write(DONE)
            group.discard(self)

    def pour(self, first: bytes, piece: bytes, times: int, last: bytes) -> None:
        self.keep(self.keep_pouring(first, piece, times, last))

    def keep(self, work: Coroutine[None, None, None]) -> None:
        self.working = asyncio.get_running_loop().create_task(work)

    async def trickle(self) -> None:
        self.transport.write(STREAM)
        for number in range(self.count):
            await asyncio.sleep(TRICKLE_S)
            self.transport.write(chunk(event(f"{number} ")))
        self.transport.write(DONE)

    async def keep_pouring(self, first: bytes, piece: bytes, times: int, last: bytes) -> None:
        self.transport.write(first)
        for _ in range(times):
            if self.flow is not None:
                await self.flow.wait()
            self.transport.write(piece)
        self.transport.write(last)

    def pause_writing(self) -> None:
        self.flow = asyncio.Event()

    def resume_writing(self) -> None:
        if self.flow is not None:
            self.flow.set()
        self.flow = None


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Engine, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
    while True:
        for group in paced:
            await asyncio.sleep(PACE_S / PHASES)
            for engine in list(group):
                engine.step(group)


uvloop.run(main())
