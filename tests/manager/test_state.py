import os
import stat
from pathlib import Path

import pytest

from switchyard_manager.errors import AlreadyRunning, BadSetting
from switchyard_manager.state import StateFolder


def test_token_and_installation_stay_the_same_once_made(tmp_path: Path) -> None:
    first = StateFolder(tmp_path / "s")
    made = (first.token(), first.installation())

    again = StateFolder(tmp_path / "s")

    assert (again.token(), again.installation()) == made
    assert len(set(made)) == 2


def test_only_the_owner_can_read_the_token(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "s")
    state.token()

    assert stat.S_IMODE(state.token_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(state.root.stat().st_mode) == 0o700


def test_a_second_manager_on_the_same_folder_is_refused_while_the_first_runs(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)

    with state.owned(), pytest.raises(AlreadyRunning, match="cannot start: another manager owns"):
        # flock belongs to the open file, so a second one in this very process is refused as well
        StateFolder(tmp_path).owned().__enter__()

    with state.owned():
        pass


def test_a_folder_that_cannot_be_made_says_which_setting_to_change(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(BadSetting, match="set SWITCHYARD_STATE"):
        StateFolder(tmp_path / "file" / "state")


def test_a_token_that_is_kept_elsewhere_may_be_read_by_the_group_of_that_place(tmp_path: Path) -> None:
    kept = tmp_path / "shared" / "token"
    kept.parent.mkdir()
    before = os.umask(0o022)

    token = StateFolder(tmp_path / "s", kept).token()
    os.umask(before)

    assert kept.read_text().strip() == token
    assert stat.S_IMODE(kept.stat().st_mode) == 0o640
    assert not (tmp_path / "s" / "token").exists()
    assert StateFolder(tmp_path / "other", kept).token() == token


def test_a_token_that_cannot_be_kept_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"cannot keep the token in .*/none/token: No such.*SWITCHYARD_TOKEN"):
        StateFolder(tmp_path, tmp_path / "none" / "token").token()
