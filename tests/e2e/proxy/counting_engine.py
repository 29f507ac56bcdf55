"""An engine that counts: `max_tokens` numbered events, one every 50 ms, and a proper end.

Imports little, so that it starts at once. Takes the image server's flags.
"""

import asyncio
import json
import re
import sys

PACE_S = 0.05
PHASES = 5
flags = dict(zip(sys.argv[1::2], sys.argv[2::2]))  # noqa: B905 - flags and their values
groups = [set() for _ in range(PHASES)]
turn = 0


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


class Engine(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.held = b""
        self.number = self.count = 0

    def connection_lost(self, exc):
        for group in groups:
            group.discard(self)

    def data_received(self, data):
        self.held += data
        head, found, body = self.held.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
        if found and len(body) >= (int(length[1]) if length else 0):
            self.held = b""
            self.answer(json.loads(body or b"{}"))

    def answer(self, asked):
        global turn
        if asked.get("stream"):
            self.transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            )
            self.number, self.count = 0, asked["max_tokens"]
            turn += 1
            groups[turn % PHASES].add(self)
            return
        reply = b'{"choices": [{"message": {"role": "assistant", "content": "hi"}}]}'
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(reply)
        self.transport.write(head + reply)

    def step(self, group):
        event = b'data: {"choices": [{"index": 0, "delta": {"content": "%d "}}]}\n\n' % self.number
        self.transport.write(chunk(event))
        self.number += 1
        if self.number == self.count:
            self.transport.write(chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
            group.discard(self)


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Engine, flags["--host"], int(flags["--port"]), backlog=512)
    print("ready", server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
    while True:
        for group in groups:
            await asyncio.sleep(PACE_S / PHASES)
            for engine in list(group):
                engine.step(group)


asyncio.run(main())
