"""The file of keys on a real disk, with real other processes."""

import fcntl
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.access import key_file
from switchyard_proxy.access.key_file import KeyFile, KeysUnreadable
from switchyard_proxy.access.keys import make_key
from switchyard_proxy.errors import ProxyError, Refused

NOW = 1_800_000_000.0
ADDS_TEN = """
import sys
from pathlib import Path
from switchyard_proxy.access.key_file import KeyFile
from switchyard_proxy.access.keys import make_key
for number in range(10):
    KeyFile(Path(sys.argv[1])).add(make_key(f"{sys.argv[2]}-{number}", 1.0)[0], 1.0)
"""


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "state" / "proxy")


def test_no_file_is_an_empty_ring(keys: KeyFile) -> None:
    assert keys.stamp() is None
    assert keys.read().records == ()


def test_a_key_that_was_added_opens(keys: KeyFile) -> None:
    record, key = make_key("laptop", NOW)

    keys.add(record, NOW)

    caller = keys.read().caller_of(key.encode(), NOW)
    assert caller is not None
    assert caller.name == "laptop"
    assert keys.path.stat().st_mode & 0o777 == 0o600
    assert key not in keys.path.read_text()


def test_a_key_that_is_refused_changes_nothing(keys: KeyFile) -> None:
    keys.add(make_key("laptop", NOW)[0], NOW)
    before = keys.stamp()

    with pytest.raises(Refused):
        keys.add(make_key("laptop", NOW)[0], NOW)

    assert keys.stamp() == before


def test_a_key_is_revoked_by_name_or_id_and_stays_listed(keys: KeyFile) -> None:
    first, second = make_key("first-one", NOW)[0], make_key("second-one", NOW)[0]
    keys.add(first, NOW)
    keys.add(second, NOW)

    keys.revoke("first-one", NOW + 1)
    keys.revoke(second.id, NOW + 2)

    assert [record.revoked_at for record in keys.read().records] == [NOW + 1, NOW + 2]


def test_a_key_that_is_not_there_cannot_be_revoked_or_changed(keys: KeyFile) -> None:
    record = make_key("gone", NOW)[0]
    keys.add(record, NOW)
    keys.revoke("gone", NOW)

    with pytest.raises(Refused):
        keys.revoke("gone", NOW)
    with pytest.raises(Refused):
        keys.update(record.id, lambda old: replace(old, priority=1), NOW)


def test_a_change_that_is_not_fit_is_refused(keys: KeyFile) -> None:
    record = make_key("laptop", NOW)[0]
    keys.add(record, NOW)
    keys.add(make_key("desktop", NOW)[0], NOW)

    with pytest.raises(Refused):
        keys.update(record.id, lambda old: replace(old, name="desktop"), NOW)


def test_an_expired_key_may_be_changed_and_may_come_back_if_its_name_is_still_free(keys: KeyFile) -> None:
    record = replace(make_key("laptop", NOW)[0], expires_at=NOW + 1)
    keys.add(record, NOW)
    later = NOW + 100

    changed = keys.update(record.id, lambda old: replace(old, priority=3), later)
    keys.add(make_key("laptop", later)[0], later)

    assert changed.priority == 3
    with pytest.raises(Refused, match="another key is called"):
        keys.update(record.id, lambda old: replace(old, expires_at=None), later)


def test_the_stamp_differs_after_every_change(keys: KeyFile) -> None:
    seen = [keys.stamp()]

    for number in range(5):
        keys.add(make_key(f"key{number}", NOW)[0], NOW)
        seen.append(keys.stamp())

    assert len(set(seen)) == 6


@pytest.mark.parametrize("data", [b"", b'{"keys": [', b"\x00" * 100, b"[" * 100_000])
def test_a_corrupt_file_is_put_aside_and_said_and_stays_an_error(keys: KeyFile, data: bytes) -> None:
    keys.add(make_key("laptop", NOW)[0], NOW)
    keys.path.write_bytes(data)

    for _ in range(2):
        with pytest.raises(KeysUnreadable, match="put aside as") as unreadable:
            keys.read()

    copies = list(keys.path.parent.glob("keys.json.corrupt-*"))
    assert [copy.read_bytes() for copy in copies] == [data]
    assert str(copies[0]) in str(unreadable.value)
    assert copies[0].stat().st_mode & 0o777 == 0o600


def test_a_corrupt_file_is_never_written_over(keys: KeyFile) -> None:
    keys.add(make_key("laptop", NOW)[0], NOW)
    keys.path.write_bytes(b"{")

    with pytest.raises(KeysUnreadable):
        keys.add(make_key("desktop", NOW)[0], NOW)

    assert keys.path.read_bytes() == b"{"


def test_a_file_that_may_not_be_read_is_an_error(keys: KeyFile) -> None:
    keys.path.mkdir(parents=True)

    with pytest.raises(KeysUnreadable, match="cannot read"):
        keys.read()


def test_several_processes_that_write_at_once_lose_nothing(keys: KeyFile) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", ADDS_TEN, str(keys.path.parent), f"writer{number}"])
        for number in range(4)
    ]

    assert [writer.wait(timeout=50) for writer in writers] == [0] * 4
    assert len(keys.read().records) == 40


def test_a_writer_that_never_ends_is_not_waited_for_for_ever(
    keys: KeyFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_file, "LOCK_WAIT_S", 0.05)
    keys.add(make_key("laptop", NOW)[0], NOW)

    with (keys.path.parent / "keys.lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(ProxyError, match="another process holds"):
            keys.add(make_key("desktop", NOW)[0], NOW)
    assert len(keys.read().records) == 1


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file, where a folder should be")

    with pytest.raises(ProxyError, match="cannot write the keys") as error:
        KeyFile(tmp_path / "state" / "proxy").add(make_key("laptop", NOW)[0], NOW)

    assert error.value.code is ErrorCode.INTERNAL_ERROR
