"""An engine that says back what it was told, at a pace that the message names: for pages that are watched.

The message may hold orders in brackets, which are not said back: `[pace 50]` milliseconds between pieces,
`[count 300]` numbered words instead, `[think some words]` first, `[fail some words]` instead of an answer,
`[die]` in the middle of it, `[tool]` a call of a tool instead. Asked for the rest of an answer it goes on where
that ended, unless it was told `[no rest]`. It sleeps and wakes when told. Takes the image server's flags. A
model whose name says `slow` loads for a while, and one whose name says `broken` never does.
"""

import asyncio
import json
import re
import sys
import time
from typing import Any, cast

ORDERS = re.compile(r"\[(pace|count|think|fail|die|tool|no rest)(?: ([^\]]*))?\]\s*")
PACE_MS = 3
LOADS_S = 4
flags = dict(zip(sys.argv[1::2], sys.argv[2::2]))  # noqa: B905 - flags and their values
NAME = flags["--served-model-name"]
Said = dict[str, Any]  # of JSON


def words_of(message: Said) -> str:
    content = message["content"]
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", f"({part['type']})") for part in content)


def reply(status: int, body: bytes) -> bytes:
    head = b"HTTP/1.1 %d OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % (status, len(body)) + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(said: Said) -> bytes:
    return chunk(b"data: %b\n\n" % json.dumps(said, ensure_ascii=False).encode())


def pieces_of(text: str, orders: dict[str, str]) -> list[str]:
    if "count" in orders:
        return [f"{number} " for number in range(int(orders["count"]))]
    return re.findall(r"\s*\S{1,12}", text) or [""]


class Engine(asyncio.Protocol):
    held = b""
    talking: asyncio.Task[None] | None = None
    is_asleep = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.talking is not None:
            self.talking.cancel()

    def data_received(self, data: bytes) -> None:
        self.held += data
        head, found, body = self.held.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
        if found and len(body) >= (int(length[1]) if length else 0):
            self.held = b""
            self.answer(head.split(b" ")[1], json.loads(body or b"{}"))

    def answer(self, path: bytes, asked: Said) -> None:
        if path.startswith((b"/sleep", b"/wake")):
            Engine.is_asleep = path.startswith(b"/sleep")
            self.transport.write(reply(200, b"{}"))
        elif path.startswith(b"/is_sleeping"):
            self.transport.write(reply(200, b'{"is_sleeping": %s}' % str(self.is_asleep).lower().encode()))
        elif b"tokenize" in path:
            text = words_of({"content": asked.get("prompt", "")}) or str(asked.get("messages", ""))
            self.transport.write(reply(200, b'{"count": %d, "max_model_len": 8192}' % len(text.split())))
        elif not asked.get("messages"):
            self.transport.write(reply(200, b"{}"))
        elif asked.get("continue_final_message"):
            self.say(asked, words_of(asked["messages"][-2]), words_of(asked["messages"][-1]))
        else:
            self.say(asked, words_of(asked["messages"][-1]))

    def say(self, asked: Said, message: str, said: str = "") -> None:
        orders = dict(ORDERS.findall(message))
        if said and "no rest" in orders:
            error = {
                "message": "cannot go on",
                "type": "invalid_request_error",
                "code": "unsupported_parameter",
            }
            self.transport.write(reply(400, json.dumps({"error": error}).encode()))
            return
        text = ORDERS.sub("", message)
        if said:
            text, orders = "".join(pieces_of(text, orders)).removeprefix(said), {"pace": orders.get("pace")}
        usage = {"prompt_tokens": len(message.split()), "completion_tokens": len(pieces_of(text, orders))}
        usage["total_tokens"] = sum(usage.values())
        if "fail" in orders:
            error = {"message": orders["fail"], "type": "server_error", "code": "echoed"}
            self.transport.write(reply(500, json.dumps({"error": error}).encode()))
        elif asked.get("stream"):
            counted = usage if (asked.get("stream_options") or {}).get("include_usage") else None
            # One that nobody owns would be collected in the middle of a word.
            self.talking = asyncio.get_running_loop().create_task(self.stream(text, orders, counted))
        else:
            whole = {"role": "assistant", "content": "".join(pieces_of(text, orders))}
            choice = {"index": 0, "message": whole, "finish_reason": "stop"}
            self.transport.write(reply(200, json.dumps({"choices": [choice], "usage": usage}).encode()))

    async def stream(self, text: str, orders: dict[str, str], usage: Said | None) -> None:
        pace_s = float(orders.get("pace") or PACE_MS) / 1000
        pieces = [] if "tool" in orders else pieces_of(text, orders)
        self.transport.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        thoughts = [("reasoning_content", word) for word in re.findall(r"\S+\s*", orders.get("think", ""))]
        for number, (member, said) in enumerate([*thoughts, *(("content", piece) for piece in pieces)]):
            if "die" in orders and number >= len(pieces) // 2:
                self.transport.abort()
                return
            self.transport.write(event(delta({member: said})))
            await asyncio.sleep(pace_s)
        if "tool" in orders:
            made = {"name": "look_up", "arguments": '{"city":"Oslo","days":3}'}
            call = {"index": 0, "id": "call_1", "type": "function", "function": made}
            self.transport.write(event(delta({"tool_calls": [call]})))
        self.transport.write(event(delta({}, "stop")))
        if usage:
            self.transport.write(event({"id": "echo", "model": NAME, "choices": [], "usage": usage}))
        self.transport.write(chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")


def delta(said: Said, finish: str | None = None) -> Said:
    choice = {"index": 0, "delta": said, "finish_reason": finish}
    return {"id": "echo", "object": "chat.completion.chunk", "model": NAME, "choices": [choice]}


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Engine, flags["--host"], int(flags["--port"]))
    print("ready", flush=True)  # noqa: T201
    await server.serve_forever()


if "broken" in NAME:
    print("<img src=x onerror=alert('log')> cannot read the weights", file=sys.stderr, flush=True)  # noqa: T201
    sys.exit(3)
if "slow" in NAME:
    time.sleep(LOADS_S)  # noqa: TID251 - it plays an engine that takes its time
asyncio.run(main())
