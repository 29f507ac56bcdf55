"""What the worker tells the event loop about one answer: `Started`, any number of `Piece`, an `Ended` for each
choice, `Finished`.
"""

from dataclasses import dataclass

from switchyard_image_server.chat.scribe import FinishReason


@dataclass(frozen=True, slots=True)
class Started:
    """The prompt fits and is being read. Nothing that the caller did wrong can come up after this.

    `thinking`: the prompt itself has opened the model's thoughts, so the answer begins inside them.
    """

    prompt_tokens: int
    thinking: bool = False


@dataclass(frozen=True, slots=True)
class TokenOdds:
    """A token that was chosen, or could have been, and the logarithm of its probability."""

    text: str
    bytes: tuple[int, ...]
    logprob: float
    rivals: tuple["TokenOdds", ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """Text as the model wrote it: thoughts and tool calls are still in it, with their marks.

    `tokens`: how many it was written in, those included whose text came to nothing. 0: that is not known.
    """

    text: str
    choice: int = 0
    odds: tuple[TokenOdds, ...] = ()
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    choice: int
    reason: FinishReason


@dataclass(frozen=True, slots=True)
class Finished:
    """`note` is for the reply's headers: what an out-of-memory error has led to."""

    prompt_tokens: int
    completion_tokens: int
    note: str | None = None


ChatEvent = Started | Piece | Ended | Finished
