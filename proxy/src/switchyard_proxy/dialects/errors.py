"""Error objects within replies: ours as bytes, and an engine's own, whatever shape it came in."""

import json
import re
from typing import Any

from switchyard_contracts.errors import ErrorBody, ErrorEnvelope, ErrorType
from switchyard_proxy.dialects.events import dumps

LONGEST_MESSAGE = 500
UNSEEN = re.compile(r"(?is)<(script|style|head)\b.*?</\1\s*>|<[^>]*>")


def openai_error(error: ErrorBody) -> bytes:
    """The body of a reply, or the data of an event: OpenAI's shape, and a word that it is ours."""
    return dumps(ErrorEnvelope(error=error).model_dump())


def engine_error(status: int, payload: bytes) -> dict[str, Any]:
    """The `error` object of an engine's own reply, unchanged where it is one."""
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError):
        return _made(status, _visible(payload))
    match body:
        case {"error": {"message": _} as error}:
            return dict(error)
        case {"error": str(message)} | {"detail": str(message)}:
            return _made(status, message)
        case {"message": str(_)}:
            return {name: value for name, value in body.items() if name != "object"}
        case _:
            return _made(status, _visible(payload))


def foreign_error(status: int, payload: bytes) -> bytes:
    """The body of an engine's error reply, in OpenAI's shape."""
    return dumps({"error": engine_error(status, payload)})


def type_of(status: int) -> ErrorType:
    """OpenAI's word for an error that has none of its own."""
    if status == 429:
        return ErrorType.RATE_LIMIT
    return ErrorType.SERVER if status >= 500 else ErrorType.INVALID_REQUEST


def _made(status: int, message: str) -> dict[str, Any]:
    told = message or f"the engine answered with status {status} and said no more"
    return {"message": told, "type": type_of(status), "param": None, "code": str(status)}


def _visible(payload: bytes) -> str:
    """What a person would see of a page or a text, not more than is worth telling."""
    text = payload[: 16 * LONGEST_MESSAGE].decode(errors="replace")
    if "</" in text:
        text = UNSEEN.sub(" ", text)
    return " ".join(text.split())[:LONGEST_MESSAGE]
