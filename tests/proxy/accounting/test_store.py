"""What is written stays written, what is old goes, and trouble with the file is told and harms nobody."""

import logging
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from switchyard_proxy.accounting import opening
from switchyard_proxy.accounting.account import Outcome
from switchyard_proxy.accounting.captures import Capture
from switchyard_proxy.accounting.entries import Wanted
from switchyard_proxy.accounting.ledger import Ledger
from switchyard_proxy.accounting.opening import COLUMNS
from switchyard_proxy.accounting.store import DAY_S, STEP, Keep, Store
from tests.proxy.accounting.samples import account

NOW = 10_000_000.0
KEEP = Keep()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "proxy" / "requests.db"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    opened = Store(file, KEEP, lambda: NOW)
    yield opened
    opened.close()


def ids(file: Path) -> list[str]:
    return [entry.request_id for entry in Ledger(file).page(Wanted(), 100_000)]


def test_a_row_says_what_the_account_said(store: Store, file: Path) -> None:
    written = account(id="a", code="overloaded", retried=True, beats=3)

    assert store.write([written])

    (entry,) = Ledger(file).page(Wanted(), 10)
    for name in (
        "at",
        "key",
        "address",
        "route",
        "asked",
        "model",
        "streams",
        "status",
        "outcome",
        "code",
        "beats",
    ):
        assert getattr(entry, name) == getattr(written, name), name
    assert (entry.request_id, entry.retried, entry.fell_back) == ("a", True, False)
    assert (entry.queue_s, entry.load_s, entry.first_s, entry.total_s) == (0.5, 2.0, 3.0, 6.5)
    assert (entry.tokens_in, entry.tokens_out, entry.cached) == (7, 40, 3)


def test_every_column_is_read(store: Store, file: Path) -> None:
    store.write([account()])

    with sqlite3.connect(file) as db:
        columns = [row[1] for row in db.execute("PRAGMA table_info(requests)")]
    db.close()
    assert columns == COLUMNS.split(", ")


def test_only_the_owner_may_read_the_file(store: Store, file: Path) -> None:
    store.write([account()])

    for path in file.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_with_no_days_nothing_is_kept(file: Path) -> None:
    store = Store(file, Keep(days=0))

    assert store.write([account()])
    assert not store.prune()

    assert not file.exists()


def test_with_no_days_from_now_on_what_was_kept_goes(store: Store, file: Path) -> None:
    store.write([account(at=NOW - 1)])
    forgetful = Store(file, Keep(days=0), lambda: NOW)

    assert forgetful.prune()

    assert ids(file) == []
    forgetful.close()


def test_forgets_what_is_too_old_and_no_more(store: Store, file: Path) -> None:
    edge = NOW - KEEP.days * DAY_S
    store.write([account(id="old", at=edge - 1), account(id="young", at=edge + 1)])

    assert store.prune()

    assert ids(file) == ["young"]
    assert not store.prune()


def test_forgets_the_oldest_when_there_are_too_many(file: Path) -> None:
    store = Store(file, Keep(rows=2), lambda: NOW)
    store.write([account(id=name, at=NOW) for name in "abcd"])

    store.prune()

    assert ids(file) == ["d", "c"]
    store.close()


def test_forgets_in_small_steps(store: Store, file: Path) -> None:
    store.write([account(at=0.0) for _ in range(STEP + 1)])

    store.prune()

    assert len(ids(file)) == 1


def with_bodies(name: str, size: int = 10) -> Capture:
    capture = Capture(1_000_000)
    capture.asked("POST", "/v1/x", [(b"content-type", b"application/json")], b'{"prompt":"%b"}' % name.encode())
    capture.answers(200, [(b"content-type", b"application/json")])
    capture.feed(b"[" + b"1," * (size // 2) + b"1]")
    return capture


def test_captures_are_kept_beside_their_rows_and_go_with_them(store: Store, file: Path) -> None:
    store.write([account(id="a", at=0.0, capture=with_bodies("hello")), account(id="b", at=NOW)])
    captured = Ledger(file).capture("a")
    assert captured is not None
    assert captured.request.text == '{"prompt":"hello"}'
    assert Ledger(file).capture("b") is None

    store.prune()

    with sqlite3.connect(file) as db:
        assert db.execute("SELECT count(*) FROM captures").fetchone() == (0,)
    db.close()


@pytest.mark.parametrize("keep", [Keep(captures=2), Keep(captured_bytes=5_000)])
def test_captures_are_a_ring_bounded_in_number_and_size(file: Path, keep: Keep) -> None:
    store = Store(file, keep)

    for name in "abcd":
        store.write([account(id=name, capture=with_bodies(name, 2_000))])

    kept = [name for name in "abcd" if Ledger(file).capture(name) is not None]
    assert kept == ["c", "d"]
    assert ids(file) == ["d", "c", "b", "a"]
    store.close()


@pytest.mark.parametrize("outcome", Outcome)
def test_of_errors_only_is_kept_what_is_one(store: Store, file: Path, outcome: Outcome) -> None:
    capture = Capture(100, only_errors=True)

    store.write([account(id="a", outcome=outcome, capture=capture)])

    kept = Ledger(file).capture("a") is not None
    assert kept is (outcome in {Outcome.REFUSED, Outcome.ENGINE_ERROR, Outcome.FAILED})


def test_a_capture_that_cannot_be_read_costs_no_row(
    store: Store, file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = with_bodies("x")
    monkeypatch.setattr(Capture, "captured", lambda _: 1 / 0)

    assert store.write([account(id="a", capture=broken), account(id="b")])

    assert ids(file) == ["b", "a"]
    assert "cannot capture" in caplog.text


def test_an_account_that_fits_no_row_costs_no_other(
    store: Store, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert store.write(
        [account(id="a"), account(id="bad", bytes_in=2**70), account(id="c"), account(id="\ud800")]
    )

    assert ids(file) == ["c", "a"]
    assert "cannot write down" in caplog.text


@pytest.mark.parametrize("damage", [b"this is no database" * 99, b"SQLite format 3\0" + b"\xff" * 4000])
def test_a_damaged_file_is_set_aside_and_said(file: Path, damage: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(damage)
    store = Store(file, KEEP)

    assert store.write([account(id="a")])

    assert ids(file) == ["a"]
    (aside,) = file.parent.glob("*.broken-*")
    assert aside.read_bytes() == damage
    assert store.trouble is not None
    assert aside.name in store.trouble
    store.close()


def test_a_file_that_is_damaged_while_it_is_used_is_set_aside(store: Store, file: Path) -> None:
    store.write([account() for _ in range(2_000)])
    with sqlite3.connect(file) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    size = file.stat().st_size
    with file.open("r+b") as opened:
        opened.seek(4096)
        opened.write(os.urandom(size - 4096))

    written = [store.write([account(id=f"after{at}")]) for at in range(3)]

    assert any(written)
    assert "after2" in ids(file)
    assert list(file.parent.glob("*.broken-*"))


def test_a_file_of_a_later_version_is_set_aside_not_spoilt(file: Path) -> None:
    file.parent.mkdir()
    with sqlite3.connect(file) as db:
        db.execute(f"PRAGMA user_version = {opening.VERSION + 1}")
    db.close()
    store = Store(file, KEEP)

    assert store.write([account()])

    assert list(file.parent.glob("*.broken-*"))
    store.close()


def test_a_second_process_does_not_set_aside_what_the_first_has_begun(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"broken" * 1_000)
    stores = [Store(file, KEEP) for _ in range(4)]

    threads = [threading.Thread(target=store.write, args=([account()],)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(ids(file)) == 4
    assert len(list(file.parent.glob("*.broken-*"))) == 1
    for store in stores:
        store.close()


def test_one_that_met_the_damage_later_takes_up_the_file_that_the_other_made(file: Path) -> None:
    late, early = Store(file, KEEP), Store(file, KEEP)
    late.write([account()])
    opening.set_aside(file)
    early.write([account(id="a")])

    late._replace("it is damaged")

    assert ids(file) == ["a"]
    late.close()
    early.close()


WRITE = """
import sys
from pathlib import Path
from switchyard_proxy.accounting.store import Keep, Store
from tests.proxy.accounting.samples import account
store = Store(Path(sys.argv[1]), Keep())
for at in range(20):
    while not store.write([account(id=f"{sys.argv[2]}-{at}-{n}") for n in range(50)]): pass
"""


def test_several_processes_write_to_one_file(file: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITE, str(file), name]) for name in "abc"]

    assert [writer.wait(60) for writer in writers] == [0, 0, 0]

    assert len(set(ids(file))) == 3 * 20 * 50


def test_a_full_disk_is_said_once_and_over_when_it_is_over(
    store: Store, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store.write([account()])
    assert store._db is not None
    (pages,) = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    many = [account() for _ in range(2_000)]

    assert not store.write(many)
    assert not store.write(many)

    assert caplog.text.count("free some space") == 1
    assert store.trouble is not None
    store._db.execute("PRAGMA max_page_count = 100000")
    assert store.write(many)
    assert store.trouble is None
    assert len(ids(file)) == 2_001


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "occupied").write_text("")
    store = Store(tmp_path / "occupied" / "requests.db", KEEP)

    with caplog.at_level(logging.ERROR):
        assert not store.write([account()])

    assert "make that folder writable" in caplog.text


def test_a_later_run_goes_on_where_the_last_one_ended(file: Path) -> None:
    for name in "ab":
        store = Store(file, KEEP)
        store.write([account(id=name)])
        store.close()

    assert ids(file) == ["b", "a"]
    assert not list(file.parent.glob("*.broken-*"))
