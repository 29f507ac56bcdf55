"""Open the database and bring it up to date; or set it aside, if it is of no use. Alone knows of versions."""

import sqlite3
import time
from pathlib import Path

BUSY_S = 2.0  # somebody looks at it with another program
WAL_KEPT_BYTES = 4 * 1024 * 1024

FIRST = """
CREATE TABLE events (
  seq INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL, model TEXT, data TEXT NOT NULL
);
CREATE INDEX events_of_model ON events (model, seq);
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE runs (
  instance TEXT PRIMARY KEY, model TEXT NOT NULL, began_at REAL NOT NULL, ready_after_s REAL, ended_at REAL,
  exit_code INTEGER, ended_because TEXT, gpus TEXT, peak_mib INTEGER,
  logged INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX runs_of_model ON runs (model, began_at);
CREATE TABLE spans (
  spec_hash TEXT, span TEXT, seconds REAL NOT NULL CHECK (seconds BETWEEN 0 AND 1e9),
  measured_at REAL NOT NULL, PRIMARY KEY (spec_hash, span)
) WITHOUT ROWID;
CREATE TABLE memory (
  spec_hash TEXT, gpu_name TEXT, asleep INTEGER, mib INTEGER NOT NULL CHECK (mib >= 0),
  measured_at REAL NOT NULL, PRIMARY KEY (spec_hash, gpu_name, asleep)
) WITHOUT ROWID;
CREATE TABLE pins (model TEXT PRIMARY KEY, pinned INTEGER NOT NULL) WITHOUT ROWID
"""
# Each takes a file from the version of its place to the next. Once released, never changed: add another.
MIGRATIONS = (FIRST,)
VERSION = len(MIGRATIONS)
PROBES = """
SELECT seq, at, kind, model, data FROM events LIMIT 0;
SELECT name, value FROM counters LIMIT 0;
SELECT instance, model, began_at, ready_after_s, ended_at, exit_code, ended_because, gpus, peak_mib,
  logged
  FROM runs LIMIT 0;
SELECT spec_hash, span, seconds, measured_at FROM spans LIMIT 0;
SELECT spec_hash, gpu_name, asleep, mib, measured_at FROM memory LIMIT 0;
SELECT model, pinned FROM pins LIMIT 0
"""
FORMAT_KNOWN = 2  # bytes 18 and 19 of a file: 1 is the rollback journal, 2 is WAL
DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Unusable(Exception):
    """The file is there and can be read, and is not a history that this version understands."""


def open_database(file: Path) -> sqlite3.Connection:
    """Raises `Unusable` where the file itself is at fault, and sqlite3.Error where the world around it is."""
    _refuse_later_format(file)
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
        raise Unusable(f"it is of version {version}, and this manager knows up to {VERSION}")
    db.execute("PRAGMA journal_mode = WAL").fetchone()
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute(f"PRAGMA journal_size_limit = {WAL_KEPT_BYTES}").fetchone()
    (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise Unusable(f"it is damaged ({verdict.splitlines()[-1]})")
    _migrate(db, version)
    for probe in PROBES.split(";"):
        db.execute(probe)


def _migrate(db: sqlite3.Connection, version: int) -> None:
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        db.execute("BEGIN IMMEDIATE")
        try:
            for step in script.split(";"):
                db.execute(step)
            db.execute(f"PRAGMA user_version = {number}")
            db.execute("COMMIT")
        except BaseException:
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
