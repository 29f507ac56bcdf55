"""`chat/completions` and `completions` as streams: beats are chunks that say nothing.

All chunks of a stream have one identity: id, created and model. As long as the engine speaks first, it is the
engine's, and its bytes pass untouched. A beat before that needs an identity of its own, and from then on the
engine's chunks are given it, in place of exactly those three members.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from switchyard_contracts.errors import ErrorBody
from switchyard_proxy.dialects.errors import engine_error, foreign_error, openai_error
from switchyard_proxy.dialects.events import COMMENT, DONE, Splitter, cut, document, dumps, frame
from switchyard_proxy.dialects.members import Path, replaced, scalars
from switchyard_proxy.dialects.voice import Dialect, Opening

IDENTITY: tuple[Path, ...] = ((b"id",), (b"created",), (b"model",))
LONGEST_HEAD = 512  # of a chunk, up to the last of the three


@dataclass(frozen=True, slots=True)
class Shape:
    """What the two routes say differently."""

    prefix: str
    object: str
    silence: dict[str, Any]
    thought: Callable[[str], dict[str, Any]]


CHAT = Shape(
    "chatcmpl-",
    "chat.completion.chunk",
    {"index": 0, "delta": {}, "finish_reason": None},
    lambda text: {"index": 0, "delta": {"reasoning_content": text}, "finish_reason": None},
)
TEXT_SILENCE = {"index": 0, "text": "", "logprobs": None, "finish_reason": None}
TEXT = Shape("cmpl-", "text_completion", TEXT_SILENCE, lambda _: TEXT_SILENCE)


class ChunkVoice:
    """Of one stream."""

    __slots__ = (
        "_as_is",
        "_first",
        "_given",
        "_identity",
        "_last",
        "_mode",
        "_names",
        "_opening",
        "_shape",
        "_splitter",
        "_spoke",
    )

    def __init__(self, shape: Shape, opening: Opening) -> None:
        self._shape = shape
        self._opening = opening
        self._mode = opening.mode
        self._as_is = False
        self._first = self._last = b""
        self._given: dict[Path, bytes] | None = None  # the identity that the engine's chunks are given
        self._identity: dict[str, Any] = {}  # the one that beats have
        self._names = (b"", b"")  # how a chunk of the engine's begins, and how it shall
        self._spoke = False  # the engine
        self._splitter = Splitter()

    def passes(self, events: bytes) -> bytes:
        self._last = events
        if self._as_is:
            return events
        if self._given is not None:
            return self._renamed(events, self._given)
        if b'"id"' in events:
            self._as_is, self._spoke, self._first = True, True, events
        return events

    def beat(self, seconds: float) -> bytes:
        if self._mode == "off" or b"data: [DONE]" in self._last:
            return b""
        if self._mode == "comment" or not self._has_identity():
            return COMMENT
        choice = self._shape.silence
        if self._mode == "reasoning" and not self._spoke:
            far = self._opening.progress()
            choice = self._shape.thought(
                f"waiting for the model ({seconds:.0f} s{f'; {far}' if far else ''})…\n"
            )
        return frame({**self._identity, "choices": [choice]})

    def error(self, error: ErrorBody) -> bytes:
        return b"data: %b\n\n%b" % (openai_error(error), DONE)

    def refused(self, status: int, payload: bytes) -> bytes:
        return frame({"error": engine_error(status, payload)}) + DONE

    def _has_identity(self) -> bool:
        if self._as_is and not self._identity:
            self._learn()
        elif self._given is None and not self._as_is:
            self._speak_first()
        return bool(self._identity)

    def _speak_first(self) -> None:
        own = (f"{self._shape.prefix}{self._opening.request_id}", self._opening.now, self._opening.model)
        self._given = dict(zip(IDENTITY, map(dumps, own), strict=True))
        self._identity = self._identity_of(*own)

    def _learn(self) -> None:
        for event in cut(self._first):
            chunk = document(event)
            if "id" in chunk:
                created, model = (
                    chunk.get("created", self._opening.now),
                    chunk.get("model", self._opening.model),
                )
                self._identity = self._identity_of(chunk["id"], created, model)
                return

    def _identity_of(self, id_: str, created: int, model: str) -> dict[str, Any]:
        return {"id": id_, "object": self._shape.object, "created": created, "model": model}

    def _renamed(self, events: bytes, given: dict[Path, bytes]) -> bytes:
        theirs, ours = self._names
        # Where each `data:` begins such a chunk, none is left to look into: in a string, quotes are escaped.
        if theirs and not self._splitter.inside and events.endswith(b"\n\n"):
            count = events.count(theirs)
            if count and count == events.count(b"data:"):
                return events.replace(theirs, ours)
        open_, pieces = self._splitter.split(events)
        return open_ + b"".join([self._rename(piece, given) for piece in pieces])

    def _rename(self, event: bytes, given: dict[Path, bytes]) -> bytes:
        if not self._names[0]:
            self._spoke = self._spoke or b'"id"' in event
            self._names = _names(event, given)
        return replaced(event, given)


def _names(event: bytes, given: dict[Path, bytes]) -> tuple[bytes, bytes]:
    """How this chunk begins, up to and with what follows its identity, and the same with the one given."""
    ends = [end for path, _, end in scalars(event) if path in given]
    if len(ends) != len(given) or not event.startswith(b"data:") or max(ends) >= LONGEST_HEAD:
        return b"", b""
    head = event[: max(ends) + 1]  # one more, or a number could be the beginning of another
    return head, replaced(head, given)


def chat_voice(opening: Opening) -> ChunkVoice:
    return ChunkVoice(CHAT, opening)


def completions_voice(opening: Opening) -> ChunkVoice:
    return ChunkVoice(TEXT, opening)


OPENAI_CHAT = Dialect("openai_chat", chat_voice, openai_error, foreign_error)
OPENAI_COMPLETIONS = Dialect("openai_completions", completions_voice, openai_error, foreign_error)
