"""One choice of an answer, as it comes in: what is thought, what is said, what is called. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from switchyard_image_server.chat.events import Piece, TokenOdds
from switchyard_image_server.chat.habits import Habits
from switchyard_image_server.chat.scribe import FinishReason
from switchyard_image_server.chat.thoughts import Thoughts
from switchyard_image_server.chat.tool_calls import Call, CallReader
from switchyard_image_server.chat.tools import Choice


@dataclass(frozen=True, slots=True)
class Thought:
    text: str


@dataclass(frozen=True, slots=True)
class Words:
    text: str


@dataclass(frozen=True, slots=True)
class Called:
    """`number` counts the calls of one choice."""

    number: int
    call: Call


Said = Thought | Words | Called


@dataclass(slots=True)
class Heard:
    """All of one choice, put together."""

    thoughts: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    calls: list[Called] = field(default_factory=list)
    odds: list[TokenOdds] = field(default_factory=list)

    def note(self, said: Said) -> None:
        match said:
            case Thought(text):
                self.thoughts.append(text)
            case Words(text):
                self.words.append(text)
            case Called():
                self.calls.append(said)


class Voice:
    """`thinking`: the prompt has opened the thoughts."""

    def __init__(self, habits: Habits, choice: Choice, *, thinking: bool) -> None:
        offers = bool(choice.tools)
        self._thoughts = Thoughts(possible=habits.thinks, opened=thinking, calls=offers)
        schemas = {tool.name: tool.parameters for tool in choice.tools}
        self._reader = CallReader(schemas, several=choice.several) if offers else None
        self.thought_tokens = 0

    def add(self, piece: Piece) -> list[Said]:
        thinking = self._thoughts.thinking
        said = list(self._told(*self._thoughts.add(piece.text)))
        if thinking or self._thoughts.thinking:
            self.thought_tokens += piece.tokens
        return said

    def rest(self) -> list[Said]:
        said = list(self._told(*self._thoughts.rest()))
        if self._reader is not None:
            said += self._parted(self._reader.rest())
        return said

    def reason(self, ended: FinishReason) -> str:
        called = self._reader is not None and self._reader.calls > 0
        return "tool_calls" if called and ended is FinishReason.STOP else str(ended)

    def _told(self, thought: str, answer: str) -> Iterator[Said]:
        if thought:
            yield Thought(thought)
        if self._reader is not None:
            yield from self._parted(self._reader.add(answer))
        elif answer:
            yield Words(answer)

    def _parted(self, found: list[str | Call]) -> Iterator[Said]:
        number = 0 if self._reader is None else self._reader.calls
        number -= sum(isinstance(one, Call) for one in found)
        for one in found:
            if isinstance(one, Call):
                yield Called(number, one)
                number += 1
            else:
                yield Words(one)
