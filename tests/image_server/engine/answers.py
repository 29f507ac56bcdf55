"""What was heard of an answer, put together: for the tests of everything that talks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from switchyard_image_server.chat.events import Ended, Finished, Piece, Started
from switchyard_image_server.chat.scribe import FinishReason


@dataclass(frozen=True)
class Answer:
    """What was heard of one request. `texts` and `reasons` are those of its choices."""

    texts: tuple[str, ...]
    reasons: tuple[FinishReason, ...]
    prompt_tokens: int
    completion_tokens: int
    pieces: tuple[Piece, ...] = field(compare=False)
    note: str | None = None

    @property
    def text(self) -> str:
        return self.texts[0]

    @property
    def reason(self) -> FinishReason:
        return self.reasons[0]


async def answer(asks: Any, heard: Callable[[Any], Any], model: Any, body: dict[str, Any]) -> Answer:
    return told(await heard(await asks.chat(model, body)))


def told(events: list[Any]) -> Answer:
    started, *between, end = events
    assert isinstance(started, Started)
    assert isinstance(end, Finished)
    pieces = tuple(event for event in between if isinstance(event, Piece))
    endings = {event.choice: event.reason for event in between if isinstance(event, Ended)}
    assert all(piece.text for piece in pieces)
    assert len(pieces) + len(endings) == len(between)
    texts = tuple("".join(piece.text for piece in pieces if piece.choice == i) for i in range(len(endings)))
    reasons = tuple(endings[i] for i in range(len(endings)))
    return Answer(texts, reasons, end.prompt_tokens, end.completion_tokens, pieces, end.note)
