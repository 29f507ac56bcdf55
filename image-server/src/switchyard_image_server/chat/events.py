"""What the worker tells the event loop about one answer: `Started`, any number of `Piece`, `Finished`."""

from dataclasses import dataclass

from switchyard_image_server.chat.scribe import FinishReason


@dataclass(frozen=True, slots=True)
class Started:
    """The prompt fits and is being read. Nothing that the caller did wrong can come up after this."""

    prompt_tokens: int


@dataclass(frozen=True, slots=True)
class Piece:
    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    reason: FinishReason
    prompt_tokens: int
    completion_tokens: int


ChatEvent = Started | Piece | Finished
