"""Streams of any other kind: signs of life are comments, which every reader of events passes over."""

from switchyard_contracts.errors import ErrorBody
from switchyard_proxy.dialects.errors import engine_error, foreign_error, openai_error
from switchyard_proxy.dialects.events import COMMENT, frame
from switchyard_proxy.dialects.voice import Dialect, Opening


class CommentVoice:
    """Says nothing that could be taken for an event, until there is an error."""

    __slots__ = ("_beat",)

    def __init__(self, opening: Opening) -> None:
        self._beat = b"" if opening.mode == "off" else COMMENT

    def beat(self, seconds: float) -> bytes:
        return self._beat

    def passes(self, events: bytes) -> bytes:
        return events

    def error(self, error: ErrorBody) -> bytes:
        return b"event: error\ndata: %b\n\n" % openai_error(error)

    def refused(self, status: int, payload: bytes) -> bytes:
        return frame({"error": engine_error(status, payload)}, "error")


OPENAI_PLAIN = Dialect("openai_plain", CommentVoice, openai_error, foreign_error)
