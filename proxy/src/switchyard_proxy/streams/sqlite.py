"""Streams logged in a file: they outlive the proxy, and several processes of one machine share them.

One thread writes and one reads, each with a connection of its own. A kill costs at most what was not yet
written; a power cut may cost the last moments more, for nothing here waits for the disk.
"""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar, assert_never

from switchyard_proxy.streams.log import Change, Ended, Event, Grown, LogTrouble, Opened, Started, Totals
from switchyard_proxy.streams.process_lock import ProcessLocks
from switchyard_proxy.streams.stream import Kind, Status, Stream

Answer = TypeVar("Answer")

VERSION = 1
BUSY_S = 5.0  # another process of ours writes
POLL_S = 0.1  # how often news of another process's streams is looked for
WAL_KEPT_BYTES = 16 * 1024 * 1024
SCHEMA = """
CREATE TABLE streams (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, model TEXT NOT NULL,
  kind TEXT NOT NULL, created_at REAL NOT NULL, process TEXT NOT NULL, conversation TEXT,
  background INTEGER NOT NULL, status TEXT NOT NULL, code INTEGER, headers TEXT NOT NULL,
  first INTEGER NOT NULL, last INTEGER NOT NULL, size INTEGER NOT NULL, ended_at REAL,
  request BLOB NOT NULL, cancel INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX streams_of_owner ON streams (owner, number);
CREATE INDEX streams_of_conversation ON streams (conversation, number) WHERE conversation IS NOT NULL;
CREATE INDEX streams_by_status ON streams (status, ended_at);
CREATE TABLE events (
  stream INTEGER NOT NULL REFERENCES streams (number) ON DELETE CASCADE, seq INTEGER NOT NULL,
  data BLOB NOT NULL, PRIMARY KEY (stream, seq)
) WITHOUT ROWID;
CREATE TABLE listeners (
  stream INTEGER NOT NULL REFERENCES streams (number) ON DELETE CASCADE, listener TEXT NOT NULL,
  at INTEGER NOT NULL, until REAL NOT NULL, PRIMARY KEY (stream, listener)
) WITHOUT ROWID
"""
COLUMNS = (
    "id, owner, model, kind, created_at, process, conversation, background, status, code, headers, first,"
    " last, size, ended_at"
)
OPEN = f"INSERT OR IGNORE INTO streams ({COLUMNS}, request) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"  # noqa: S608
START = "UPDATE streams SET code = ?, headers = ? WHERE id = ? AND process = ?"
END = "UPDATE streams SET status = ?, ended_at = ? WHERE id = ? AND process = ? AND status = 'running'"
GROW = "UPDATE streams SET first = max(first, ?), last = max(last, ?), size = ? WHERE number = ?"
ADD = "INSERT OR IGNORE INTO events (stream, seq, data) VALUES (?, ?, ?)"
DROP = "DELETE FROM events WHERE stream = ? AND seq < ?"
READ = """
SELECT seq, data FROM events JOIN streams ON number = stream WHERE id = ? AND seq > ? ORDER BY seq LIMIT 4096
"""
HEAR = """
INSERT OR REPLACE INTO listeners (stream, listener, at, until)
SELECT number, ?, ?, ? FROM streams WHERE id = ?
"""
OVER = "SELECT number, size + length(request) FROM streams WHERE status <> 'running' ORDER BY ended_at, number"
TOTALS = """
SELECT count(*), coalesce(sum(size + length(request)), 0),
  coalesce(sum((size + length(request)) * (status <> 'running')), 0) FROM streams
"""


class SqliteStore:
    lasts = True

    def __init__(self, folder: Path, process: str) -> None:
        self._file = folder / "streams.db"
        self._process = process
        self._locks = ProcessLocks(folder / "streams.processes", process)
        self._writing = _Connection(self._file, "stream-log-writer")
        self._reading = _Connection(self._file, "stream-log-reader")

    async def open(self) -> None:
        await self._writing.run(lambda db: self._locks.take())

    async def close(self) -> None:
        await self._reading.close()
        await self._writing.close(self._locks.release)

    async def write(self, changes: Sequence[Change]) -> None:
        await self._change(lambda db: _apply_all(db, changes, self._process))

    async def head(self, stream_id: str) -> Stream | None:
        found = await self._rows(f"SELECT {COLUMNS} FROM streams WHERE id = ?", stream_id)  # noqa: S608
        return _stream(found[0]) if found else None

    async def request(self, stream_id: str) -> bytes:
        found = await self._rows("SELECT request FROM streams WHERE id = ?", stream_id)
        return found[0][0] if found else b""

    async def read(self, stream_id: str, after: int, limit: int) -> list[Event]:
        def look(db: sqlite3.Connection) -> list[Event]:
            found: list[Event] = []
            size = 0
            for seq, data in db.execute(READ, (stream_id, after)):
                found.append((seq, data))
                size += len(data)
                if size >= limit:
                    break
            return found

        return await self._reading.run(look)

    async def newest(self, conversation: str, owner: str | None) -> Stream | None:
        sql = (
            f"SELECT {COLUMNS} FROM streams WHERE conversation = ?1 AND (?2 IS NULL OR owner = ?2)"  # noqa: S608
            " ORDER BY number DESC LIMIT 1"
        )
        found = await self._rows(sql, conversation, owner)
        return _stream(found[0]) if found else None

    async def streams(self, owner: str | None, limit: int) -> list[Stream]:
        sql = (
            f"SELECT {COLUMNS} FROM streams WHERE ?1 IS NULL OR owner = ?1"  # noqa: S608
            " ORDER BY number DESC LIMIT ?2"
        )
        return [_stream(row) for row in await self._rows(sql, owner, limit)]

    async def news(self, stream_id: str, after: int, within_s: float) -> None:
        sql = "SELECT 1 FROM streams WHERE id = ? AND last <= ? AND status = 'running'"
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_s
        while await self._rows(sql, stream_id, after) and (left_s := deadline - loop.time()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(POLL_S, left_s))  # another process writes: there is nothing to wait on

    async def ask_cancel(self, stream_id: str) -> None:
        await self._execute("UPDATE streams SET cancel = 1 WHERE id = ?", stream_id)

    async def cancel_asked(self, ids: Collection[str]) -> set[str]:
        asked = await self._rows("SELECT id FROM streams WHERE cancel = 1 AND status = 'running'")
        return {row[0] for row in asked} & set(ids)

    async def hear(self, stream_id: str, listener: str, at: int, until: float) -> None:
        await self._execute(HEAR, listener, at, until, stream_id)

    async def leave(self, stream_id: str, listener: str) -> None:
        await self._execute(
            "DELETE FROM listeners WHERE listener = ? AND stream = (SELECT number FROM streams WHERE id = ?)",
            listener,
            stream_id,
        )

    async def heard(self, ids: Collection[str], now: float) -> dict[str, int]:
        sql = "SELECT id, min(at) FROM listeners JOIN streams ON number = stream WHERE until > ? GROUP BY id"
        wanted = set(ids)
        return {name: at for name, at in await self._rows(sql, now) if name in wanted}

    async def delete(self, stream_id: str) -> None:
        await self._execute("DELETE FROM streams WHERE id = ?", stream_id)

    async def expire(self, before: float) -> None:
        await self._execute("DELETE FROM streams WHERE status <> 'running' AND ended_at < ?", before)
        await self._execute("DELETE FROM listeners WHERE until < ?", before)

    async def shrink(self, size: int) -> None:
        def drop(db: sqlite3.Connection) -> None:
            total = db.execute(TOTALS).fetchone()[1]
            for number, its in db.execute(OVER).fetchall():
                if total <= size:
                    return
                db.execute("DELETE FROM streams WHERE number = ?", (number,))
                total -= its

        await self._change(drop)

    async def totals(self) -> Totals:
        return Totals(*(await self._rows(TOTALS))[0])

    async def present(self) -> None:
        """The lock says it."""

    async def adopt(self) -> list[Stream]:
        running = await self._rows("SELECT DISTINCT process FROM streams WHERE status = 'running'")
        if all(process == self._process for (process,) in running):
            return []
        return await self._change(self._adopt)

    def _adopt(self, db: sqlite3.Connection) -> list[Stream]:
        sql = f"SELECT {COLUMNS} FROM streams WHERE status = 'running'"  # noqa: S608
        orphans = [row for row in db.execute(sql).fetchall() if self._locks.is_dead(row[5])]
        for row in orphans:
            db.execute("UPDATE streams SET process = ? WHERE id = ?", (self._process, row[0]))
        return [_stream(row) for row in orphans]

    async def _rows(self, sql: str, *values: object) -> list[Any]:
        return await self._reading.run(lambda db: db.execute(sql, values).fetchall())

    async def _execute(self, sql: str, *values: object) -> None:
        await self._change(lambda db: db.execute(sql, values))

    async def _change(self, change: Callable[[sqlite3.Connection], Answer]) -> Answer:
        return await self._writing.run(lambda db: _in_transaction(db, change))


class _Connection:
    """A connection that lives in a thread of its own, and is opened anew after trouble."""

    def __init__(self, file: Path, name: str) -> None:
        self._file = file
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._db: sqlite3.Connection | None = None

    async def run(self, question: Callable[[sqlite3.Connection], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._ask, question)

    async def close(self, also: Callable[[], None] = lambda: None) -> None:
        def end() -> None:
            self._drop()
            also()

        await asyncio.get_running_loop().run_in_executor(self._thread, end)
        self._thread.shutdown(wait=False)  # it has nothing left to do

    def _ask(self, question: Callable[[sqlite3.Connection], Answer]) -> Answer:
        try:
            if self._db is None:
                self._db = _open(self._file)
            return question(self._db)
        except (sqlite3.Error, OSError) as error:
            self._drop()
            raise LogTrouble(
                f"cannot use the log of streams in {self._file}: {error}; check that disk's space and the"
                " folder's rights, or move the file away and the proxy begins a new one"
            ) from error

    def _drop(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


def _open(file: Path) -> sqlite3.Connection:
    file.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(file, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL").fetchone()
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute(f"PRAGMA journal_size_limit = {WAL_KEPT_BYTES}").fetchone()
        _in_transaction(db, _make_tables)
    except BaseException:
        db.close()
        raise
    return db


def _make_tables(db: sqlite3.Connection) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version == VERSION:
        return
    if version != 0:
        raise sqlite3.DatabaseError(f"it is of version {version}, and this proxy knows {VERSION}")
    for statement in SCHEMA.split(";"):
        db.execute(statement)
    db.execute(f"PRAGMA user_version = {VERSION}")


def _in_transaction(db: sqlite3.Connection, change: Callable[[sqlite3.Connection], Answer]) -> Answer:
    db.execute("BEGIN IMMEDIATE")
    try:
        answer = change(db)
        db.execute("COMMIT")
        return answer
    except BaseException:
        if db.in_transaction:  # a full disk may have rolled it back already
            db.execute("ROLLBACK")
        raise


def _apply_all(db: sqlite3.Connection, changes: Sequence[Change], process: str) -> None:
    """Only a stream's own process changes it: an id may be an engine's, and engines are not ours to trust."""
    for change in changes:
        match change:
            case Opened():
                db.execute(OPEN, (*_row(change.stream), change.request))
            case Started():
                db.execute(START, (change.code, _headers(change.headers), change.id, process))
            case Grown():
                _grow(db, change, process)
            case Ended():
                db.execute(END, (change.status, change.at, change.id, process))
            case _:
                assert_never(change)


def _grow(db: sqlite3.Connection, change: Grown, process: str) -> None:
    sql = "SELECT number, first FROM streams WHERE id = ? AND process = ?"
    found = db.execute(sql, (change.id, process)).fetchone()
    if found is None:
        return
    number, first = found
    rows = [(number, seq, event) for seq, event in enumerate(change.events, change.first) if seq >= first]
    db.executemany(ADD, rows)
    if change.oldest > first:
        db.execute(DROP, (number, change.oldest))
    last = change.first + len(change.events) - 1
    db.execute(GROW, (change.oldest, last, change.size, number))


def _row(stream: Stream) -> tuple[object, ...]:
    return (
        stream.id,
        stream.owner,
        stream.model,
        stream.kind,
        stream.created_at,
        stream.process,
        stream.conversation,
        stream.background,
        stream.status,
        stream.code,
        _headers(stream.headers),
        stream.first,
        stream.last,
        stream.size,
        stream.ended_at,
    )


def _stream(row: tuple[Any, ...]) -> Stream:
    headers = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in json.loads(row[10]))
    return Stream(
        id=row[0],
        owner=row[1],
        model=row[2],
        kind=Kind(row[3]),
        created_at=row[4],
        process=row[5],
        conversation=row[6],
        background=bool(row[7]),
        status=Status(row[8]),
        code=row[9],
        headers=headers,
        first=row[11],
        last=row[12],
        size=row[13],
        ended_at=row[14],
    )


def _headers(headers: tuple[tuple[bytes, bytes], ...]) -> str:
    return json.dumps([(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers])
