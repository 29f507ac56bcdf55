"""One container that runs for us: its log is copied, its end is told once it is certain, then it is removed.

Each has a thread of its own, which follows the log and does the last things. Whoever hears a rumour of an end
says so, from any thread: nothing but the Engine's own word that it does not run makes it ended. Of one that we
told to end, an event is word enough: while the Engine clears up after it, it answers nothing about it.
"""

import contextlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from switchyard_manager.runtimes.docker.engine import Conflict, Engine, EngineSaid, NotThere
from switchyard_manager.runtimes.docker.log_copy import LogCopy
from switchyard_manager.runtimes.docker.seen import End, Seen
from switchyard_manager.runtimes.protocol import Exit, RuntimeAway

log = logging.getLogger(__name__)

PAUSE_S = 1.0  # between two attempts to follow a log that cannot be followed
LAST_ATTEMPTS = 30  # to copy the rest and to remove; after those the next manager's start does it
LET_GO_LIMIT_S = 5.0
SIGNALS = range(129, 193)  # 128 plus the signal, as a shell would say it


@dataclass(frozen=True, slots=True)
class Ending:
    """What is to be done at the end, and who hears of it."""

    remove: bool
    tail: Callable[[], tuple[str, ...]]
    told: Callable[[Exit], None]  # at once: what waits for its memory need not wait for its removal
    cleared: Callable[[], None]  # nothing of it is left, or the next manager's start sees to it


class Kept:
    def __init__(self, engine: Engine, seen: Seen, words: LogCopy, ending: Ending) -> None:
        self.id = seen.id
        self.name = seen.name
        self._stop_signal = seen.stop_signal
        self._engine = engine
        self._words = words
        self._ending = ending
        self._seen = seen
        self._last: Seen | None = None
        self._told_to_end = False
        self._is_told = False
        self._gone = threading.Event()
        self._ending_once = threading.Lock()
        self._let_go = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"docker-{seen.name}", daemon=True)

    def begin(self) -> None:
        self._thread.start()

    @property
    def gone(self) -> bool:
        """It runs no more; that is certain."""
        return self._gone.is_set()

    def hear(self, end: End | None) -> None:
        """A rumour of an end."""
        # Nobody but us starts again what is ours to remove. Of an end that nobody asked for, all is wanted: its
        # last words, and whether it lacked memory.
        if end is None or end.code is None or not (self._told_to_end and self._ending.remove):
            self.look()
        elif not (self.gone or self._let_go.is_set()):
            self._ended(replace(self._seen, running=False, code=end.code))
            self._tell()

    def look(self) -> None:
        if self.gone or self._let_go.is_set():
            return
        try:
            seen = self._engine.inspect(self.id)
        except NotThere:
            self._ended(None)
        except (RuntimeAway, EngineSaid):
            return  # not knowing is no end
        else:
            if not seen.running:
                self._ended(seen)

    def signal(self, *, kill: bool) -> None:
        """Raises `RuntimeAway` when the Engine could not be told."""
        self._told_to_end = True
        try:
            self._engine.signal(self.id, "SIGKILL" if kill else self._stop_signal)
        except EngineSaid as error:
            # Gone, ending, or in a state where signals are refused: looking tells which.
            log.debug("container %s: %s", self.name, error)
        self.look()

    def let_go(self) -> None:
        self._let_go.set()
        self._gone.set()
        self._words.cut()
        if self._thread.is_alive():
            self._thread.join(LET_GO_LIMIT_S)

    def _ended(self, seen: Seen | None) -> None:
        # The first word counts: a second look, begun before, may find the container removed by us.
        with self._ending_once:
            if not self.gone:
                self._last = seen
                self._gone.set()
        self._words.cut()

    def _tell(self) -> None:
        with self._ending_once:
            if not self._is_told:
                self._is_told = True
                self._ending.told(_exit(self._last, self._ending.tail()))

    def _keep(self) -> None:
        while not self.gone:
            with contextlib.suppress(RuntimeAway, EngineSaid):
                self._words.follow()
            self.look()
            self._gone.wait(PAUSE_S)
        if not self._let_go.is_set():
            self._persist(self._copy_the_rest)
        self._words.close()
        if not self._let_go.is_set():
            self._tell()
            if self._ending.remove:
                self._persist(lambda: removed(self._engine, self.id))
        self._ending.cleared()

    def _copy_the_rest(self) -> None:
        self._words.finish()
        # A reading that broke off looks like one that came to its end. The Engine that answers now was there.
        self._engine.inspect(self.id)

    def _persist(self, act: Callable[[], None]) -> None:
        for _ in range(LAST_ATTEMPTS):
            try:
                return act()
            except NotThere:
                return None
            except EngineSaid as error:
                log.warning("container %s: %s", self.name, error)
                return None
            except RuntimeAway:
                self._let_go.wait(PAUSE_S)
        return None


def removed(engine: Engine, container: str) -> None:
    """Gone already, or somebody removes it at this moment: both are what was wanted."""
    with contextlib.suppress(NotThere, Conflict):
        engine.remove(container)


def _exit(seen: Seen | None, tail: tuple[str, ...]) -> Exit:
    if seen is None:
        return Exit(None, tail)
    code = 128 - seen.code if seen.code in SIGNALS else seen.code
    return Exit(code, tail, seen.oom_killed)
