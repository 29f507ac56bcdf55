"""The history in SQLite. Blocking: call it in threads. Trouble with the file is told, never raised.

One connection, one lock, one transaction per write: a kill at any moment costs at most the last write.
"""

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from switchyard_contracts.events import ManagerEvent, RunRecord
from switchyard_manager.store import rows
from switchyard_manager.store.facts import Fact, Learned
from switchyard_manager.store.opening import Unusable, code_of, is_damage, open_database, set_aside

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

DAY_S = 86_400.0
# What passes while the connection stays good. After anything else it is opened anew.
PASSING = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
ADVICE = {
    sqlite3.SQLITE_FULL: "free some space on that disk",
    sqlite3.SQLITE_BUSY: "close the other program that has it open",
    sqlite3.SQLITE_LOCKED: "close the other program that has it open",
    sqlite3.SQLITE_READONLY: "make that folder writable for the manager's user",
    sqlite3.SQLITE_CANTOPEN: "make that folder writable for the manager's user",
    sqlite3.SQLITE_IOERR: "check that disk's free space and health",
}
UNWRITABLE = (
    ValueError,
    TypeError,
    OverflowError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)
OTHER_ADVICE = "move the file away and the manager begins a new one"


class Store:
    def __init__(self, file: Path, now: Callable[[], float] = time.time) -> None:
        self._file = file
        self._now = now
        self._lock = threading.RLock()
        self._db: sqlite3.Connection | None = None
        self._closed = False
        self._was_set_aside: str | None = None
        self._failing: str | None = None
        self._ask(lambda db: None)

    @property
    def trouble(self) -> str | None:
        """What the operator should know. A file set aside stays said; the rest goes when it is over."""
        return "; ".join(told for told in (self._was_set_aside, self._failing) if told) or None

    def write(self, facts: Sequence[Fact]) -> bool:
        """All of them or none. False: they are not written, `trouble` says why, and they may be given again."""
        return self._ask(lambda db: self._write(db, facts)) is not None

    def _write(self, db: sqlite3.Connection, facts: Sequence[Fact]) -> bool:
        with _transaction(db):
            for fact in facts:
                try:
                    for sql, row in rows.statements(fact, self._now()):
                        db.execute(sql, row)
                except UNWRITABLE:
                    # It would fail again for ever, and hold up all that come after it.
                    log.exception("cannot write down %r: left out", fact)
        return True

    def learned(self) -> dict[str, Learned]:
        def look(db: sqlite3.Connection) -> dict[str, Learned]:
            spans = db.execute("SELECT spec_hash, span, seconds FROM spans").fetchall()
            memory = db.execute("SELECT spec_hash, gpu_name, asleep, mib FROM memory").fetchall()
            return rows.learned_of(spans, memory)

        return self._ask(look) or {}

    def events(self, after_seq: int = 0, limit: int = 200, model: str | None = None) -> list[ManagerEvent]:
        """The newest `limit` of those after `after_seq`, oldest first."""
        found = self._ask(lambda db: db.execute(rows.EVENTS, (after_seq, limit, model)).fetchall())
        return rows.events_of(reversed(found or []))

    def last_seq(self) -> int:
        """The highest number known to be used, by a stored event or a fleeting one.

        After a kill the last half second is missing: begin well above it.
        """
        sql = "SELECT value FROM counters WHERE name = 'last_seq'"
        found = self._ask(lambda db: db.execute(sql).fetchone())
        return found[0] if found and isinstance(found[0], int) else 0

    def runs(self, model: str | None = None, limit: int = 200) -> list[RunRecord]:
        """The newest first."""
        return rows.runs_of(self._ask(lambda db: db.execute(rows.RUNS, (model, limit)).fetchall()) or [])

    def pins(self) -> dict[str, bool]:
        return rows.pins_of(self._ask(lambda db: db.execute("SELECT model, pinned FROM pins").fetchall()) or [])

    def prune(self, keep_events: int = 50_000, keep_runs: int = 5_000, unused_days: float = 180) -> None:
        """Forget the oldest events and runs, and what was learned of specifications long gone."""
        old = self._now() - unused_days * DAY_S

        def forget(db: sqlite3.Connection) -> bool:
            with _transaction(db):
                db.execute(rows.FORGET_EVENTS, (keep_events,))
                db.execute(rows.FORGET_RUNS, (keep_runs,))
                for sql in rows.FORGET_LEARNED:
                    db.execute(sql, (old,))
            return True

        self._ask(forget)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._drop()

    def _ask(self, question: Callable[[sqlite3.Connection], Answer]) -> Answer | None:
        """The answer, or None and `trouble`. A damaged file is set aside, and the new one is asked."""
        with self._lock:
            if self._closed:
                return None
            try:
                try:
                    answer = question(self._connected())
                except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                    if not is_damage(error):
                        raise
                    self._set_aside(f"it is damaged ({error})")
                    answer = question(self._connected())
            except (sqlite3.Error, Unusable, OSError) as error:
                self._tell(error)
                return None
            self._failing = None
            return answer

    def _connected(self) -> sqlite3.Connection:
        if self._db is None:
            try:
                self._db = open_database(self._file)
            except Unusable as error:
                self._set_aside(str(error))
                self._db = open_database(self._file)
        return self._db

    def _set_aside(self, why: str) -> None:
        self._drop()
        aside = set_aside(self._file)
        self._was_set_aside = (
            f"cannot use the history in {self._file}: {why}; it was set aside as {aside.name} and a new one"
            " begun: delete it if you do not miss it"
        )
        log.error("%s", self._was_set_aside)

    def _tell(self, error: Exception) -> None:
        code = code_of(error) if isinstance(error, sqlite3.Error) else sqlite3.SQLITE_CANTOPEN
        told = f"cannot keep the history in {self._file}: {error}: {ADVICE.get(code, OTHER_ADVICE)}"
        if told != self._failing:
            log.error("%s", told)
        self._failing = told
        if code not in PASSING:
            self._drop()

    def _drop(self) -> None:
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
            self._db = None


@contextlib.contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        # A full disk may have rolled it back already.
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
