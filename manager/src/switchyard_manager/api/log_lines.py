"""The lines of an engine's log: the last of them, and those to come. Blocking: call it in a thread.

It reads the file that the engine's words are kept in, so that nobody who reads slowly can hold up an engine.
"""

import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

LINE_END = re.compile(rb"\r\n|\n|\r")  # progress bars overwrite themselves
BLOCK = 65_536
MOST_BYTES = 16 * BLOCK  # that the last lines may take together
LONGEST_LINE = BLOCK


@dataclass(frozen=True, slots=True)
class Line:
    text: str


@dataclass(frozen=True, slots=True)
class NewRun:
    """What follows is of another run."""


Piece = Line | NewRun


def last_lines(log: Path, count: int) -> list[str]:
    try:
        with log.open("rb") as opened:
            lines, rest = _split(_end_of(opened))
    except OSError:
        return []
    return _last([*lines, *([_text(rest)] if rest else [])], count)


class Followed:
    """One log as it grows. A run that begins anew begins another file; the one before is read to its end."""

    def __init__(self, current: Path, previous: Path, lines: int) -> None:
        self._current = current
        self._previous = previous
        self._lines = lines
        self._looked = False
        self._file: int | None = None  # which file it is, whatever its name by now
        self._at = 0
        self._rest = b""

    def more(self) -> list[Piece]:
        """What has been added, up to a block of it. Empty: nothing for now."""
        is_first, self._looked = not self._looked, True
        try:
            with self._current.open("rb") as opened:
                facts = os.fstat(opened.fileno())
                if is_first:
                    return self._begin(opened, facts.st_ino)
                if facts.st_ino != self._file or facts.st_size < self._at:
                    return self._begin_anew(facts.st_ino)
                opened.seek(self._at)
                return self._taken(opened.read(BLOCK))
        except OSError:
            return []

    def _begin(self, opened: BinaryIO, file: int) -> list[Piece]:
        lines, self._rest = _split(_end_of(opened))
        self._file, self._at = file, opened.tell()
        return [Line(line) for line in _last(lines, self._lines)]

    def _begin_anew(self, file: int) -> list[Piece]:
        pieces = [*self._end_of_former(), NewRun()]
        self._file, self._at, self._rest = file, 0, b""
        return pieces

    def _end_of_former(self) -> list[Piece]:
        pieces: list[Piece] = []
        with contextlib.suppress(OSError), self._previous.open("rb") as opened:
            if os.fstat(opened.fileno()).st_ino == self._file:
                opened.seek(self._at)
                pieces = self._taken(opened.read(MOST_BYTES))
        return [*pieces, *([Line(_text(self._rest))] if self._rest else [])]

    def _taken(self, data: bytes) -> list[Piece]:
        self._at += len(data)
        lines, self._rest = _split(self._rest + data)
        if len(self._rest) > LONGEST_LINE:
            lines.append(_text(self._rest))
            self._rest = b""
        return [Line(line) for line in lines]


def _end_of(opened: BinaryIO) -> bytes:
    opened.seek(max(0, opened.seek(0, os.SEEK_END) - MOST_BYTES))
    return opened.read(MOST_BYTES)


def _split(data: bytes) -> tuple[list[str], bytes]:
    """Whole lines, and the beginning of the next: a carriage return may be half of a line's end."""
    held = b"\r" if data.endswith(b"\r") else b""
    *lines, rest = LINE_END.split(data.removesuffix(held))
    return [_text(line) for line in lines], rest + held


def _last(lines: list[str], count: int) -> list[str]:
    return lines[-count:] if count else []


def _text(line: bytes) -> str:
    return line.rstrip(b"\r").decode(errors="replace")
