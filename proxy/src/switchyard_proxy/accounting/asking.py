"""Ask an engine for its token counts on behalf of a client that did not, and take them out of its stream again.

Pure: bytes in, bytes out. No other byte of the request changes, and no other event of the stream.
"""

import json
import re
from typing import Protocol

import msgspec

from switchyard_proxy.accounting.blocks import data_of, naming_usage

OPTIONS = "stream_options"
ASK = b'"include_usage":true'
_SPACE = re.compile(r"[ \t\n\r]*")
_CLOSES = re.compile(rb"[ \t\n\r]*\}")
# Numbers stay text: Python refuses to read integers of more than 4,300 digits, and we need none.
_SCANNER = json.JSONDecoder(strict=False, parse_int=str, parse_float=str)
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError, IndexError)


class Fields(Protocol):
    """What must be known of a request beforehand."""

    @property
    def stream(self) -> object: ...

    @property
    def include_usage(self) -> object:
        """As the request has it within its `stream_options`."""


class _Chunk(msgspec.Struct):
    choices: object = None
    usage: dict[str, object] | None = None
    error: object = None


_CHUNK = msgspec.json.Decoder(_Chunk)


def with_usage(body: bytes, fields: Fields) -> bytes | None:
    """The body that asks for usage; None: send it as it is, for it asks already, or does not stream.

    The body is a JSON object that has been read before. Where this gives a body, the reply needs a `Stripper`.
    """
    if fields.stream is not True or fields.include_usage is True:
        return None
    if b"stream_options" not in body:
        return _inserted(body, body.index(b"{") + 1, b'"stream_options":{%b}' % ASK)
    try:
        return _merged(body)
    except _UNREADABLE:
        return None


def _merged(body: bytes) -> bytes | None:
    # As Latin-1 each byte is one character, so that positions in the text are positions in the bytes.
    text = body.decode("latin-1")
    span = _member(text, text.index("{"), OPTIONS)
    if span is None:
        return _inserted(body, text.index("{") + 1, b'"stream_options":{%b}' % ASK)
    value = text[span]
    if value == "null":
        return _replaced(body, span, b"{%b}" % ASK)
    if not value.startswith("{"):
        return None  # the engine has something to say about that
    inner = _member(text, span.start, "include_usage")
    if inner is None:
        return _inserted(body, span.start + 1, ASK)
    return None if text[inner] == "true" else _replaced(body, inner, b"true")


def _member(text: str, start: int, name: str) -> slice | None:
    """Where a member's value stands in the object that begins at `start`; of two, the last, as parsers do."""
    found: slice | None = None
    at = _after_space(text, start + 1)
    while text[at] != "}":
        key, at = _SCANNER.raw_decode(text, at)
        begin = _after_space(text, text.index(":", at) + 1)
        _, end = _SCANNER.raw_decode(text, begin)
        if key == name:
            found = slice(begin, end)
        at = _after_space(text, end)
        if text[at] == ",":
            at = _after_space(text, at + 1)
    return found


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _inserted(body: bytes, at: int, member: bytes) -> bytes:
    comma = b"" if _CLOSES.match(body, at) else b","
    return b"".join((body[:at], member, comma, body[at:]))


def _replaced(body: bytes, span: slice, value: bytes) -> bytes:
    return b"".join((body[: span.start], value, body[span.stop :]))


class Stripper:
    """Takes the usage chunk out of a stream whose client did not ask for one. Is given whole events only."""

    __slots__ = ()

    def passes(self, events: bytes) -> bytes:
        kept, at = [], 0
        for span in naming_usage(events):
            if _is_usage_chunk(events[span]):
                kept.append(events[at : span.start])
                at = span.stop
        return b"".join((*kept, events[at:])) if at else events


def _is_usage_chunk(block: bytes) -> bool:
    try:
        chunk = _CHUNK.decode(data_of(block))
    except _UNREADABLE:
        return False
    return chunk.choices == [] and chunk.usage is not None and chunk.error is None
