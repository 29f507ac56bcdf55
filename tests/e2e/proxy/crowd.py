"""Clients by the thousand, of every kind that a proxy must bear; a process of its own, so that it has a core.

    crowd.py '{"port": …, "key": …, "seconds": …, "streams": …, "leavers": …, "mib": …}'

Streams follow each other on each of `streams` connections; every one must be whole: all its numbers in order,
[DONE], and a proper end. Every tenth could be resumed. `leavers` connect and go, each at another point. Two
clients take a byte a second, one of them of a stream that could be resumed. One takes `mib` MiB. Says what
became of all of them in one line of JSON.
"""

import asyncio
import json
import random
import re
import socket
import sys
from collections import Counter
from typing import Any, cast

import uvloop

MIB = 1024 * 1024
SHORTEST, LONGEST = 20, 80  # events of a stream
NUMBER = re.compile(rb'"content": ?"(\d+) "')
END = b"data: [DONE]\n\n\r\n0\r\n\r\n"
SEED = 20_261_121
WHEN = (
    "silent",
    "half a head",
    "half a body",
    "held",
    "unanswered",
    "in a stream",
    "in a resumable stream",
)

told = json.loads(sys.argv[1])
chance = random.Random(SEED)
outcomes: Counter[str] = Counter()
at_once: int = 0
most_at_once: int = 0


def request(model: str, tokens: int, *, stream: bool = True, resumable: bool = False) -> bytes:
    body = json.dumps({"model": model, "stream": stream, "max_tokens": tokens, "messages": []}).encode()
    head = (
        "POST /v1/chat/completions HTTP/1.1",
        "host: 127.0.0.1",
        f"authorization: Bearer {told['key']}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        *(("x-resumable: 1",) if resumable else ()),
    )
    return "\r\n".join((*head, "", "")).encode() + body


class Client(asyncio.Protocol):
    """Streams, one after the other, on one connection."""

    def __init__(self, until: float) -> None:
        self.loop = asyncio.get_running_loop()
        self.until = until
        self.over = self.loop.create_future()
        self.tail = b""
        self.seen = self.expected = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.ask()

    def ask(self) -> None:
        global at_once, most_at_once
        at_once += 1
        most_at_once = max(most_at_once, at_once)
        self.expected = chance.randint(SHORTEST, LONGEST)
        self.seen, self.tail = 0, b""
        self.transport.write(request("paced", self.expected, resumable=chance.random() < 0.1))

    def data_received(self, data: bytes) -> None:
        data = self.tail + data
        at = 0
        for found in NUMBER.finditer(data):
            if int(found[1]) != self.seen:
                self.fault(f"{int(found[1])} came after {self.seen - 1}")
                return
            self.seen += 1
            at = found.end()
        self.tail = data[max(at, len(data) - 256) :]
        if data.endswith(END):
            self.ended()

    def ended(self) -> None:
        global at_once
        at_once -= 1
        if self.seen != self.expected:
            self.fault(f"{self.seen} of {self.expected} came, and then a proper end")
            return
        outcomes["whole"] += 1
        if self.loop.time() < self.until:
            self.ask()
        else:
            self.over.set_result(None)
            self.transport.close()

    def fault(self, what: str) -> None:
        outcomes[f"fault: {what}"] += 1
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.over.done():
            outcomes[f"fault: lost after {self.seen} of {self.expected}: {self.tail[:300]!r}"] += 1
            self.over.set_result(None)


async def streams(until: float) -> None:
    loop = asyncio.get_running_loop()
    clients = []
    for _ in range(told["streams"]):
        _, client = await loop.create_connection(lambda: Client(until), "127.0.0.1", told["port"])
        clients.append(client.over)
        await asyncio.sleep(0)
    await asyncio.wait(clients)


async def leave(when: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", told["port"])
    rest_s = chance.choice((0.0, 0.01, 0.3))
    match when:
        case "half a head":
            writer.write(request("paced", 50)[:60])
        case "half a body":
            writer.write(request("paced", 50)[:-20])
        case "held":
            writer.write(request("never", 50))
        case "unanswered":
            writer.write(request("silent", 50))
        case "in a stream" | "in a resumable stream":
            writer.write(request("paced", 1000, resumable="resumable" in when))
            await reader.readuntil(b"data: ")
        case _:
            pass
    await asyncio.sleep(rest_s)
    if chance.random() < 0.5:
        writer.transport.abort()
    else:
        writer.close()
    outcomes[f"left: {when}"] += 1


async def leavers(seconds: float) -> None:
    async with asyncio.TaskGroup() as all_of_them:
        for number in range(told["leavers"]):
            all_of_them.create_task(leave(WHEN[number % len(WHEN)]))
            await asyncio.sleep(seconds / told["leavers"])


async def takes_a_byte_a_second(seconds: float, *, resumable: bool) -> None:
    """The proxy waits for a listener of a log for some time only; the other one has all the time there is."""
    loop = asyncio.get_running_loop()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(0)
        await loop.sock_connect(client, ("127.0.0.1", told["port"]))
        await loop.sock_sendall(client, request("flood", 1024, resumable=resumable))
        what = f"one by one{', resumable' if resumable else ''}"
        for _ in range(int(seconds)):
            try:
                outcomes[what] += len(await loop.sock_recv(client, 1))
            except ConnectionError:
                return
            await asyncio.sleep(1)


async def takes_all(model: str, *, stream: bool) -> None:
    """As much as there is, as fast as it comes."""
    tail = b""
    with socket.socket() as client:
        client.settimeout(0)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, ("127.0.0.1", told["port"]))
        began = loop.time()
        await loop.sock_sendall(client, request(model, told["mib"], stream=stream))
        head_and_more = await loop.sock_recv(client, 1 << 18)
        size = len(head_and_more.partition(b"\r\n\r\n")[2])
        while not (tail.endswith(END) if stream else size == told["mib"] * MIB):
            data = await loop.sock_recv(client, 1 << 18)
            if not data:
                outcomes[f"fault: {model} broke off after {size}: {tail!r}"] += 1
                return
            size += len(data)
            tail = (tail + data)[-64:]
    outcomes[f"{model}: mib"] = size // MIB
    outcomes[f"{model}: ms"] = int((loop.time() - began) * 1000)


async def main() -> dict[str, Any]:
    until = asyncio.get_running_loop().time() + told["seconds"]
    async with asyncio.TaskGroup() as crowd:
        if told["streams"]:
            crowd.create_task(streams(until))
        if told["leavers"]:
            crowd.create_task(leavers(told["seconds"]))
        if told["slow"]:
            for resumable in (False, True):
                crowd.create_task(takes_a_byte_a_second(told["seconds"], resumable=resumable))
        for model in told["gigabytes"]:
            crowd.create_task(takes_all(model, stream=model != "plain"))
    return {"most_at_once": most_at_once, "outcomes": outcomes}


print(json.dumps(uvloop.run(main())), flush=True)  # noqa: T201
