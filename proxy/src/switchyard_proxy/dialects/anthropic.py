"""Anthropic's `messages` and `messages/count_tokens`: beats are pings, errors have Anthropic's shape and types.

A ping is valid before `message_start`, and no event of the engine's carries what a ping would have to share.
"""

import json
from typing import Any

from switchyard_contracts.errors import CODES, ErrorBody, ErrorCode
from switchyard_proxy.dialects.errors import engine_error
from switchyard_proxy.dialects.events import COMMENT, dumps, frame
from switchyard_proxy.dialects.voice import Dialect, Opening

PING = b'event: ping\ndata: {"type":"ping"}\n\n'
BEATS = {"off": b"", "comment": COMMENT}

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    502: "api_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
NOT_FOR_NOW = {ErrorCode.MODEL_LOAD_FAILED}  # 503, but `overloaded_error` would invite to hammer


class AnthropicVoice:
    """Of one stream of messages."""

    __slots__ = ("_beat", "_request_id")

    def __init__(self, opening: Opening) -> None:
        self._beat = BEATS.get(opening.mode, PING)
        self._request_id = opening.request_id

    def beat(self, seconds: float) -> bytes:
        return self._beat

    def passes(self, events: bytes) -> bytes:
        return events

    def error(self, error: ErrorBody) -> bytes:
        return self._last_words(_error_object(error))

    def refused(self, status: int, payload: bytes) -> bytes:
        return self._last_words(_engine_error_object(status, payload))

    def _last_words(self, error: dict[str, Any]) -> bytes:
        return frame({"type": "error", "error": error, "request_id": self._request_id}, "error")


def type_of(status: int) -> str:
    """Anthropic's type of an error with that status."""
    return TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")


def anthropic_error(error: ErrorBody) -> bytes:
    """The body of a reply with an error's status; `code` and `param` are members of ours."""
    return dumps({"type": "error", "error": _error_object(error)})


def foreign_error(status: int, payload: bytes) -> bytes:
    """The body of an engine's error reply, in Anthropic's shape."""
    return dumps({"type": "error", "error": _engine_error_object(status, payload)})


def is_anthropic_error(payload: bytes) -> bool:
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError):
        return False
    return isinstance(body, dict) and body.get("type") == "error" and isinstance(body.get("error"), dict)


def _engine_error_object(status: int, payload: bytes) -> dict[str, Any]:
    told = engine_error(status, payload)
    kind = told.get("type")
    return {**told, "type": kind if kind in TYPES.values() else type_of(status)}


def _error_object(error: ErrorBody) -> dict[str, Any]:
    kind = "api_error" if error.code in NOT_FOR_NOW else type_of(CODES[error.code].status)
    told = {"type": kind, "message": error.message, "code": error.code}
    return told if error.param is None else {**told, "param": error.param}


ANTHROPIC = Dialect("anthropic", AnthropicVoice, anthropic_error, foreign_error, is_anthropic_error)
