"""What the wire needs to know to create a response in the background. Pure.

kept = kept_in(body)
stream = streams.start(order, work)
answer: `queued(stream, body)` as JSON, or `tell(streams.listening(stream, 0), reply)` if it streams, too
"""

from dataclasses import dataclass
from typing import Any

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.errors import Refused

# What the engine is asked for instead: events, to be logged here. It keeps nothing.
FOR_ENGINE: dict[str, Any] = {"background": False, "store": False, "stream": True}


@dataclass(frozen=True, slots=True)
class Kept:
    """How a response is to be kept."""

    background: bool
    store: bool
    stream: bool


def kept_in(body: dict[str, Any]) -> Kept:
    """Raises `Refused` for a background response that nobody may keep. OpenAI keeps what does not say no."""
    background, store = body.get("background") is True, body.get("store") is not False
    if background and not store:
        raise Refused(
            ErrorCode.INVALID_VALUE,
            "cannot make a response in the background without keeping it: leave `store` out, or `background`",
            "store",
        )
    return Kept(background, store, body.get("stream") is True)
