"""The history's file: killed, damaged, foreign, too new, on a full disk. The manager goes on, and says so."""

import functools
import resource
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchyard_contracts.events import EventKind, ManagerEvent
from switchyard_manager.store import Fact, Happened, MemoryMeasured, PinSet, Span, SpanMeasured, Store
from switchyard_manager.store.opening import VERSION, set_aside

PIN = PinSet("m", pinned=True)

WRITES_FOR_EVER = """
import itertools, sys
from pathlib import Path
from switchyard_contracts.events import EventKind, ManagerEvent
from switchyard_manager.store import Happened, Store

store = Store(Path(sys.argv[1]))
for batch in itertools.count():
    seqs = range(batch * 7 + 1, batch * 7 + 8)
    events = [ManagerEvent(seq=n, at=n, kind=EventKind.PHASE, data={"fill": "x" * 500}) for n in seqs]
    assert store.write([Happened(event) for event in events]), store.trouble
    print(seqs[-1], flush=True)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@contextmanager
def opened(file: Path) -> Iterator[Store]:
    with closing(Store(file)) as store:
        yield store


def happened(seq: int) -> Fact:
    return Happened(ManagerEvent(seq=seq, at=1.0, kind=EventKind.PHASE, model="m", data={"fill": "x" * 200}))


def filled(file: Path) -> None:
    with opened(file) as store:
        facts = [SpanMeasured(f"h{n}", Span.LOAD, n) for n in range(50)]
        store.write([PIN, MemoryMeasured("h", "A", 5), *facts, *map(happened, range(1, 200))])


def set_aside_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("state.db.broken-*"))


def works(store: Store) -> bool:
    return store.write([PIN, happened(1)]) and store.pins() == {"m": True} and store.last_seq() == 1


def test_a_kill_in_the_middle_of_writing_loses_no_more_than_the_last_write(file: Path) -> None:
    command = [sys.executable, "-c", WRITES_FOR_EVER, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        confirmed = 0
        for _ in range(60):
            confirmed = int(writer.stdout.readline())
        writer.kill()
        confirmed = max([confirmed, *map(int, writer.stdout.read().split())])
    assert confirmed >= 420

    with opened(file) as store:
        found = [event.seq for event in store.events(limit=1_000_000)]

        assert store.trouble is None
        assert found == list(range(1, len(found) + 1))
        assert len(found) % 7 == 0
        assert confirmed <= len(found) <= confirmed + 7
        assert store.last_seq() == len(found)
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_new_file_is_brought_to_the_version_of_today(file: Path) -> None:
    with opened(file) as store:
        assert works(store)

    with closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (VERSION,)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_file_that_was_made_and_not_filled_is_of_version_0_and_brought_up_to_date(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        assert db.execute("PRAGMA user_version").fetchone() == (0,)

    with opened(file) as store:
        assert works(store)
        assert store.trouble is None


def test_a_migration_that_is_cut_short_leaves_nothing_of_itself(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = ("CREATE TABLE half_done (n INTEGER); CREATE TABLE nonsense (",)
    with monkeypatch.context() as patch:
        patch.setattr("switchyard_manager.store.opening.MIGRATIONS", cut)
        with opened(file) as store:
            assert store.trouble is not None
    file.with_name(set_aside_in(file.parent)[0]).rename(file)

    with opened(file) as store:
        assert works(store)
        assert store.trouble is None


def test_a_later_migration_keeps_what_is_there(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(file)
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
    from switchyard_manager.store import opening

    monkeypatch.setattr(opening, "MIGRATIONS", (*opening.MIGRATIONS, "ALTER TABLE pins ADD COLUMN why TEXT"))
    monkeypatch.setattr(opening, "VERSION", 2)

    with opened(file) as store:
        assert (store.trouble, store.pins(), store.last_seq()) == (None, {"m": True}, 199)
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (2,)
        assert db.execute("SELECT why FROM pins").fetchone() == (None,)


def no_sqlite(file: Path) -> None:
    file.write_bytes(b"this was never a database" * 100)


def cut_in_half(file: Path) -> None:
    filled(file)
    with file.open("r+b") as opened_file:
        opened_file.truncate(file.stat().st_size // 2)


def header_alone(file: Path) -> None:
    filled(file)
    with file.open("r+b") as opened_file:
        opened_file.truncate(100)


def of_the_future(file: Path) -> None:
    filled(file)
    with closing(sqlite3.connect(file)) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")


def of_a_later_sqlite(file: Path) -> None:
    filled(file)
    content = bytearray(file.read_bytes())
    content[18] = 3
    file.write_bytes(content)


def with_damage_that_sqlite_quotes(file: Path) -> None:
    filled(file)
    content = file.read_bytes()
    file.write_bytes(
        content.replace(b"ready_after_s REAL", b"ready\x80after_s REAL", 1).replace(b" TEXT", b" \x80EXT")
    )


def of_a_negative_version(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version = -3")


def without_its_tables(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.execute(f"PRAGMA user_version = {VERSION}")


def of_somebody_else(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.execute("CREATE TABLE events (recipe TEXT)")


@pytest.mark.parametrize(
    "spoil",
    [
        no_sqlite,
        cut_in_half,
        header_alone,
        of_the_future,
        of_a_later_sqlite,
        with_damage_that_sqlite_quotes,
        of_a_negative_version,
        without_its_tables,
        of_somebody_else,
    ],
)
def test_a_file_of_no_use_is_set_aside_and_a_new_history_begun(
    file: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(file)
    before = file.read_bytes()

    with opened(file) as store:
        assert works(store)
        assert store.trouble is not None
        assert store.trouble.startswith("cannot use the history in")

        (aside,) = set_aside_in(file.parent)
        assert aside in store.trouble
    if spoil is of_the_future:  # the next manager may want it as it was
        assert file.with_name(aside).read_bytes() == before
    with opened(file) as store:
        assert (store.trouble, store.pins()) == (None, {"m": True})


def test_the_log_of_a_file_goes_with_it_and_is_not_taken_for_the_next_ones(file: Path) -> None:
    contents = {"state.db": b"file", "state.db-wal": b"log", "state.db-shm": b"index"}
    for name, content in contents.items():
        file.with_name(name).write_bytes(content)

    aside = set_aside(file)

    assert {path.name for path in file.parent.iterdir()} == {aside.name + name[8:] for name in contents}
    assert all(aside.with_name(aside.name + name[8:]).read_bytes() == contents[name] for name in contents)


def test_a_second_broken_file_does_not_replace_the_first(file: Path) -> None:
    for content in (b"first" * 500, b"second" * 500):
        file.write_bytes(content)
        with opened(file):
            pass
        file.unlink()

    contents = {file.with_name(name).read_bytes()[:5] for name in set_aside_in(file.parent)}
    assert contents == {b"first", b"secon"}


@pytest.mark.parametrize("asked", [Store.events, Store.learned, lambda store: store.write([happened(200)])])
def test_a_file_damaged_while_in_use_is_set_aside_and_the_new_one_is_used(
    file: Path, asked: Callable[[Store], object]
) -> None:
    filled(file)
    with opened(file) as store:
        with file.open("r+b") as other:
            other.seek(4096)
            other.write(b"\xff" * (file.stat().st_size - 4096))
        assert store._db is not None
        store._db.execute("PRAGMA shrink_memory")  # or what it remembers hides the damage for a while

        asked(store)

        assert store.trouble is not None
        assert "set aside" in store.trouble
        assert store.write([PIN, happened(209)])
        assert (store.pins(), store.last_seq()) == ({"m": True}, 209)


@functools.cache
def sound() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        filled(Path(folder) / "state.db")
        return (Path(folder) / "state.db").read_bytes()


def goes_on(content: bytes, wal: bytes | None = None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state.db"
        file.write_bytes(content)
        if wal is not None:
            file.with_name("state.db-wal").write_bytes(wal)
        with opened(file) as store:
            for _ in range(2):
                store.events(limit=1_000)
                store.events(model="m")
                store.learned(), store.pins(), store.runs(), store.last_seq()
                store.prune(keep_events=10)
            assert store.write([PinSet("new", pinned=True)]), store.trouble
            assert store.pins()["new"] is True
            sound_again = store.trouble is None
        with opened(file) as store:
            assert store.trouble is None or not sound_again


@settings(max_examples=60)
@given(st.binary(max_size=10_000))
def test_no_bytes_at_all_keep_the_manager_from_going_on(content: bytes) -> None:
    goes_on(content)


@settings(max_examples=40)
@given(st.binary(max_size=5_000))
def test_no_log_of_writes_keeps_the_manager_from_going_on(wal: bytes) -> None:
    goes_on(sound(), wal)


@settings(max_examples=150)
@given(st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=30))
def test_no_damage_to_a_sound_file_keeps_the_manager_from_going_on(damage: list[tuple[int, int]]) -> None:
    content = bytearray(sound())
    for place, byte in damage:
        content[place % len(content)] = byte

    goes_on(bytes(content))


@settings(max_examples=40)
@given(st.floats(0, 1))
def test_no_cut_keeps_the_manager_from_going_on(share: float) -> None:
    goes_on(sound()[: int(share * len(sound()))])


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """The kernel's own refusal, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_on_a_full_disk_nothing_is_raised_and_when_there_is_room_again_it_goes_on(file: Path) -> None:
    with opened(file) as store:
        assert store.write([PIN, happened(1)])
        with files_no_larger_than(50_000):
            for _ in range(3):
                assert not store.write([happened(seq) for seq in range(2, 1_000)])
                assert store.trouble is not None
                assert store.trouble.startswith("cannot keep the history in")

        assert store.write([happened(2)])

        assert store.trouble is None
        assert [event.seq for event in store.events()] == [1, 2]


def test_a_database_that_may_not_grow_loses_nothing_that_it_has_and_can_still_be_read(file: Path) -> None:
    with opened(file) as store:
        store.write([PIN])
        assert store._db is not None
        before = store._db
        (pages,) = store._db.execute("PRAGMA page_count").fetchone()
        store._db.execute(f"PRAGMA max_page_count = {pages}").fetchone()

        assert not store.write([PinSet("n", pinned=True), *map(happened, range(1, 1_000))])

        assert store.trouble is not None
        assert "free some space" in store.trouble
        assert store.pins() == {"m": True}
        assert store._db is before  # to open it anew would take room that is not there


def test_a_folder_that_is_not_there_yet_is_trouble_until_it_is(tmp_path: Path) -> None:
    file = tmp_path / "not mounted" / "state.db"
    with opened(file) as store:
        assert not store.write([PIN])
        assert store.trouble is not None
        assert "make that folder writable" in store.trouble
        assert store.pins() == {}

        file.parent.mkdir()

        assert works(store)
        assert store.trouble is None


def test_a_read_only_database_is_trouble_until_it_is_not(file: Path) -> None:
    with opened(file) as store:
        assert store._db is not None
        store._db.execute("PRAGMA query_only = 1")
        assert not store.write([PIN])
        assert store.trouble is not None
        assert "make that folder writable" in store.trouble

        assert works(store)
        assert store.trouble is None


def test_a_folder_in_the_place_of_the_file_is_trouble_and_stays_as_it_is(file: Path) -> None:
    file.mkdir()

    with opened(file) as store:
        assert not store.write([PIN])

        assert store.trouble is not None
    assert file.is_dir()


def test_while_another_program_holds_it_nothing_is_lost(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("switchyard_manager.store.opening.BUSY_S", 0.01)
    with opened(file) as store, closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert not store.write([PIN])
        assert store.trouble is not None
        assert "close the other program" in store.trouble

        other.execute("ROLLBACK")

        assert works(store)
        assert store.trouble is None
