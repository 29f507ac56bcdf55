"""From the worker's events to what the client is sent: one body at the end, or chunk after chunk. Pure."""

from dataclasses import dataclass, field, replace
from typing import Any

from switchyard_image_server.chat.events import ChatEvent, Ended, Finished, Piece, Started, TokenOdds
from switchyard_image_server.chat.habits import Habits
from switchyard_image_server.chat.reply import Reply
from switchyard_image_server.chat.scribe import FinishReason
from switchyard_image_server.chat.tools import Choice
from switchyard_image_server.chat.voice import Heard, Voice


@dataclass(frozen=True, slots=True)
class Manner:
    """How this model's answer to this request is read."""

    habits: Habits
    choice: Choice
    choices: int = 1
    continues: bool = False  # what was begun is words: no thoughts come any more

    def voices(self, started: Started) -> list[Voice]:
        habits = replace(self.habits, thinks=False) if self.continues else self.habits
        return [Voice(habits, self.choice, thinking=started.thinking) for _ in range(self.choices)]


class Whole:
    """Hears everything, then tells it at once."""

    def __init__(self, reply: Reply, manner: Manner) -> None:
        self._reply = reply
        self._manner = manner
        self._voices: list[Voice] = []
        self._heard = [Heard() for _ in range(manner.choices)]
        self._reasons = [FinishReason.STOP] * manner.choices
        self.end = Finished(0, 0)

    def hear(self, event: ChatEvent) -> None:
        match event:
            case Started():
                self._voices = self._manner.voices(event)
            case Piece(choice=index):
                self._heard[index].odds.extend(event.odds)
                for said in self._voices[index].add(event):
                    self._heard[index].note(said)
            case Ended(index, reason):
                self._reasons[index] = reason
            case Finished():
                self.end = event
                for voice, heard in zip(self._voices, self._heard, strict=True):
                    for said in voice.rest():
                        heard.note(said)

    def body(self) -> dict[str, Any]:
        reasons = [voice.reason(reason) for voice, reason in zip(self._voices, self._reasons, strict=True)]
        return self._reply.whole(
            list(zip(self._heard, reasons, strict=True)), self.end, _thoughts(self._voices)
        )


@dataclass(slots=True)
class _Line:
    """One choice of a stream. `odds` are of tokens that no chunk was sent for yet."""

    voice: Voice
    odds: list[TokenOdds] = field(default_factory=list)

    def odds_due(self) -> list[TokenOdds]:
        due, self.odds = self.odds, []
        return due


class Stream:
    """Tells each event as it is heard. The choices' chunks may come mixed; each carries its index."""

    def __init__(self, reply: Reply, manner: Manner) -> None:
        self._reply = reply
        self._manner = manner
        self._lines: list[_Line] = []
        self._open: dict[int, FinishReason] = {}

    def chunks(self, event: ChatEvent) -> list[dict[str, Any]]:
        match event:
            case Started():
                self._lines = [_Line(voice) for voice in self._manner.voices(event)]
                self._open = dict.fromkeys(range(len(self._lines)), FinishReason.STOP)
                return [self._reply.opening(index) for index in self._open]
            case Piece():
                return self._piece(event)
            case Ended(index, reason):
                self._open[index] = reason
                # The last one's end waits for what comes with it: how all of it went.
                return self._ending(index) if len(self._open) > 1 else []
            case Finished():
                return self._closing(event)

    def _piece(self, piece: Piece) -> list[dict[str, Any]]:
        line = self._lines[piece.choice]
        line.odds.extend(piece.odds)
        return [
            chunk
            for said in line.voice.add(piece)
            for chunk in self._reply.said(piece.choice, said, line.odds_due())
        ]

    def _ending(self, index: int) -> list[dict[str, Any]]:
        line, reason = self._lines[index], self._open.pop(index)
        chunks = [
            chunk for said in line.voice.rest() for chunk in self._reply.said(index, said, line.odds_due())
        ]
        return [*chunks, self._reply.ending(index, line.voice.reason(reason), line.odds_due())]

    def _closing(self, end: Finished) -> list[dict[str, Any]]:
        chunks = [chunk for index in sorted(self._open) for chunk in self._ending(index)]
        usage = self._reply.closing(end, _thoughts([line.voice for line in self._lines]))
        chunks += [] if usage is None else [usage]
        if end.note is not None:
            chunks[-1]["switchyard"] = {"memory": end.note}
        return chunks


def _thoughts(voices: list[Voice]) -> int:
    return sum(voice.thought_tokens for voice in voices)
