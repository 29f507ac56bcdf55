"""What the page says of a copied state folder is so: made with the archive commands that it shows."""

import re
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
from docs import generate

from switchyard_contracts.events import EventKind, ManagerEvent, RunRecord
from switchyard_manager.state import StateFolder
from switchyard_manager.store import Happened, PinSet, RunWas, Store
from switchyard_proxy.access.key_file import KeyFile
from switchyard_proxy.accounting.entries import Wanted
from switchyard_proxy.accounting.ledger import Ledger
from switchyard_proxy.accounting.store import Keep
from switchyard_proxy.accounting.store import Store as Accounts
from switchyard_proxy.cli.keys import main as keys
from tests.manager.test_docs import OPERATIONS, rows, section
from tests.proxy.accounting.samples import account

PAGE = (generate.ROOT / "docs/upgrade-and-backup.md").read_text("utf-8")
NOW = time.time()


@pytest.fixture
def lived_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[Path, str]:
    """A state folder after some use, and the key of a client."""
    root = tmp_path / ".switchyard"
    monkeypatch.setenv("SWITCHYARD_STATE", str(root))
    StateFolder(root).token()
    StateFolder(root).installation()
    assert keys(("add", "laptop")) == 0
    key = capsys.readouterr().out.strip()
    history = Store(root / "state.db")
    event = ManagerEvent(seq=1, at=NOW, kind=EventKind.PHASE, model="m", data={})
    run = RunRecord(instance="m-1", model="m", began_at=NOW)
    assert history.write((Happened(event), RunWas(run), PinSet("m", pinned=True)))
    history.close()
    accounts = Accounts(root / "proxy/requests.db", Keep())
    assert accounts.write([account(id="a", at=NOW)])
    accounts.close()
    (root / "demo").mkdir()
    (root / "demo/weights").write_text("made again by the next up")
    (root / "logs").mkdir(exist_ok=True)
    return root, key


def restored(root: Path) -> Path:
    """By the very words of the page, in a folder beside."""
    (pack,) = re.findall(r"^tar --exclude.*$", PAGE, re.MULTILINE)
    (unpack,) = re.findall(r"^mkdir -p \.switchyard && tar .*$", PAGE, re.MULTILINE)
    elsewhere = root.parent / "elsewhere"
    elsewhere.mkdir()
    subprocess.run(["bash", "-euc", pack], cwd=root.parent, check=True)
    (root.parent / "switchyard-state.tar.gz").rename(elsewhere / "switchyard-state.tar.gz")
    subprocess.run(["bash", "-euc", unpack], cwd=elsewhere, check=True)
    return elsewhere / ".switchyard"


def test_a_clients_key_works_in_a_restored_folder(lived_in: tuple[Path, str]) -> None:
    root, key = lived_in

    caller = KeyFile(restored(root) / "proxy").read().caller_of(key.encode(), NOW)

    assert caller is not None
    assert caller.name == "laptop"


def test_history_pins_and_accounts_are_those_of_before(lived_in: tuple[Path, str]) -> None:
    copy = restored(lived_in[0])

    history = Store(copy / "state.db")
    assert [event.seq for event in history.events()] == [1]
    assert [run.instance for run in history.runs()] == ["m-1"]
    assert history.pins() == {"m": True}
    history.close()
    assert [entry.request_id for entry in Ledger(copy / "proxy/requests.db").page(Wanted(), 10)] == ["a"]


def test_secrets_stay_the_same_and_stay_the_owners_alone(lived_in: tuple[Path, str]) -> None:
    root, _ = lived_in
    copy = restored(root)

    assert StateFolder(copy).token() == StateFolder(root).token()
    assert StateFolder(copy).installation() == StateFolder(root).installation()
    assert (copy / "proxy/keys.json").stat().st_mode & 0o077 == 0


def test_what_is_made_again_is_not_in_the_archive(lived_in: tuple[Path, str]) -> None:
    assert not (restored(lived_in[0]) / "demo").exists()


def test_going_back_sets_the_newer_database_aside_and_begins_anew(lived_in: tuple[Path, str]) -> None:
    root, _ = lived_in
    with sqlite3.connect(root / "state.db") as newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()

    older = Store(root / "state.db")

    assert older.events() == []
    assert older.write((PinSet("m", pinned=False),))
    older.close()
    kept = [
        file for file in root.glob("state.db*") if file.name not in {"state.db", "state.db-wal", "state.db-shm"}
    ]
    assert any(sqlite3.connect(file).execute("SELECT seq FROM events").fetchall() == [(1,)] for file in kept)


def test_every_file_of_the_state_folder_is_judged_on_the_page() -> None:
    judged = rows(section(PAGE, "What is in the state folder"))
    judged = {Path(name).name for name in judged} | {name.rstrip("/") for name in judged}

    for name in rows(section(OPERATIONS, "Files")) - {"previous.log"}:  # beside current.log
        top = name.split("/")[0]
        assert {Path(name).name, name.rstrip("/"), top} & judged, name
