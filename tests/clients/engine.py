"""An engine on a socket that speaks as vLLM does on every route, at a pace and with faults that a test sets."""

import asyncio
import email.parser
import email.policy
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.clients import speech
from tests.clients.speech import Answer
from tests.proxy.engines import Seen, Wire

Plain = Callable[[Answer, speech.Body], dict[str, Any]]
Stream = Callable[[Answer, speech.Body], list[bytes]]
SPOKEN: dict[str, tuple[Plain, Stream]] = {
    "/v1/chat/completions": (speech.chat, speech.chat_stream),
    "/v1/completions": (speech.completion, speech.completion_stream),
    "/v1/responses": (speech.response, speech.response_stream),
    "/v1/messages": (speech.message, speech.message_stream),
}
DRAWN = {"/v1/images/generations": "image_generation", "/v1/images/edits": "image_edit"}


@dataclass(frozen=True, slots=True)
class Part:
    """A field of a form."""

    name: str
    filename: str | None
    content: bytes


def path_of(seen: Seen) -> str:
    return seen.line.split(" ")[1].partition("?")[0]


def form_of(seen: Seen) -> list[Part]:
    head = f"content-type: {seen.headers['content-type']}\r\n\r\n".encode()
    whole = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + seen.body)
    return [_part(part) for part in whole.iter_parts()]  # type: ignore[attr-defined]


def _part(part: Any) -> Part:
    disposition = dict(part["content-disposition"].params)
    return Part(disposition["name"], disposition.get("filename"), part.get_payload(decode=True))


def asked_of(seen: Seen) -> dict[str, Any]:
    """The fields of a body, be it JSON or a form."""
    if seen.headers.get("content-type", "").startswith("multipart/"):
        return {part.name: part.content.decode() for part in form_of(seen) if part.filename is None}
    asked: dict[str, Any] = json.loads(seen.body) if seen.body else {}
    return asked


@dataclass
class SpeaksLikeVllm:
    """A script for a `ScriptedEngine`. Every field may be set anew between two requests."""

    answer: Answer = field(default_factory=Answer)
    pace_s: float = 0.0  # before each piece of a stream
    first_after_s: float = 0.0  # before the first byte of a reply
    cut: int | None = None  # bytes a piece; else one event
    dies_after: int | None = None  # that many pieces, and the connection is gone
    stalls_after: int | None = None  # that many pieces, and nothing more comes
    refuses: tuple[int, dict[str, Any]] | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)  # a client left before the end
    asked: list[Seen] = field(default_factory=list)

    async def __call__(self, wire: Wire) -> None:
        self.asked.append(wire.seen)
        self.begun.set()
        await asyncio.sleep(self.first_after_s)
        path = path_of(wire.seen)
        asked = asked_of(wire.seen)
        if self.refuses is not None:
            status, body = self.refuses
            await _say(wire, body, status)
        elif path in SPOKEN:
            await self._speak(wire, asked, *SPOKEN[path])
        elif path in DRAWN:
            await self._draw(wire, asked, DRAWN[path])
        elif path == "/v1/embeddings":
            await _say(wire, speech.embeddings(asked))
        elif path == "/v1/messages/count_tokens":
            await _say(wire, {"input_tokens": 7})
        else:
            await _say(wire, {"detail": "Not Found"}, 404)

    async def _speak(self, wire: Wire, asked: dict[str, Any], plain: Plain, stream: Stream) -> None:
        if asked.get("stream"):
            await self._stream(wire, stream(self.answer, asked))
        else:
            await _say(wire, plain(self.answer, asked))

    async def _draw(self, wire: Wire, asked: dict[str, Any], kind: str) -> None:
        if asked.get("stream") in {True, "true"}:
            await self._stream(wire, speech.picture_stream(asked, kind))
        else:
            await _say(wire, speech.pictures(asked))

    async def _stream(self, wire: Wire, events: list[bytes]) -> None:
        await wire.begin_stream()
        try:
            for number, piece in enumerate(_pieces(events, self.cut)):
                if number == self.dies_after:
                    wire.drop()
                    return
                if number == self.stalls_after:
                    await wire.hangup()
                    self.gone.set()
                    return
                await wire.chunk(piece)
                await asyncio.sleep(self.pace_s)
            await wire.end_stream()
        except ConnectionError:
            self.gone.set()
            raise


def _pieces(events: Iterable[bytes], size: int | None) -> Iterator[bytes]:
    if size is None:
        yield from events
        return
    whole = b"".join(events)
    for start in range(0, len(whole), size):
        yield whole[start : start + size]


async def _say(wire: Wire, value: Any, status: int = 200) -> None:
    payload = json.dumps(value).encode()
    await wire.head(status, content_length=str(len(payload)))
    await wire.write(payload)
