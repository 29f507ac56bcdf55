"""Every filter filters, pages follow each other without gap or repeat, and sums are what arithmetic says."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import quantiles
from typing import Any

import pytest

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.accounting.account import Account, Outcome, Usage
from switchyard_proxy.accounting.entries import Wanted, condition
from switchyard_proxy.accounting.ledger import Ledger, Share, Spread
from switchyard_proxy.accounting.store import Keep, Store
from switchyard_proxy.errors import ProxyError, Refused
from tests.proxy.accounting.samples import account


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "requests.db"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    opened = Store(file, Keep())
    yield opened
    opened.close()


def written(store: Store, file: Path, accounts: Sequence[Account]) -> Ledger:
    assert store.write(accounts)
    return Ledger(file)


def names(ledger: Ledger, **filters: Any) -> list[str]:
    return [entry.request_id for entry in ledger.page(Wanted(**filters), 100)]


def test_nothing_was_written_yet(file: Path) -> None:
    ledger = Ledger(file)

    assert ledger.page(Wanted(), 10) == []
    assert ledger.entry("a") is None
    assert ledger.capture("a") is None
    assert ledger.newest() == 0
    assert ledger.shares(Wanted(), ["model"]) == []


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"model": "b"}, "b"),
        ({"key": "b"}, "b"),
        ({"route": "b"}, "b"),
        ({"outcome": "failed"}, "b"),
        ({"code": "overloaded"}, "b"),
        ({"status": "503"}, "b"),
        ({"status": "5xx"}, "b"),
        ({"since": 200.0}, "b"),
        ({"min_total_s": 9.0}, "b"),
        ({"text": "b"}, "b"),
        ({"outcome": "ok"}, "a"),
        ({"until": 200.0}, "a"),
        ({"status": "2xx"}, "a"),
        ({"model": "a", "key": "b"}, ""),
        ({"text": "%"}, ""),
        ({}, "ba"),
    ],
)
def test_every_filter_filters(store: Store, file: Path, filters: dict[str, Any], expected: str) -> None:
    a = account(id="a", model="a", key="a", route="a", at=100.0, ended=51.0)
    b = account(id="b", model="b", key="b", route="b", at=200.0, ended=60.0)
    b.outcome, b.code, b.status = Outcome.FAILED, "overloaded", 503
    ledger = written(store, file, [a, b])

    assert names(ledger, **filters) == list(expected)


def test_pages_follow_each_other_while_more_is_written(store: Store, file: Path) -> None:
    ledger = written(store, file, [account(id=str(at)) for at in range(7)])

    seen: list[str] = []
    before: int | None = None
    while page := ledger.page(Wanted(), 3, before):
        seen += [entry.request_id for entry in page]
        before = page[-1].id
        store.write([account(id="later")])

    assert seen == ["6", "5", "4", "3", "2", "1", "0"]


def test_of_two_requests_with_one_id_the_later_is_found(store: Store, file: Path) -> None:
    ledger = written(store, file, [account(id="a", model="first"), account(id="a", model="second")])

    found = ledger.entry("a")

    assert found is not None
    assert found.model == "second"


def test_a_file_that_is_being_made_holds_nothing_yet(file: Path) -> None:
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA journal_mode = WAL")
    db.close()

    assert Ledger(file).page(Wanted(), 10) == []
    assert Ledger(file).shares(Wanted(), ["model"]) == []


def test_the_rate_of_a_group_leaves_out_what_was_waited(store: Store, file: Path) -> None:
    waited = account(began=0.0, queued=10.0, leased=30.0, ended=34.0, usage=Usage(1, 40))
    ledger = written(store, file, [waited, timed(6.0, usage=Usage(1, 10))])

    (share,) = ledger.shares(Wanted(), [])

    assert share.tokens_per_second == 5.0


def timed(total: float, **more: Any) -> Account:
    return account(began=0.0, queued=None, leased=None, first=None, ended=total, **more)


@pytest.mark.parametrize("many", [1, 2, 3, 19, 20, 21, 100])
def test_spreads_are_the_smallest_values_that_so_many_do_not_exceed(
    store: Store, file: Path, many: int
) -> None:
    ledger = written(store, file, [timed(float(at)) for at in range(many, 0, -1)])

    (share,) = ledger.shares(Wanted(), [])

    p50, p95 = share.spreads["total_s"].p50, share.spreads["total_s"].p95
    values = range(1, many + 1)
    for value, percent in ((p50, 50), (p95, 95)):
        assert sum(other <= value for other in values) * 100 >= percent * many
        assert sum(other < value for other in values) * 100 < percent * many
    if many == 100:
        assert p95 == pytest.approx(quantiles(values, n=20)[18], abs=1.5)
    assert set(share.spreads) == {"total_s"}


def test_sums_are_of_their_group(store: Store, file: Path) -> None:
    ledger = written(
        store,
        file,
        [
            timed(2.0, model="a", key="k", at=3600.0, usage=Usage(1, 10, 1)),
            timed(8.0, model="a", key="k", at=7199.9, usage=Usage(2, 10)),
            timed(1.0, model="a", key="k", at=7200.0, usage=None, outcome=Outcome.REFUSED),
            timed(3.0, model="b", key="k", at=7200.0, usage=None, outcome=Outcome.CLIENT_LEFT),
        ],
    )

    by_model = ledger.shares(Wanted(), ["model"])
    by_both = ledger.shares(Wanted(model="a"), ["hour", "model"])

    assert by_model[0] == Share(
        model="a",
        requests=3,
        errors=1,
        tokens_in=3,
        tokens_out=20,
        cached=1,
        tokens_per_second=2.0,
        spreads={"total_s": Spread(2.0, 8.0)},
    )
    assert (by_model[1].model, by_model[1].errors, by_model[1].tokens_per_second) == ("b", 0, None)
    assert [(share.hour, share.model, share.requests) for share in by_both] == [(3600, "a", 2), (7200, "a", 1)]


def test_a_question_that_takes_too_long_is_refused_with_what_to_do(store: Store, file: Path) -> None:
    written(store, file, [account() for _ in range(5_000)])

    with pytest.raises(Refused, match="since") as refused:
        Ledger(file, longest_s=0.0).shares(Wanted(), ["key"])

    assert refused.value.code is ErrorCode.INVALID_VALUE


def test_a_damaged_file_is_told_as_an_error_of_ours(file: Path) -> None:
    file.write_bytes(b"no database" * 1_000)

    with pytest.raises(ProxyError, match="cannot read the accounts"):
        Ledger(file).page(Wanted(), 1)


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ({"model": "m"}, "requests_of_model"),
        ({"key": "m"}, "requests_of_key"),
        ({"outcome": "failed"}, "requests_gone_wrong"),
    ],
)
def test_common_filters_use_an_index(store: Store, file: Path, filters: dict[str, Any], index: str) -> None:
    store.write([account()])
    assert store._db is not None
    where, values = condition(Wanted(**filters))

    sql = f"EXPLAIN QUERY PLAN SELECT id FROM requests WHERE {where} ORDER BY id DESC LIMIT 5"  # noqa: S608
    plan = store._db.execute(sql, values).fetchall()

    assert index in plan[0][3]
    assert not any("TEMP B-TREE" in row[3] for row in plan)
