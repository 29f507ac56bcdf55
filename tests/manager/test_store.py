"""The history: what is written is read again, whatever happens in between."""

import math
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from switchyard_contracts.events import EventKind, ManagerEvent, RunRecord
from switchyard_manager.store import (
    Fact,
    Happened,
    Learned,
    MemoryBesideCache,
    MemoryMeasured,
    PinSet,
    RunWas,
    Span,
    SpanMeasured,
    Store,
)
from switchyard_manager.store.store import DAY_S


class Clock:
    def __init__(self) -> None:
        self.at = 1_000_000_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def store(file: Path, clock: Clock) -> Iterator[Store]:
    store = Store(file, clock)
    yield store
    store.close()


def happened(seq: int, model: str | None = "m", kind: EventKind = EventKind.PHASE, **data: Any) -> Happened:
    return Happened(ManagerEvent(seq=seq, at=float(seq), kind=kind, model=model, data=data))


def run_was(instance: str, began_at: float = 1.0, **said: Any) -> RunWas:
    return RunWas(RunRecord(instance=instance, model="m", began_at=began_at, **said))


def seqs(events: list[ManagerEvent]) -> list[int]:
    return [event.seq for event in events]


def test_everything_written_is_there_after_the_manager_restarts(file: Path) -> None:
    event = ManagerEvent(
        seq=7, at=1.5, kind=EventKind.FAILURE, model="m", data={"message": "kaputt ☂", "n": [1]}
    )
    run = RunRecord(
        instance="m-1",
        model="m",
        began_at=2.5,
        ready_after_s=30.0,
        ended_at=99.0,
        exit_code=-9,
        ended_because="swap",
        gpus=("GPU-1", "GPU-2"),
        peak_mib=8_000,
        logged=True,
    )
    facts: list[Fact] = [
        Happened(event),
        RunWas(run),
        PinSet("m", pinned=True),
        PinSet("n", pinned=False),
        SpanMeasured("h1", Span.LOAD, 12.5),
        MemoryMeasured("h1", "RTX 4090", 8_000),
        MemoryMeasured("h1", "RTX 4090", 900, asleep=True),
        MemoryBesideCache("h1", "RTX 4090", 5_000),
    ]
    before = Store(file)
    assert before.write(facts)
    before.close()

    after = Store(file)

    assert after.events() == [event]
    assert after.runs() == [run]
    assert after.pins() == {"m": True, "n": False}
    assert after.learned() == {
        "h1": Learned({Span.LOAD: 12.5}, {"RTX 4090": 8_000}, {"RTX 4090": 900}, {"RTX 4090": 5_000})
    }
    assert (after.last_seq(), after.trouble) == (7, None)
    after.close()


def test_an_empty_history_says_nothing(store: Store) -> None:
    assert (store.events(), store.runs(), store.pins(), store.learned()) == ([], [], {}, {})
    assert (store.last_seq(), store.trouble) == (0, None)


def test_the_newest_events_are_given_the_oldest_of_them_first(store: Store) -> None:
    store.write([happened(seq, model="ab"[seq % 2]) for seq in range(1, 11)])

    assert seqs(store.events(limit=3)) == [8, 9, 10]
    assert seqs(store.events(after_seq=9)) == [10]
    assert seqs(store.events(after_seq=2, limit=2, model="a")) == [8, 10]
    assert store.events(model="nobody") == []


def test_fleeting_events_are_not_kept_but_their_numbers_are_not_given_again(store: Store) -> None:
    store.write([happened(1), happened(2, kind=EventKind.SNAPSHOT), happened(3, kind=EventKind.PROGRESS)])

    assert seqs(store.events()) == [1]
    assert store.last_seq() == 3


def test_the_last_number_survives_the_event_that_had_it(store: Store) -> None:
    store.write([happened(2), happened(1)])

    store.prune(keep_events=0)

    assert (store.events(), store.last_seq()) == ([], 2)


def test_later_words_on_a_run_add_to_the_earlier_ones_and_erase_none(store: Store) -> None:
    store.write([run_was("m-1", gpus=("GPU-1",))])
    store.write([run_was("m-1", ready_after_s=20.0, peak_mib=500)])
    store.write([run_was("m-1", ended_at=60.0, exit_code=0, ended_because="idle", peak_mib=700)])
    store.write([run_was("m-1")])

    (run,) = store.runs()

    assert (run.gpus, run.ready_after_s, run.peak_mib) == (("GPU-1",), 20.0, 700)
    assert (run.ended_at, run.exit_code, run.ended_because) == (60.0, 0, "idle")


def test_runs_are_given_newest_first_and_by_model(store: Store) -> None:
    store.write([run_was("m-1", 1.0), run_was("m-3", 3.0), run_was("m-2", 2.0)])
    store.write([RunWas(RunRecord(instance="n-1", model="n", began_at=9.0))])

    assert [run.instance for run in store.runs("m", limit=2)] == ["m-3", "m-2"]
    assert [run.instance for run in store.runs()] == ["n-1", "m-3", "m-2", "m-1"]


def test_a_pin_taken_back_is_forgotten(store: Store) -> None:
    store.write([PinSet("m", pinned=True), PinSet("n", pinned=True)])

    store.write([PinSet("m", pinned=None), PinSet("n", pinned=False)])

    assert store.pins() == {"n": False}


def test_a_span_is_smoothed_and_its_newest_measurement_weighs_three_tenths(store: Store) -> None:
    store.write([SpanMeasured("h1", Span.LOAD, 100.0), SpanMeasured("h1", Span.LOAD, 200.0)])
    store.write([SpanMeasured("h1", Span.LOAD, 30.0), SpanMeasured("h1", Span.WAKE, 2.0)])

    spans = store.learned()["h1"].spans

    assert spans[Span.LOAD] == pytest.approx(130.0 * 0.7 + 30.0 * 0.3)
    assert spans[Span.WAKE] == 2.0


def test_what_the_last_run_held_replaces_what_the_one_before_held(store: Store) -> None:
    store.write([MemoryMeasured("h1", "A", 9_000), MemoryMeasured("h1", "A", 500, asleep=True)])

    store.write([MemoryMeasured("h1", "A", 8_000), MemoryMeasured("h1", "B", 7_000)])

    assert store.learned()["h1"] == Learned({}, {"A": 8_000, "B": 7_000}, {"A": 500})


@pytest.mark.parametrize(
    "nonsense",
    [
        SpanMeasured("h1", Span.LOAD, math.nan),
        SpanMeasured("h1", Span.LOAD, math.inf),
        SpanMeasured("h1", Span.LOAD, -1.0),
        MemoryMeasured("h1", "A", -5),
        MemoryMeasured("h1", "A", 1 << 70),
        PinSet("a lone surrogate \ud800", pinned=True),
        happened(1 << 70),
    ],
)
def test_a_fact_that_cannot_be_written_is_left_out_and_those_beside_it_are_written(
    store: Store, nonsense: Fact, caplog: pytest.LogCaptureFixture
) -> None:
    assert store.write([PinSet("a", pinned=True), nonsense, PinSet("b", pinned=True)])

    assert store.pins() == {"a": True, "b": True}
    assert store.learned() == {}
    assert "left out" in caplog.text


def test_data_that_json_does_not_know_is_kept_as_its_text(store: Store) -> None:
    store.write([happened(1, where=Path("/models"))])

    assert store.events()[0].data == {"where": "/models"}


def test_pruning_keeps_the_newest(store: Store) -> None:
    store.write([happened(seq) for seq in range(1, 11)])
    store.write([run_was(f"m-{n}", float(n)) for n in range(1, 6)])

    store.prune(keep_events=4, keep_runs=2)

    assert seqs(store.events()) == [7, 8, 9, 10]
    assert [run.instance for run in store.runs()] == ["m-5", "m-4"]


def test_pruning_forgets_a_specification_long_unused_and_no_part_of_a_used_one(
    store: Store, clock: Clock
) -> None:
    store.write([SpanMeasured("gone", Span.LOAD, 1.0), MemoryMeasured("gone", "A", 1)])
    store.write([SpanMeasured("kept", Span.LOAD, 1.0), MemoryMeasured("woken", "A", 1)])
    clock.at += 179 * DAY_S
    store.write([MemoryMeasured("kept", "A", 2), SpanMeasured("woken", Span.WAKE, 3.0)])
    store.prune()
    assert set(store.learned()) == {"gone", "kept", "woken"}

    clock.at += 2 * DAY_S
    store.prune()

    assert store.learned() == {
        "kept": Learned({Span.LOAD: 1.0}, {"A": 2}, {}),
        "woken": Learned({Span.WAKE: 3.0}, {"A": 1}, {}),
    }


def test_a_row_of_a_kind_that_this_version_lacks_is_passed_over(store: Store, file: Path) -> None:
    store.write([happened(1), happened(2), SpanMeasured("h1", Span.LOAD, 1.0)])
    with sqlite3.connect(file) as other:
        other.execute("UPDATE events SET kind = 'telepathy' WHERE seq = 1")
        other.execute("UPDATE spans SET span = 'yawn'")
    other.close()

    assert seqs(store.events()) == [2]
    assert store.learned() == {}
    assert store.trouble is None


def test_a_row_with_damaged_text_does_not_cost_the_rows_around_it(store: Store, file: Path) -> None:
    store.write([happened(1), PinSet("m", pinned=True)])
    with sqlite3.connect(file) as other:
        other.execute("INSERT INTO pins VALUES (CAST(x'ff41' AS TEXT), 1)")
        other.execute("INSERT INTO events VALUES (2, 1.0, CAST(x'ff41' AS TEXT), 'm', '{}')")
    other.close()

    assert store.pins()["m"] is True
    assert seqs(store.events()) == [1]


def test_others_read_while_it_is_written_and_see_whole_batches_only(store: Store, file: Path) -> None:
    done = threading.Event()
    odd: list[int] = []
    looks = 0

    def look() -> None:
        nonlocal looks
        outside = sqlite3.connect(file)
        while not done.is_set() or not looks:
            (count,) = outside.execute("SELECT count(*) FROM events").fetchone()
            inside = len(store.events(limit=10_000))
            odd.extend(n for n in (count, inside) if n % 10)
            looks += 1
        outside.close()

    reader = threading.Thread(target=look)
    reader.start()
    try:
        for batch in range(50):
            assert store.write([happened(batch * 10 + n) for n in range(1, 11)])
    finally:
        done.set()
        reader.join()

    assert (odd, len(store.events(limit=10_000)), store.trouble) == ([], 500, None)


def test_many_threads_may_write_at_once(store: Store) -> None:
    def write(offset: int) -> None:
        for n in range(1, 51):
            store.write([happened(offset + n)])

    threads = [threading.Thread(target=write, args=(offset,)) for offset in (0, 50, 100, 150)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seqs(store.events(limit=1_000)) == list(range(1, 201))


def test_a_closed_store_keeps_quiet(store: Store) -> None:
    store.close()

    assert not store.write([happened(1)])
    assert (store.events(), store.last_seq()) == ([], 0)
    store.close()
