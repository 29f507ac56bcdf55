"""What the proxy says by itself within a streamed reply, in the words of the client's API. A Protocol.

A voice belongs to one reply. It is given whole events only, in order, and every byte that goes to the client.
Beats come from a clock, between events; after `error` the reply ends.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from switchyard_contracts.errors import ErrorBody


class Voice(Protocol):
    """One reply's."""

    def beat(self, seconds: float) -> bytes:
        """A sign of life. `seconds` since the request came."""

    def passes(self, events: bytes) -> bytes:
        """The engine's events as the client gets them: the same bytes, unless a beat has already given the
        stream an identity that they must now share."""

    def error(self, error: ErrorBody) -> bytes:
        """The last words of a stream that cannot go on; never a polite end."""

    def refused(self, status: int, payload: bytes) -> bytes:
        """The same for an engine's own error reply, which came after the stream was committed: its `error`
        object unchanged where it is one."""


class _Refusal(msgspec.Struct):
    error: dict[str, object]


_REFUSAL = msgspec.json.Decoder(_Refusal)


def has_error(payload: bytes) -> bool:
    """Whether a body has an `error` object, as OpenAI's and Anthropic's do."""
    try:
        return bool(_REFUSAL.decode(payload).error)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


VoiceMaker = Callable[["Opening"], Voice]


@dataclass(frozen=True, slots=True)
class Opening:
    """What a voice may need of the request that it answers."""

    request_id: str
    model: str  # as the client named it
    now: int  # Unix time
    mode: str  # `chunk`, `comment`, `reasoning` or `off`
    body: bytes  # as the client sent it
    reply_id: str | None = None  # where the client has been told it already
    progress: Callable[[], str | None] = lambda: None  # how far the model is that the request waits for, now


@dataclass(frozen=True, slots=True)
class Dialect:
    """One API: how it says errors, and how its streams speak."""

    name: str
    voice: VoiceMaker
    error: Callable[[ErrorBody], bytes]  # the body of a reply with an error's status
    foreign: Callable[[int, bytes], bytes] = lambda status, payload: (
        payload
    )  # an engine's error put into that shape
    is_error: Callable[[bytes], bool] = has_error  # whether an engine's error has that shape already
    beats_are_events: bool = False  # part of the reply, which whoever reads it again must get, too
