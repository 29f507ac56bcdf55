"""How far a load is: one line that changes in a terminal, a line for each change elsewhere."""

from types import TracebackType

from rich.live import Live
from rich.spinner import Spinner

from switchyard_contracts.status import ModelStatus
from switchyard_manager.cli.printing import console, say
from switchyard_manager.cli.words import WAITING, span


class LoadingLine:
    def __init__(self, *, is_silent: bool) -> None:
        self._is_silent = is_silent
        self._last = ""
        self._live: Live | None = None
        out = console()
        if out.is_terminal and not is_silent:
            # The spinner turns in a thread of rich's own: that the command lives is seen between two changes.
            self._spinner = Spinner("line")
            self._live = Live(self._spinner, console=out, refresh_per_second=8, transient=True)

    def __enter__(self) -> "LoadingLine":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()

    def status(self, status: ModelStatus) -> None:
        text = _text(status)
        if self._live is not None:
            left = f", about {span(status.expected_s)} left" if status.expected_s else ""
            self._spinner.update(text=text + left)
        elif text != self._last and not self._is_silent:
            say(text)
        self._last = text

    def aside(self, text: str) -> None:
        """Something that stays: above the line in a terminal."""
        if self._live is not None:
            self._live.console.print(text)
        elif not self._is_silent:
            say(text)


def _text(status: ModelStatus) -> str:
    doing = status.progress or WAITING[status.phase]
    if status.blocked:
        doing = f"{doing}: {status.blocked}"
    return f"{status.name}: {doing}"
