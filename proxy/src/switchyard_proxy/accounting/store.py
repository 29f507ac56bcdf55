"""Write accounts to SQLite, and forget old ones. Blocking: call it in a thread. Trouble is told, never raised.

Other processes may write to the same file. One transaction per batch: a kill at any moment costs at most that.
"""

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from switchyard_proxy.accounting.account import ERRORS, Account
from switchyard_proxy.accounting.entries import INSERT, row_of
from switchyard_proxy.accounting.opening import (
    Unusable,
    alone,
    code_of,
    is_damage,
    open_for_writing,
    set_aside,
    transaction,
)

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

DAY_S = 86_400.0
STEP = 500  # rows that are forgotten at a time: nobody waits for a large deletion
PAGES = 200  # that are given back to the disk at a time
# What passes while the connection stays good. After anything else it is opened anew.
PASSING = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
ADVICE = {
    sqlite3.SQLITE_FULL: "free some space on that disk",
    sqlite3.SQLITE_BUSY: "close the other program that has it open",
    sqlite3.SQLITE_LOCKED: "close the other program that has it open",
    sqlite3.SQLITE_READONLY: "make that folder writable for the proxy's user",
    sqlite3.SQLITE_CANTOPEN: "make that folder writable for the proxy's user",
    sqlite3.SQLITE_IOERR: "check that disk's free space and health",
}
OTHER_ADVICE = "move the file away and the proxy begins a new one"
UNWRITABLE = (
    ValueError,
    TypeError,
    OverflowError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)

PUT_CAPTURE = "INSERT INTO captures (id, size, bodies) VALUES (?, ?, ?)"
FORGET_DAYS = "DELETE FROM requests WHERE id IN (SELECT id FROM requests WHERE at < ? ORDER BY at LIMIT ?)"
# Ids leave no gaps but at the old end.
FORGET_ROWS = """
DELETE FROM requests WHERE id IN (
  SELECT id FROM requests WHERE id <= (SELECT max(id) FROM requests) - ? ORDER BY id LIMIT ?
)
"""
FORGET_CAPTURES = """
DELETE FROM captures WHERE id IN (
  SELECT id FROM (
    SELECT id, row_number() OVER newest AS place, sum(size) OVER newest AS sizes
    FROM captures WINDOW newest AS (ORDER BY id DESC)
  ) WHERE place > ? OR sizes > ?
)
"""


class Keep(msgspec.Struct, frozen=True):
    """For how long, and how much."""

    days: int = 30
    rows: int = 1_000_000
    captures: int = 1_000
    captured_bytes: int = 64 * 1024 * 1024


class Store:
    """With `keep.days` 0 it writes nothing, and makes no file."""

    def __init__(self, file: Path, keep: Keep, now: Callable[[], float] = time.time) -> None:
        self._file = file
        self._keep = keep
        self._now = now
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._inode: int | None = None
        self._closed = False
        self._was_set_aside: str | None = None
        self._failing: str | None = None

    @property
    def trouble(self) -> str | None:
        """What the operator should know. A file set aside stays said; the rest goes when it is over."""
        return "; ".join(told for told in (self._was_set_aside, self._failing) if told) or None

    def write(self, accounts: Sequence[Account]) -> bool:
        """All of them or none. False: they are not written, `trouble` says why, and they may be given again."""
        if self._keep.days == 0:
            return True
        bodies = {at: text for at, account in enumerate(accounts) if (text := _bodies(account)) is not None}
        return self._ask(lambda db: self._write(db, accounts, bodies)) is not None

    def _write(self, db: sqlite3.Connection, accounts: Sequence[Account], bodies: dict[int, str]) -> bool:
        if not bodies:
            try:
                with transaction(db):
                    db.executemany(INSERT, map(row_of, accounts))
                return True
            except UNWRITABLE:
                log.debug("one account of %d is unfit: they are written one by one", len(accounts))
        with transaction(db):
            for at, account in enumerate(accounts):
                try:
                    row = db.execute(INSERT, row_of(account)).lastrowid
                    if at in bodies:
                        db.execute(PUT_CAPTURE, (row, len(bodies[at]), bodies[at]))
                except UNWRITABLE:
                    # It would fail again for ever, and hold up all that come after it.
                    log.exception("cannot write down request %r: left out", account.id)
            if bodies:
                db.execute(FORGET_CAPTURES, (self._keep.captures, self._keep.captured_bytes))
        return True

    def prune(self) -> bool:
        """Forget some of what is too old or too much; whether there was any."""
        if self._keep.days == 0 and not self._file.exists():
            return False
        return bool(self._ask(self._prune))

    def _prune(self, db: sqlite3.Connection) -> bool:
        with transaction(db):
            old = db.execute(FORGET_DAYS, (self._now() - self._keep.days * DAY_S, STEP)).rowcount
            many = db.execute(FORGET_ROWS, (self._keep.rows, STEP)).rowcount
        if old or many:
            db.execute(f"PRAGMA incremental_vacuum({PAGES})").fetchall()
        return bool(old or many)

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
                    self._replace(f"it is damaged ({error})")
                    answer = question(self._connected())
            except (sqlite3.Error, Unusable, OSError, UnicodeDecodeError) as error:
                self._tell(error)
                return None
            self._failing = None
            return answer

    def _connected(self) -> sqlite3.Connection:
        if self._db is None:
            with alone(self._file):
                try:
                    self._db = open_for_writing(self._file)
                except Unusable as error:
                    self._set_aside(str(error))
                    self._db = open_for_writing(self._file)
                self._inode = self._file.stat().st_ino
        return self._db

    def _replace(self, why: str) -> None:
        """Unless another process has done so: then the file that is there now is a good one."""
        self._drop()
        with alone(self._file):
            if self._file.exists() and self._file.stat().st_ino == self._inode:
                self._set_aside(why)

    def _set_aside(self, why: str) -> None:
        aside = set_aside(self._file)
        self._was_set_aside = (
            f"cannot use the accounts in {self._file}: {why}; the file was set aside as {aside.name} and a new"
            " one begun: delete it if you do not miss it"
        )
        log.error("%s", self._was_set_aside)

    def _tell(self, error: Exception) -> None:
        code = code_of(error) if isinstance(error, sqlite3.Error) else sqlite3.SQLITE_CANTOPEN
        told = f"cannot keep the accounts in {self._file}: {error}: {ADVICE.get(code, OTHER_ADVICE)}"
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


def _bodies(account: Account) -> str | None:
    if account.capture is None or (account.capture.only_errors and account.outcome not in ERRORS):
        return None
    try:
        return msgspec.json.encode(account.capture.captured()).decode()
    except Exception:  # whatever a client sent must not cost the rows of others
        log.exception("cannot capture the bodies of request %r", account.id)
        return None
