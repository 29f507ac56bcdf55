"""The key that is made when a new proxy first asks for keys."""

import logging
from pathlib import Path

import pytest

from switchyard_proxy.access.callers import Role
from switchyard_proxy.access.first_key import ensure_first_key
from switchyard_proxy.access.key_file import KeyFile
from switchyard_proxy.access.keys import Ring, make_key
from switchyard_proxy.settings import Settings, read_settings

NOW = 1_800_000_000.0


def settings(folder: Path, *, auth: str = "on", api_key: str | None = None) -> Settings:
    environment = {} if api_key is None else {"SWITCHYARD_API_KEY": api_key}
    return read_settings(["--state", str(folder), "--auth", auth], environment)


def test_a_first_start_makes_a_key_that_may_do_everything(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    chosen = settings(tmp_path)

    with caplog.at_level(logging.INFO):
        first = ensure_first_key(chosen, NOW)

    assert first is not None
    caller = KeyFile(chosen.folder).read().caller_of(first.key.encode(), NOW)
    assert caller is not None
    assert (caller.name, caller.role) == ("first", Role.ADMIN)
    assert first.path.read_text().strip() == first.key
    assert first.path.stat().st_mode & 0o777 == 0o600
    assert str(first.path) in caplog.text
    assert first.key not in caplog.text


def test_a_second_start_makes_none(tmp_path: Path) -> None:
    ensure_first_key(settings(tmp_path), NOW)

    assert ensure_first_key(settings(tmp_path), NOW) is None
    assert len(KeyFile(settings(tmp_path).folder).read().records) == 1


def test_one_that_another_process_makes_meanwhile_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings(tmp_path)
    theirs = ensure_first_key(chosen, NOW)
    with monkeypatch.context() as patched:
        patched.setattr(KeyFile, "read", lambda _: Ring())  # as it was before the lock was held
        ours = ensure_first_key(chosen, NOW)

    assert theirs is not None
    assert ours is None
    assert theirs.path.read_text().strip() == theirs.key


def test_none_is_made_where_keys_are_off_or_one_is_given(tmp_path: Path) -> None:
    assert ensure_first_key(settings(tmp_path, auth="off"), NOW) is None
    assert ensure_first_key(settings(tmp_path, api_key="sk-mine"), NOW) is None
    assert list(tmp_path.iterdir()) == []


def test_none_is_made_where_every_key_was_revoked(tmp_path: Path) -> None:
    keys = KeyFile(settings(tmp_path).folder)
    keys.add(make_key("laptop", NOW)[0], NOW)
    keys.revoke("laptop", NOW)

    assert ensure_first_key(settings(tmp_path), NOW) is None


def test_none_is_made_over_a_file_that_cannot_be_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    chosen = settings(tmp_path)
    chosen.folder.mkdir(parents=True)
    (chosen.folder / "keys.json").write_text("{")

    assert ensure_first_key(chosen, NOW) is None
    assert (chosen.folder / "keys.json").read_text() == "{"
    assert "cannot read the keys" in caplog.text
