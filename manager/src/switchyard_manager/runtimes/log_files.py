"""Where an engine's words are kept: one folder for each model, the current run and the one before."""

from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

TAIL_LINES = 60
TAIL_BYTES = 32_768
BEGINNING_BYTES = 4 * 2**20


class LogFiles:
    """Blocking: call it in a thread."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def has(self, file: Path) -> bool:
        """Whether it is an engine's. The services' own stands beside the models' folders."""
        return file.parent.parent == self._root.resolve() and file.name in {"current.log", "previous.log"}

    def current(self, model: str) -> Path:
        return self._folder(model) / "current.log"

    def previous(self, model: str) -> Path:
        return self._folder(model) / "previous.log"

    def fresh(self, model: str) -> BinaryIO:
        """Keep the last run's log: a restart must not overwrite the only page that shows why it was needed."""
        log = self.current(model)
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists():
            log.replace(self.previous(model))
        return log.open("wb")

    def again(self, model: str) -> BinaryIO:
        """For a run that goes on under a new manager: its words are copied once more, from its first."""
        log = self.current(model)
        log.parent.mkdir(parents=True, exist_ok=True)
        return log.open("wb")

    def tail(self, model: str) -> tuple[str, ...]:
        return tail(self.current(model))

    def _folder(self, model: str) -> Path:
        # No two models share one: their logs must not mix.
        return self._root / quote(model, safe="")


def beginning(log: Path) -> str:
    """Of a run: what it said as it started."""
    try:
        with log.open("rb") as opened:
            return opened.read(BEGINNING_BYTES).decode(errors="replace")
    except OSError:
        return ""


def tail(log: Path) -> tuple[str, ...]:
    try:
        with log.open("rb") as opened:
            opened.seek(max(0, log.stat().st_size - TAIL_BYTES))
            text = opened.read().decode(errors="replace")
    except OSError:
        return ()
    return tuple(text.splitlines()[-TAIL_LINES:])
