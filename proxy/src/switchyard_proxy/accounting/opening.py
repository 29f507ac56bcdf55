"""Open the file of accounts and bring it up to date, or set it aside if it is of no use. Alone knows versions.

Several processes do so at the same time: a lock beside the file lets them in one by one, so that none sets
aside what another has just begun.
"""

import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

BUSY_S = 2.0  # another process writes, or somebody looks at it with another program
WAL_KEPT_BYTES = 4 * 1024 * 1024

FIRST = """
CREATE TABLE requests (
  id INTEGER PRIMARY KEY AUTOINCREMENT, request_id TEXT NOT NULL, at REAL NOT NULL, key TEXT NOT NULL,
  address TEXT NOT NULL, route TEXT NOT NULL, asked TEXT NOT NULL, model TEXT NOT NULL,
  streams INTEGER NOT NULL, status INTEGER NOT NULL, outcome TEXT NOT NULL, code TEXT,
  retries INTEGER NOT NULL, retried INTEGER NOT NULL, fell_back INTEGER NOT NULL,
  queue_s REAL, load_s REAL, first_s REAL, total_s REAL, tokens_in INTEGER, tokens_out INTEGER, cached INTEGER,
  bytes_in INTEGER NOT NULL, bytes_out INTEGER NOT NULL, beats INTEGER NOT NULL
);
CREATE INDEX requests_by_time ON requests (at);
CREATE INDEX requests_by_request_id ON requests (request_id);
CREATE INDEX requests_of_model ON requests (model, id);
CREATE INDEX requests_of_key ON requests (key, id);
CREATE INDEX requests_gone_wrong ON requests (id) WHERE outcome <> 'ok';
CREATE TABLE captures (
  id INTEGER PRIMARY KEY REFERENCES requests (id) ON DELETE CASCADE, size INTEGER NOT NULL, bodies TEXT NOT NULL
)
"""
# Each takes a file from the version of its place to the next. Once released, never changed: add another.
MIGRATIONS = (FIRST,)
VERSION = len(MIGRATIONS)
COLUMNS = (
    "id, request_id, at, key, address, route, asked, model, streams, status, outcome, code, retries, retried,"
    " fell_back, queue_s, load_s, first_s, total_s, tokens_in, tokens_out, cached, bytes_in, bytes_out, beats"
)
PROBES = (f"SELECT {COLUMNS} FROM requests LIMIT 0", "SELECT id, size, bodies FROM captures LIMIT 0")  # noqa: S608
FORMAT_KNOWN = 2  # bytes 18 and 19 of a file: 1 is the rollback journal, 2 is WAL
DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Unusable(Exception):
    """The file is there and can be read, and holds no accounts that this version understands."""


@contextlib.contextmanager
def alone(file: Path) -> Iterator[None]:
    """Among the processes that open this file, or set it aside."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(file.with_name(file.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def open_for_writing(file: Path) -> sqlite3.Connection:
    """Raises `Unusable` where the file itself is at fault, and sqlite3.Error where the world around it is."""
    _refuse_later_format(file)
    os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # SQLite keeps to that for its log
    try:
        db = sqlite3.connect(file, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            _prepare(db)
        except BaseException:
            db.close()
            raise
    except (sqlite3.Error, UnicodeDecodeError) as error:
        # A plain SQL error here means tables that are not as we make them.
        if is_damage(error) or code_of(error) == sqlite3.SQLITE_ERROR:
            raise Unusable(f"it is damaged ({error})") from error
        raise
    return db


def open_for_reading(file: Path) -> sqlite3.Connection:
    """For one question; the file must be there."""
    db = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_S, isolation_level=None)
    db.text_factory = _text
    return db


def _refuse_later_format(file: Path) -> None:
    """SQLite takes such a file for a read-only one, which would never pass."""
    if file.is_file():
        with file.open("rb") as opened:
            header = opened.read(20)
        if max(header[18:], default=0) > FORMAT_KNOWN:
            raise Unusable("its format is of a later SQLite, or it is damaged")


def _prepare(db: sqlite3.Connection) -> None:
    db.text_factory = _text
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if not 0 <= version <= VERSION:
        raise Unusable(f"it is of version {version}, and this proxy knows up to {VERSION}")
    db.execute("PRAGMA auto_vacuum = INCREMENTAL")  # of a new file: what is pruned shrinks it
    db.execute("PRAGMA journal_mode = WAL").fetchone()
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("PRAGMA secure_delete = FAST").fetchone()
    db.execute(f"PRAGMA journal_size_limit = {WAL_KEPT_BYTES}").fetchone()
    (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise Unusable(f"it is damaged ({verdict.splitlines()[-1]})")
    _migrate(db, version)
    for probe in PROBES:
        db.execute(probe)


def _migrate(db: sqlite3.Connection, version: int) -> None:
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        with transaction(db):
            for step in script.split(";"):
                db.execute(step)
            db.execute(f"PRAGMA user_version = {number}")


@contextlib.contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        # A full disk may have rolled it back already.
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def set_aside(file: Path) -> Path:
    """Rename the file and what belongs to it; the new name. Nothing is deleted: the operator may want it."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    number = 0
    while (aside := file.with_name(f"{file.name}.broken-{stamp}{f'-{number}' if number else ''}")).exists():
        number += 1
    # The log first: beside a new database it would be taken for that one's.
    for ending in ("-wal", "-shm", ""):
        belongs = file.with_name(file.name + ending)
        if belongs.exists():
            belongs.rename(aside.with_name(aside.name + ending))
    return aside


def code_of(error: Exception) -> int:
    """SQLite's primary code; 0 where it was not SQLite that complained."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def is_damage(error: Exception) -> bool:
    # Where SQLite quotes damaged text in its message, Python cannot read the message itself.
    return isinstance(error, UnicodeDecodeError) or code_of(error) in DAMAGED


def _text(raw: bytes) -> str:
    # Damaged text must not cost the rows around it.
    return raw.decode(errors="replace")
