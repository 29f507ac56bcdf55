"""Part what a model thinks from what it answers, as the text comes in. Pure.

Thoughts stand at the beginning, up to `</think>`; either the model opens them with `<think>`, or the prompt.
A mark anywhere else is ordinary text. Wherever the text is cut into pieces, the same comes out; what was handed
out is never taken back, so text is held back while its end could still become a mark.

White space around thoughts is no part of anything and is dropped. A model may call a tool in the middle of its
thoughts and forget to close them: where tools are offered, the call ends the thoughts.
"""

import re
from enum import Enum, auto

from switchyard_image_server.chat.habits import CALL, END_THINK, THINK

_BEGUN_CALL = re.compile(r"<tool_call>\s*(?:\{|<function=)")
_FUNCTION = "<function="


class _Place(Enum):
    START = auto()  # the model may still open thoughts
    OPENED = auto()  # by the prompt; the model may repeat the mark
    THOUGHTS = auto()
    GAP = auto()  # the white space after thoughts
    ANSWER = auto()


class Thoughts:
    """`add` and `rest` give what is certain now: thought, then answer."""

    def __init__(self, *, possible: bool, opened: bool = False, calls: bool = False) -> None:
        self._place = _Place.OPENED if opened else _Place.START if possible else _Place.ANSWER
        self._calls = calls
        self._held = ""
        self._anything_thought = False

    @property
    def thinking(self) -> bool:
        """Whether what comes next is still a thought, as far as that is known."""
        return self._place in (_Place.OPENED, _Place.THOUGHTS)

    def add(self, text: str) -> tuple[str, str]:
        self._held += text
        thought = ""
        if self._place in (_Place.START, _Place.OPENED):
            self._enter()
        if self._place is _Place.THOUGHTS:
            thought = self._thought()
        if self._place is _Place.GAP:
            self._held = self._held.lstrip()
            self._place = _Place.ANSWER if self._held else _Place.GAP
        if self._place is not _Place.ANSWER:
            return thought, ""
        answer, self._held = self._held, ""
        return thought, answer

    def rest(self) -> tuple[str, str]:
        left, self._held = self._held, ""
        match self._place:
            case _Place.OPENED | _Place.THOUGHTS:
                return self._begun(left).rstrip(), ""
            case _:
                return "", left

    def _enter(self) -> None:
        begin = self._held.lstrip()
        if THINK.startswith(begin) and begin != THINK:
            return  # it may become the mark
        if begin.startswith(THINK):
            self._held = begin.removeprefix(THINK)
            self._place = _Place.THOUGHTS
        else:
            self._place = _Place.THOUGHTS if self._place is _Place.OPENED else _Place.ANSWER

    def _thought(self) -> str:
        end, after = self._end()
        if end is None:
            certain = self._held[: self._certain()]
            self._held = self._held[len(certain) :]
            return self._begun(certain)
        thought, self._held = self._held[:end], self._held[after:]
        self._place = _Place.GAP
        return self._begun(thought).rstrip()

    def _begun(self, text: str) -> str:
        """Without the white space that comes before any thought."""
        text = text if self._anything_thought else text.lstrip()
        self._anything_thought = self._anything_thought or bool(text)
        return text

    def _end(self) -> tuple[int | None, int]:
        """Where the thoughts end, and where what follows begins."""
        closed = self._held.find(END_THINK)
        called = _BEGUN_CALL.search(self._held) if self._calls else None
        if called is not None and (closed < 0 or called.start() < closed):
            return called.start(), called.start()
        return (None, 0) if closed < 0 else (closed, closed + len(END_THINK))

    def _certain(self) -> int:
        """How much of what is held is thought whatever comes."""
        end = len(self._held) - possible_start(self._held, END_THINK)
        if self._calls:
            end = min(end, self._possible_call())
        return len(self._held[:end].rstrip())

    def _possible_call(self) -> int:
        begun = self._held.rfind(CALL)
        if begun >= 0 and _FUNCTION.startswith(self._held[begun + len(CALL) :].lstrip()):
            return begun
        return len(self._held) - possible_start(self._held, CALL)


def possible_start(text: str, mark: str) -> int:
    """The length of the longest end of the text that begins the mark, and is not all of it."""
    for length in range(min(len(mark) - 1, len(text)), 0, -1):
        if mark.startswith(text[-length:]):
            return length
    return 0
