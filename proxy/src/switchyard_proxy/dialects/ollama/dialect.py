"""How errors are said to an Ollama client: one member, `error`, which is a sentence.

Streams speak OpenAI's chat here, for `sink` translates whatever goes by, beats and errors too.
"""

import json

from switchyard_contracts.errors import ErrorBody
from switchyard_proxy.dialects.errors import engine_error
from switchyard_proxy.dialects.events import dumps
from switchyard_proxy.dialects.openai_chat import chat_voice
from switchyard_proxy.dialects.voice import Dialect


def ollama_error(error: ErrorBody) -> bytes:
    return dumps({"error": error.message})


def is_error(payload: bytes) -> bool:
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError):
        return False
    return isinstance(body, dict) and isinstance(body.get("error"), str)


def error_of(status: int, payload: bytes) -> bytes:
    """An error reply in whatever shape, ours or an engine's, in Ollama's."""
    return dumps({"error": str(engine_error(status, payload)["message"])})


OLLAMA = Dialect("ollama", chat_voice, ollama_error, error_of, is_error)
