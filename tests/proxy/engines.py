"""Scripted engines: real HTTP/1.1 servers over real sockets, which answer each request as a script says.

A script is an async function of a `Wire`. What a script leaves unsent was never said; when it returns, the
connection stays open for the next request, unless the script closed or dropped it.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Seen:
    """One request as it came off the wire."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Wire:
    """What a script plays on."""

    seen: Seen
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    closed: bool = False

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(self, status: int = 200, *, kind: str = "application/json", **more: str) -> None:
        lines = [f"HTTP/1.1 {status} OK", f"content-type: {kind}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in more.items()]
        await self.write("\r\n".join((*lines, "", "")).encode())

    async def begin_stream(self) -> None:
        await self.head(kind="text/event-stream", transfer_encoding="chunked")

    async def chunk(self, data: bytes) -> None:
        if data:
            await self.write(b"%x\r\n%b\r\n" % (len(data), data))

    async def end_stream(self) -> None:
        await self.write(b"0\r\n\r\n")

    def close(self) -> None:
        """In good order: whatever was written arrives."""
        self.closed = True
        self.writer.close()

    def drop(self) -> None:
        """As when a process dies."""
        self.closed = True
        self.writer.transport.abort()

    async def hangup(self) -> None:
        """Returns when the other side has closed."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                pass
        self.closed = True


Script = Callable[[Wire], Awaitable[None]]


@dataclass
class ScriptedEngine:
    """Listens on a free port of the loopback until `close`. The last script is played again and again."""

    scripts: list[Script]
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    failures: list[BaseException] = field(default_factory=list)
    reads_bodies: bool = True

    async def start(self, port: int = 0) -> "ScriptedEngine":
        self._handlers: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def die(self) -> None:
        """All connections drop, and new ones are refused."""
        self._server.close()
        handlers = list(self._handlers)
        for handler in handlers:
            handler.cancel()
        if handlers:
            await asyncio.wait(handlers)
        await self._server.wait_closed()

    close = die

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        self.connections += 1
        try:
            await self._converse(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        except BaseException as error:
            self.failures.append(error)
        finally:
            self._handlers.discard(task)
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            wire = Wire(await _request(reader, whole=self.reads_bodies), reader, writer)
            self.seen.append(wire.seen)
            script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
            await script(wire)
            if wire.closed:
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()
                return


async def _request(reader: asyncio.StreamReader, *, whole: bool) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *rest = head[:-4].split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (header.partition(":") for header in rest)}
    body = await reader.readexactly(int(headers.get("content-length", "0"))) if whole else b""
    return Seen(line, headers, body)


def says(payload: bytes, status: int = 200, kind: str = "application/json", **headers: str) -> Script:
    """Answers with a whole body of known length."""

    async def script(wire: Wire) -> None:
        await wire.head(status, kind=kind, content_length=str(len(payload)), **headers)
        await wire.write(payload)

    return script


def says_json(value: Any, status: int = 200, **headers: str) -> Script:
    return says(json.dumps(value).encode(), status, **headers)


def streams(chunks: Iterable[bytes]) -> Script:
    """Answers with a stream of events, one HTTP chunk for each piece."""
    pieces = list(chunks)

    async def script(wire: Wire) -> None:
        await wire.begin_stream()
        for piece in pieces:
            await wire.chunk(piece)
        await wire.end_stream()

    return script


def dies_after(chunks: Iterable[bytes]) -> Script:
    """Begins a stream and drops the connection in its middle."""
    pieces = list(chunks)

    async def script(wire: Wire) -> None:
        await wire.begin_stream()
        for piece in pieces:
            await wire.chunk(piece)
        wire.close()

    return script


async def dies_unanswered(wire: Wire) -> None:
    """Takes the request, and drops the connection before a byte of a reply."""
    wire.drop()


@dataclass
class Held:
    """A script that answers with the first part, tells that it has, and goes on when it is let."""

    first: bytes = b""
    rest: bytes = b""
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, wire: Wire) -> None:
        if self.first:
            await wire.begin_stream()
            await wire.chunk(self.first)
        self.begun.set()
        going_on = asyncio.get_running_loop().create_task(self.go_on.wait())
        hanging_up = asyncio.get_running_loop().create_task(wire.hangup())
        try:
            await asyncio.wait((going_on, hanging_up), return_when=asyncio.FIRST_COMPLETED)
        finally:
            going_on.cancel()
            hanging_up.cancel()
            await asyncio.gather(going_on, hanging_up, return_exceptions=True)
        if wire.closed:
            self.gone.set()
            return
        if not self.first:
            await wire.begin_stream()
        await wire.chunk(self.rest)
        await wire.end_stream()


def event(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def chat_chunk(text: str | None, finish: str | None = None) -> bytes:
    delta = {} if text is None else {"role": "assistant", "content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return event(
        {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    )


DONE = b"data: [DONE]\n\n"
