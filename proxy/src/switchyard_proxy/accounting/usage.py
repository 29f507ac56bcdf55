"""Find the engine's token counts in a reply on its way to the client. Changes no reply, and never raises.

Streams come as whole events, everything else in pieces of any size. Nothing is decoded unless it names `usage`,
and nothing large is decoded at all: of a reply with pictures in it only both ends are looked at.
"""

import json
from typing import Protocol

import msgspec

from switchyard_proxy.accounting.account import Usage
from switchyard_proxy.accounting.blocks import NAMES_USAGE, data_of, naming_usage

SMALL = 256 * 1024  # up to here a reply is kept, and decoded in one go
EDGE = 16 * 1024  # of a larger one, this much of its beginning and of its end
TRIES = 8  # places within an edge that look like usage
LARGEST = 2**53  # above it, nobody counted
_SCANNER = json.JSONDecoder(strict=False, parse_int=str, parse_float=str)
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError, IndexError)


class Tap(Protocol):
    """One reply's."""

    def sees(self, data: bytes) -> None: ...

    def usage(self) -> Usage | None:
        """What was found, once all was seen."""


class _Details(msgspec.Struct):
    cached_tokens: object = None


class _Counts(msgspec.Struct):
    """The words of every API that an engine may speak."""

    prompt_tokens: object = None
    completion_tokens: object = None
    total_tokens: object = None
    prompt_tokens_details: _Details | None = None
    input_tokens: object = None
    output_tokens: object = None
    input_tokens_details: _Details | None = None
    cache_read_input_tokens: object = None
    cache_creation_input_tokens: object = None


class _Inner(msgspec.Struct):
    usage: _Counts | None = None


class _Reply(msgspec.Struct):
    usage: _Counts | None = None
    response: _Inner | None = None  # in the last event of the Responses API
    message: _Inner | None = None  # in the first event of Anthropic's


_REPLY = msgspec.json.Decoder(_Reply)
_PLAIN = msgspec.json.Decoder(_Inner)
_ANY = msgspec.json.Decoder(msgspec.Raw)


class EventTap:
    """For a stream. Anthropic's says what went in with its first event, and what came out with its last."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found = _Found()

    def sees(self, data: bytes) -> None:
        for span in naming_usage(data):
            block = data[span]
            # Of an event that is too large to be held back, only pieces come.
            self._found.add(_counts_in(data_of(block) or block))

    def usage(self) -> Usage | None:
        return self._found.usage()


class BodyTap:
    """For a reply that is one JSON value."""

    __slots__ = ("_head", "_parts", "_size")

    def __init__(self) -> None:
        self._head = b""
        self._parts: list[bytes] = []
        self._size = 0

    def sees(self, data: bytes) -> None:
        self._size += len(data)
        self._parts.append(data)
        if self._size > SMALL:
            self._shorten()

    def _shorten(self) -> None:
        kept = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._head = self._head or kept[:EDGE]
        self._parts = [kept[-EDGE:]]
        self._size = SMALL  # whatever comes next is shortened, too

    def usage(self) -> Usage | None:
        found = _Found()
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        if self._head:
            found.add(_at_the_end(body) or _at_the_beginning(self._head))
        else:
            found.add(_counts_in(body))  # to look for the word first takes longer
        return found.usage()


class _Found:
    """Counts of several events put together; the last word on each holds."""

    __slots__ = ("cached", "tokens_in", "tokens_out")

    def __init__(self) -> None:
        self.tokens_in: int | None = None
        self.tokens_out: int | None = None
        self.cached: int | None = None

    def add(self, counts: _Counts | None) -> None:
        if counts is None:
            return
        tokens_in, cached = _went_in(counts)
        tokens_out = _number(counts.completion_tokens, counts.output_tokens)
        self.tokens_in = self.tokens_in if tokens_in is None else tokens_in
        self.tokens_out = self.tokens_out if tokens_out is None else tokens_out
        self.cached = self.cached if cached is None else cached

    def usage(self) -> Usage | None:
        if self.tokens_in is None and self.tokens_out is None:
            return None
        return Usage(self.tokens_in or 0, self.tokens_out or 0, self.cached)


def _went_in(counts: _Counts) -> tuple[int | None, int | None]:
    """All tokens of the prompt, and how many of them were cached; Anthropic's `input_tokens` lacks those."""
    details = counts.prompt_tokens_details or counts.input_tokens_details
    if details is not None:
        cached = _number(details.cached_tokens)
        return _number(counts.prompt_tokens, counts.input_tokens, counts.total_tokens), cached
    tokens = _number(counts.prompt_tokens, counts.input_tokens, counts.total_tokens)
    cached = _number(counts.cache_read_input_tokens)
    if tokens is None:
        return None, cached
    return tokens + (cached or 0) + (_number(counts.cache_creation_input_tokens) or 0), cached


def _number(*values: object) -> int | None:
    """The first that is one."""
    for value in values:
        if type(value) is int and 0 <= value <= LARGEST:
            return value
    return None


def _counts_in(data: bytes) -> _Counts | None:
    data = data.strip()
    if len(data) > SMALL or not data.startswith(b"{"):
        return _at_the_end(data[-EDGE:]) or _at_the_beginning(data[:EDGE])
    try:
        reply = _REPLY.decode(data)
    except _UNREADABLE:
        return _plain(data)  # what is called `message` there may be anything
    inner = reply.response or reply.message
    return reply.usage or (inner.usage if inner is not None else None)


def _plain(data: bytes) -> _Counts | None:
    try:
        return _PLAIN.decode(data).usage
    except _UNREADABLE:
        return None


def _at_the_end(tail: bytes) -> _Counts | None:
    """`usage` is a member of the outermost object if an opening brace is all that is wanting before it."""
    return next(filter(None, (_plain(b"{" + tail[at:]) for at in reversed(_places(tail)))), None)


def _at_the_beginning(head: bytes) -> _Counts | None:
    """The same from the other side: before it nothing but whole members, after it a closing brace."""
    for at in _places(head):
        try:
            text = head[at:].decode("latin-1")
            _, end = _SCANNER.raw_decode(text, text.index("{"))
            whole = head[: at + end] + b"}"
            _ANY.decode(whole)
        except _UNREADABLE:
            continue
        if (counts := _plain(whole)) is not None:
            return counts
    return None


def _places(edge: bytes) -> list[int]:
    return [match.start() for match in NAMES_USAGE.finditer(edge)][-TRIES:]
