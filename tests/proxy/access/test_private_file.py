"""Files for their owner alone, written whole or not at all."""

from pathlib import Path

import pytest

from switchyard_proxy.access.private_file import ensure_folder, write_private


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    write_private(tmp_path / "secret", b"x")

    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_a_file_that_was_open_to_all_is_not_any_more(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"old")
    (tmp_path / "secret").chmod(0o644)

    write_private(tmp_path / "secret", b"new")

    assert (tmp_path / "secret").read_bytes() == b"new"
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def disk_full(_: int) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "secret").write_bytes(b"old")
    monkeypatch.setattr("os.fsync", disk_full)

    with pytest.raises(OSError, match="No space"):
        write_private(tmp_path / "secret", b"new")

    assert [path.name for path in tmp_path.iterdir()] == ["secret"]
    assert (tmp_path / "secret").read_bytes() == b"old"


def test_folders_that_it_makes_are_private(tmp_path: Path) -> None:
    ensure_folder(tmp_path / "a" / "state" / "proxy")

    assert (tmp_path / "a" / "state").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "a" / "state" / "proxy").stat().st_mode & 0o777 == 0o700
