"""Facts to rows, rows to values. Knows the columns and no connection. A row that makes no sense is left out."""

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from switchyard_contracts.events import FLEETING, EventKind, ManagerEvent, RunRecord
from switchyard_manager.store.facts import (
    NEWEST_WEIGHS,
    Fact,
    Happened,
    Learned,
    MemoryBesideCache,
    MemoryMeasured,
    PinSet,
    RunWas,
    Span,
    SpanMeasured,
)

Value = TypeVar("Value")
Row = tuple[Any, ...]
Statement = tuple[str, Row]


# What a row of `memory` tells, in its column `asleep`, which once knew two answers.
AWAKE, ASLEEP, BESIDE_CACHE = 0, 1, 2

PUT_SPAN = """
INSERT INTO spans (spec_hash, span, seconds, measured_at) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT DO UPDATE SET
  seconds = seconds + ?5 * (excluded.seconds - seconds), measured_at = excluded.measured_at
"""
PUT_MEMORY = """
INSERT INTO memory (spec_hash, gpu_name, asleep, mib, measured_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET mib = excluded.mib, measured_at = excluded.measured_at
"""
PUT_EVENT = "INSERT OR REPLACE INTO events (seq, at, kind, model, data) VALUES (?, ?, ?, ?, ?)"
NOTE_SEQ = """
INSERT INTO counters (name, value) VALUES ('last_seq', ?)
ON CONFLICT DO UPDATE SET value = max(value, excluded.value)
"""
PUT_RUN = """
INSERT INTO runs (
  instance, model, began_at, ready_after_s, ended_at, exit_code, ended_because, gpus, peak_mib, logged
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
  model = excluded.model,
  began_at = excluded.began_at,
  ready_after_s = coalesce(excluded.ready_after_s, ready_after_s),
  ended_at = coalesce(excluded.ended_at, ended_at),
  exit_code = coalesce(excluded.exit_code, exit_code),
  ended_because = coalesce(excluded.ended_because, ended_because),
  gpus = coalesce(excluded.gpus, gpus),
  peak_mib = coalesce(excluded.peak_mib, peak_mib),
  logged = max(excluded.logged, logged)
"""
PUT_PIN = "INSERT OR REPLACE INTO pins (model, pinned) VALUES (?, ?)"
DROP_PIN = "DELETE FROM pins WHERE model = ?"

EVENTS = """
SELECT seq, at, kind, model, data FROM events
WHERE seq > ?1 AND (?3 IS NULL OR model = ?3) ORDER BY seq DESC LIMIT ?2
"""
RUNS = """
SELECT instance, model, began_at, ready_after_s, ended_at, exit_code, ended_because, gpus, peak_mib, logged
FROM runs
WHERE ?1 IS NULL OR model = ?1 ORDER BY began_at DESC, instance DESC LIMIT ?2
"""
FORGET_EVENTS = "DELETE FROM events WHERE seq <= (SELECT seq FROM events ORDER BY seq DESC LIMIT 1 OFFSET ?)"
FORGET_RUNS = """
DELETE FROM runs
WHERE instance NOT IN (SELECT instance FROM runs ORDER BY began_at DESC, instance DESC LIMIT ?)
"""
# What was measured of one specification stays or goes together.
FORGET_LEARNED = tuple(
    f"""
    DELETE FROM {table} WHERE spec_hash NOT IN (
      SELECT spec_hash FROM spans WHERE measured_at > ?1
      UNION SELECT spec_hash FROM memory WHERE measured_at > ?1
    )
    """  # noqa: S608 -- the two names below
    for table in ("spans", "memory")
)


def statements(fact: Fact, now: float) -> tuple[Statement, ...]:
    """What writing a fact down takes."""
    match fact:
        case SpanMeasured(spec_hash, span, seconds):
            return ((PUT_SPAN, (spec_hash, span, seconds, now, NEWEST_WEIGHS)),)
        case MemoryMeasured(spec_hash, gpu_name, mib, asleep):
            return ((PUT_MEMORY, (spec_hash, gpu_name, int(asleep), mib, now)),)
        case MemoryBesideCache(spec_hash, gpu_name, mib):
            return ((PUT_MEMORY, (spec_hash, gpu_name, BESIDE_CACHE, mib, now)),)
        case Happened(event):
            return _event_statements(event)
        case RunWas(run):
            return ((PUT_RUN, _run_row(run)),)
        case PinSet(model, None):
            return ((DROP_PIN, (model,)),)
        case PinSet(model, pinned):
            return ((PUT_PIN, (model, int(bool(pinned)))),)


def _event_statements(event: ManagerEvent) -> tuple[Statement, ...]:
    # A fleeting event has used up its number all the same: no later event may have it again.
    note = (NOTE_SEQ, (event.seq,))
    if event.kind in FLEETING:
        return (note,)
    data = json.dumps(event.data, default=str)
    return (PUT_EVENT, (event.seq, event.at, event.kind, event.model, data)), note


def _run_row(run: RunRecord) -> Row:
    return (
        run.instance,
        run.model,
        run.began_at,
        run.ready_after_s,
        run.ended_at,
        run.exit_code,
        run.ended_because,
        json.dumps(run.gpus) if run.gpus else None,
        run.peak_mib,
        int(run.logged),
    )


def events_of(rows: Iterable[Row]) -> list[ManagerEvent]:
    def value(row: Row) -> ManagerEvent:
        seq, at, kind, model, data = row
        return ManagerEvent(seq=seq, at=at, kind=EventKind(kind), model=model, data=json.loads(data))

    return _sensible(value, rows)


def runs_of(rows: Iterable[Row]) -> list[RunRecord]:
    def value(row: Row) -> RunRecord:
        instance, model, began_at, ready_after_s, ended_at, exit_code, because, gpus, peak_mib, logged = row
        return RunRecord(
            instance=instance,
            model=model,
            began_at=began_at,
            ready_after_s=ready_after_s,
            ended_at=ended_at,
            exit_code=exit_code,
            ended_because=because,
            gpus=tuple(json.loads(gpus or "[]")),
            peak_mib=peak_mib,
            logged=bool(logged),
        )

    return _sensible(value, rows)


def pins_of(rows: Iterable[Row]) -> dict[str, bool]:
    return {str(model): bool(pinned) for model, pinned in rows}


def learned_of(spans: Iterable[Row], memory: Iterable[Row]) -> dict[str, Learned]:
    learned: dict[str, Learned] = {}

    def of(spec_hash: str) -> Learned:
        return learned.setdefault(spec_hash, Learned(spans={}, awake_mib={}, asleep_mib={}))

    for spec_hash, span, seconds in _sensible(lambda row: (str(row[0]), Span(row[1]), float(row[2])), spans):
        of(spec_hash).spans[span] = seconds
    for spec_hash, gpu, asleep, mib in _sensible(
        lambda row: (str(row[0]), str(row[1]), int(row[2]), int(row[3])), memory
    ):
        known = of(spec_hash)
        tables = {AWAKE: known.awake_mib, ASLEEP: known.asleep_mib, BESIDE_CACHE: known.beside_mib}
        if asleep in tables:
            tables[asleep][gpu] = mib
    return learned


def _sensible(value: Callable[[Row], Value], rows: Iterable[Row]) -> list[Value]:
    found: list[Value] = []
    for row in rows:
        try:
            found.append(value(row))
        except (ValueError, TypeError):  # a damaged page, or a word of another version
            continue
    return found
