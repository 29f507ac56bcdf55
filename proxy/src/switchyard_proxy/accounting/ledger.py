"""Read the accounts that were written. Blocking: call it in threads. Each question has a connection of its own.

SQLite does the counting, so that the event loop's thread is not held up meanwhile. No question takes for ever.
"""

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.accounting.captures import Captured
from switchyard_proxy.accounting.entries import Entry, Row, Wanted, condition, entries_of
from switchyard_proxy.accounting.opening import COLUMNS, code_of, open_for_reading
from switchyard_proxy.errors import ProxyError, Refused

LONGEST_S = 5.0
LOOK_EVERY = 10_000  # instructions of SQLite's, between looks at the clock
HOUR_S = 3600
GROUPS = {
    "model": "model",
    "key": "key",
    "route": "route",
    "hour": f"CAST(at / {HOUR_S} AS INTEGER) * {HOUR_S}",
}
MEASURES = ("queue_s", "load_s", "first_s", "total_s")


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds; half of all requests took no longer than `p50`. Of those that came to it at all."""

    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Share:
    """What a group of requests comes to. Of what it was not grouped by, it says None."""

    model: str | None = None
    key: str | None = None
    route: str | None = None
    hour: int | None = None  # Unix time at which it began
    requests: int = 0
    errors: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cached: int = 0
    tokens_per_second: float | None = None  # made per second of an engine's work, reading the prompt included
    spreads: dict[str, Spread] = field(default_factory=dict)  # queue_s, load_s, first_s, total_s


class Ledger:
    def __init__(self, file: Path, longest_s: float = LONGEST_S) -> None:
        self._file = file
        self._longest_s = longest_s

    def page(self, wanted: Wanted, limit: int, before: int | None = None) -> list[Entry]:
        """The newest first; below the id `before`."""
        where, values = condition(wanted)
        if before is not None:
            where, values = f"{where} AND id < ?", [*values, before]
        sql = f"SELECT {COLUMNS} FROM requests WHERE {where} ORDER BY id DESC LIMIT ?"  # noqa: S608 -- our own words
        return entries_of(self._rows(sql, [*values, limit]))

    def entry(self, request_id: str) -> Entry | None:
        """The last one of that id: a client may use one twice."""
        sql = f"SELECT {COLUMNS} FROM requests WHERE request_id = ? ORDER BY id DESC LIMIT 1"  # noqa: S608
        return next(iter(entries_of(self._rows(sql, [request_id]))), None)

    def capture(self, request_id: str) -> Captured | None:
        sql = """
        SELECT bodies FROM captures JOIN requests USING (id) WHERE request_id = ? ORDER BY id DESC LIMIT 1
        """
        rows = self._rows(sql, [request_id])
        return msgspec.json.decode(rows[0][0], type=Captured) if rows else None

    def newest(self) -> int:
        """The id of the last row; 0 if there is none."""
        rows = self._rows("SELECT max(id) FROM requests", [])
        return int(rows[0][0] or 0) if rows else 0

    def after(self, last: int, wanted: Wanted, limit: int) -> list[Entry]:
        """The oldest first, of those above the id `last`."""
        where, values = condition(wanted)
        sql = f"SELECT {COLUMNS} FROM requests WHERE id > ? AND {where} ORDER BY id LIMIT ?"  # noqa: S608
        return entries_of(self._rows(sql, [last, *values, limit]))

    def shares(self, wanted: Wanted, by: Sequence[str]) -> list[Share]:
        """Sums and spreads of each group, those with the most requests first. `by` has names of `GROUPS`."""
        where, values = condition(wanted)
        with self._reading() as db:
            if db is None:
                return []
            sums = db.execute(_sums(by, where), values).fetchall()
            spreads = {name: db.execute(_spread(by, where, name), values).fetchall() for name in MEASURES}
        return _shares(by, sums, spreads)

    def _rows(self, sql: str, values: Sequence[object]) -> list[Row]:
        with self._reading() as db:
            return [] if db is None else db.execute(sql, values).fetchall()

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """None: nothing was ever written. Raises `ProxyError`."""
        if not self._file.exists():
            yield None
            return
        deadline = time.monotonic() + self._longest_s
        try:
            with contextlib.closing(open_for_reading(self._file)) as db:
                db.set_progress_handler(lambda: time.monotonic() > deadline, LOOK_EVERY)
                (version,) = db.execute("PRAGMA user_version").fetchone()
                yield db if version else None  # 0: it is being made at this moment
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def _translated(self, error: sqlite3.Error) -> ProxyError:
        if code_of(error) == sqlite3.SQLITE_INTERRUPT:
            message = (
                f"cannot go through that many requests within {self._longest_s:g} s: ask for fewer with"
                " `since`, `model` or `key`"
            )
            return Refused(ErrorCode.INVALID_VALUE, message, "since")
        message = f"cannot read the accounts in {self._file}: {error}; the proxy's log says what to do"
        return ProxyError(ErrorCode.INTERNAL_ERROR, message)


def _groups(by: Sequence[str]) -> str:
    return ", ".join([GROUPS[name] for name in by] or ["'all'"])


def _sums(by: Sequence[str], where: str) -> str:
    return f"""
    SELECT count(*), coalesce(sum(outcome IN ('refused', 'engine_error', 'failed')), 0),
      coalesce(sum(tokens_in), 0), coalesce(sum(tokens_out), 0), coalesce(sum(cached), 0),
      sum(tokens_out) FILTER (WHERE tokens_out > 0)
        / sum(total_s - coalesce(queue_s, 0) - coalesce(load_s, 0)) FILTER (WHERE tokens_out > 0),
      {_groups(by)}
    FROM requests WHERE {where} GROUP BY {_groups(by)} HAVING count(*) > 0 ORDER BY 1 DESC
    """  # noqa: S608 -- our own words


def _spread(by: Sequence[str], where: str, measure: str) -> str:
    """The smallest value that so many percent of all do not exceed."""
    names = ", ".join(f"group_{place}" for place in range(max(len(by), 1)))
    groups = ", ".join(f"{GROUPS[name]} AS group_{at}" for at, name in enumerate(by)) or "'all' AS group_0"
    return f"""
    WITH taken AS (SELECT {groups}, {measure} AS value FROM requests WHERE {where} AND {measure} IS NOT NULL),
    ranked AS (
      SELECT {names}, value, row_number() OVER (PARTITION BY {names} ORDER BY value) AS place,
        count(*) OVER (PARTITION BY {names}) AS many
      FROM taken
    )
    SELECT max(value) FILTER (WHERE place = (many * 50 + 99) / 100),
      max(value) FILTER (WHERE place = (many * 95 + 99) / 100), {names}
    FROM ranked GROUP BY {names}
    """  # noqa: S608 -- our own words


def _shares(by: Sequence[str], sums: Sequence[Row], spreads: dict[str, list[Row]]) -> list[Share]:
    of_group: dict[Row, dict[str, Spread]] = {}
    for name, rows in spreads.items():
        for p50, p95, *group in rows:
            of_group.setdefault(tuple(group), {})[name] = Spread(p50, p95)
    return [
        Share(
            requests=requests,
            errors=errors,
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            cached=cached,
            tokens_per_second=rate,
            spreads=of_group.get(tuple(group), {}),
            **dict(zip(by, group, strict=False)),
        )
        for requests, errors, tokens_in, tokens_out, cached, rate, *group in sums
    ]
