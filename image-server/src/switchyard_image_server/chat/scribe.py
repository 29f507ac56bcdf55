"""Turn tokens into text, one at a time, and say when to stop. Pure: it knows neither model nor tokenizer.

Two things make this harder than joining strings. A character may be spread over several tokens, so text is
held back while it ends in an incomplete one. A stop string may be spread over several tokens too, so text is
held back while its end could still become one. What was handed out is never taken back.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum

INCOMPLETE = "\N{REPLACEMENT CHARACTER}"


class FinishReason(StrEnum):
    STOP = "stop"
    LENGTH = "length"


class Detokenizer:
    """Decodes a growing list of tokens in constant time per token.

    Tokenizers may join neighbours, so a token is decoded together with those before it, and the text that they
    had on their own is cut off. `_settled` is where that context begins, `_shown` where the new tokens begin.
    """

    def __init__(self, decode: Callable[[list[int]], str], before: Sequence[int] = ()) -> None:
        """`before`: tokens that the text goes on from, which stand there already."""
        self._decode = decode
        self._tokens: list[int] = list(before)
        self._settled = 0
        self._shown = len(self._tokens)

    def add(self, token: int) -> str:
        """The text that is certain now; empty while a character is incomplete."""
        self._tokens.append(token)
        text = self._new_text()
        if text.endswith(INCOMPLETE):
            return ""
        self._settled, self._shown = self._shown, len(self._tokens)
        return text

    def rest(self) -> str:
        """What is left at the end: an incomplete character is shown as such."""
        text = self._new_text()
        self._shown = len(self._tokens)
        return text

    def _new_text(self) -> str:
        before = self._decode(self._tokens[self._settled : self._shown])
        return self._decode(self._tokens[self._settled :])[len(before) :]


class StopCutter:
    """Passes text on up to the first stop string, which it swallows."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._held = ""
        self.met = False

    def add(self, text: str) -> str:
        """What may be shown. Once a stop string was met, nothing more."""
        if self.met:
            return ""
        text = self._held + text
        places = [place for stop in self._stops if (place := text.find(stop)) >= 0]
        if places:
            self.met, self._held = True, ""
            return text[: min(places)]
        keep = self._possible_start(text)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def rest(self) -> str:
        text, self._held = self._held, ""
        return text

    def _possible_start(self, text: str) -> int:
        """The length of the longest end of the text that begins a stop string."""
        longest = max((len(stop) for stop in self._stops), default=1) - 1
        for length in range(min(longest, len(text)), 0, -1):
            if any(stop.startswith(text[-length:]) for stop in self._stops):
                return length
        return 0


class Scribe:
    """Takes every token of one answer, and hands the text out."""

    def __init__(
        self,
        decode: Callable[[list[int]], str],
        show: Callable[[str], None],
        *,
        ends: frozenset[int],
        limit: int,
        stops: Sequence[str] = (),
        min_tokens: int = 0,
        before: Sequence[int] = (),
    ) -> None:
        self._text = Detokenizer(decode, before)
        self._cutter = StopCutter(stops)
        self._show = show
        self._ends = ends
        self._limit = limit
        self._min_tokens = min_tokens
        self.tokens = 0
        self.finished: FinishReason | None = None

    def take(self, token: int) -> bool:
        """Count and show one token; `True` when it was the last."""
        self.tokens += 1
        if token in self._ends:
            self.finished = FinishReason.STOP
        else:
            text = self._text.add(token)
            # Before the least length a stop string is ordinary text.
            self._hand_out(text if self.tokens < self._min_tokens else self._cutter.add(text))
            if self._cutter.met:
                self.finished = FinishReason.STOP
            elif self.tokens >= self._limit:
                self.finished = FinishReason.LENGTH
        return self.finished is not None

    def complete(self) -> None:
        """There is nothing more to say, whatever the model would say."""
        self.finished = FinishReason.STOP

    def close(self) -> FinishReason:
        """Show what was held back. A generation that just ended ran into its limit."""
        if not self._cutter.met:
            self._hand_out(self._cutter.add(self._text.rest()) + self._cutter.rest())
        return self.finished or FinishReason.LENGTH

    def _hand_out(self, text: str) -> None:
        if text:
            self._show(text)
