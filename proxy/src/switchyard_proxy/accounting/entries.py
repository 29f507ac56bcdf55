"""Rows of the file of accounts, and the values that they are. Knows the columns and no connection."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from switchyard_proxy.accounting.account import Account

Row = tuple[Any, ...]

TRUE_OR_FALSE = frozenset({"streams", "retried", "fell_back"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One request that is over. Times are seconds; None: it never came to that, or nobody counted."""

    id: int  # of the row; later ones are larger
    request_id: str  # as in `x-request-id`
    at: float  # Unix time at which it came
    key: str
    address: str
    route: str
    asked: str  # the model as the client named it
    model: str  # the model that answered
    streams: bool
    status: int
    outcome: str
    code: str | None
    retries: int  # as the client counts its own
    retried: bool  # by us, because an engine was gone before it answered
    fell_back: bool  # to another model than was asked for
    queue_s: float | None
    load_s: float | None
    first_s: float | None
    total_s: float | None
    tokens_in: int | None
    tokens_out: int | None
    cached: int | None  # of `tokens_in`
    bytes_in: int
    bytes_out: int
    beats: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries somebody wants to see; None for whichever."""

    model: str | None = None
    key: str | None = None
    route: str | None = None
    outcome: str | None = None
    code: str | None = None
    status: str | None = None  # 404, or 4xx
    since: float | None = None
    until: float | None = None
    min_total_s: float | None = None
    text: str | None = None  # anywhere in the request's id


INSERT = """
INSERT INTO requests (
  request_id, at, key, address, route, asked, model, streams, status, outcome, code, retries, retried,
  fell_back, queue_s, load_s, first_s, total_s, tokens_in, tokens_out, cached, bytes_in, bytes_out, beats
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


def row_of(account: Account) -> Row:
    usage = account.usage
    return (
        account.id,
        account.at,
        account.key,
        account.address,
        account.route,
        account.asked,
        account.model,
        account.streams,
        account.status,
        account.outcome,
        account.code,
        account.retries,
        account.retried,
        account.fell_back,
        account.queue_s,
        account.load_s,
        account.first_s,
        account.total_s,
        None if usage is None else usage.tokens_in,
        None if usage is None else usage.tokens_out,
        None if usage is None else usage.cached,
        account.bytes_in,
        account.bytes_out,
        account.beats,
    )


def entries_of(rows: Iterable[Row]) -> list[Entry]:
    return [Entry(*map(_value, Entry.__slots__, row)) for row in rows]


def _value(name: str, value: Any) -> Any:
    return bool(value) if name in TRUE_OR_FALSE else value


def condition(wanted: Wanted) -> tuple[str, list[object]]:
    """For a WHERE, and its values."""
    terms = ["1"]
    values: list[object] = []

    def add(term: str, value: object) -> None:
        if value is not None:
            terms.append(term)
            values.append(value)

    add("model = ?", wanted.model)
    add("key = ?", wanted.key)
    add("route = ?", wanted.route)
    add("outcome = ?", wanted.outcome)
    add("code = ?", wanted.code)
    add("at >= ?", wanted.since)
    add("at < ?", wanted.until)
    add("total_s >= ?", wanted.min_total_s)
    add("instr(request_id, ?) > 0", wanted.text)
    if wanted.outcome not in {None, "ok"}:
        terms.append("outcome <> 'ok'")  # without these words the index of what went wrong is not used
    if wanted.status is not None and wanted.status.endswith("xx"):
        add("status / 100 = ?", int(wanted.status[0]))
    elif wanted.status is not None:
        add("status = ?", int(wanted.status))
    return " AND ".join(terms), values
