"""`switchyard-proxy keys`, on a real folder."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from switchyard_proxy.access.callers import Limits, Role
from switchyard_proxy.access.first_key import ensure_first_key
from switchyard_proxy.access.key_file import KeyFile
from switchyard_proxy.cli.keys import main
from switchyard_proxy.settings import read_settings

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("SWITCHYARD_STATE", str(tmp_path))

    def running(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments)
        said = capsys.readouterr()
        return status, said.out, said.err

    return running


def in_json(run: Run, *arguments: str) -> dict[str, Any]:
    status, out, _ = run(*arguments, "--json")
    assert status == 0
    answer: dict[str, Any] = json.loads(out)
    return answer


def test_the_key_is_all_that_goes_to_standard_output(run: Run, tmp_path: Path) -> None:
    status, out, err = run("add", "laptop")

    caller = KeyFile(tmp_path / "proxy").read().caller_of(out.strip().encode(), 0.0)
    assert status == 0
    assert caller is not None
    assert (caller.name, caller.role) == ("laptop", Role.USE)
    assert out.strip() not in err


def test_every_right_can_be_given(run: Run, tmp_path: Path) -> None:
    run(
        *("add", "laptop", "--role", "operate", "--model", "chat", "--model", "org/paint", "--rpm", "60"),
        *("--concurrent", "2", "--tokens-per-day", "100000", "--priority", "-5", "--expires-days", "1.5"),
    )

    (record,) = KeyFile(tmp_path / "proxy").read().records
    assert record.role is Role.OPERATE
    assert record.models == {"chat", "org/paint"}
    assert record.limits == Limits(60, 2, 100_000)
    assert record.priority == -5
    assert record.expires_at == record.created_at + 1.5 * 24 * 3600


def test_the_list_shows_everything_but_keys(run: Run) -> None:
    key = run("add", "laptop", "--model", "chat", "--rpm", "60", "--concurrent", "2")[1].strip()
    run("add", "old")
    run("revoke", "old")

    _, out, _ = run("list")
    listed = in_json(run, "list")["keys"]

    assert key not in out
    assert key[:8] in out
    assert "60 a minute, 2 at once" in out
    assert [line.split()[0] for line in out.splitlines()] == ["NAME", "laptop", "old"]
    assert [(each["name"], each["state"]) for each in listed] == [("laptop", "live"), ("old", "revoked")]
    assert all("digest" not in each for each in listed)


def test_an_empty_list_says_how_to_make_a_key(run: Run) -> None:
    status, out, err = run("list")

    assert (status, out) == (0, "")
    assert "keys add NAME" in err
    assert in_json(run, "list") == {"keys": []}


def test_a_revoked_key_opens_nothing(run: Run, tmp_path: Path) -> None:
    key = in_json(run, "add", "laptop")["key"]

    status, out, _ = run("revoke", "laptop")

    assert status == 0
    assert "revoked the key `laptop`" in out
    assert KeyFile(tmp_path / "proxy").read().caller_of(key.encode(), 0.0) is None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("add", "two words"), "cannot keep the key with this `name`"),
        (("add", "laptop", "--rpm", "0"), "limits.requests_per_minute"),
        (("add", "laptop", "--expires-days", "-1"), "expires_at"),
        (("add", "laptop", "--expires-days", "nan"), "expires_at"),
        (("revoke", "nobody"), "cannot find a key `nobody`"),
        (("show-first",), "cannot find a first key"),
    ],
)
def test_what_cannot_be_done_is_said_and_exits_1(run: Run, arguments: tuple[str, ...], says: str) -> None:
    status, out, err = run(*arguments)

    assert (status, out) == (1, "")
    assert says in err


@pytest.mark.parametrize(
    "arguments", [(), ("add",), ("add", "x", "--role", "king"), ("add", "x", "--rpm", "few")]
)
def test_arguments_that_make_no_sense_exit_2(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments)[0] == 2


def test_help_exits_0(run: Run) -> None:
    assert run("--help")[0] == 0


def test_a_corrupt_file_is_said_and_left_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "proxy").mkdir()
    (tmp_path / "proxy" / "keys.json").write_text("{")

    for arguments in (("list",), ("add", "laptop"), ("revoke", "laptop")):
        status, _, err = run(*arguments)
        assert status == 1
        assert "put aside as" in err

    assert (tmp_path / "proxy" / "keys.json").read_text() == "{"


def test_the_first_key_is_shown_until_it_is_revoked(run: Run, tmp_path: Path) -> None:
    first = ensure_first_key(read_settings(["--state", str(tmp_path), "--auth", "on"], {}), 1.0)
    assert first is not None

    shown = run("show-first")
    run("revoke", "first")

    assert shown == (0, f"{first.key}\n", "")
    assert run("show-first")[0] == 1


def test_a_folder_given_wins_over_the_environment(run: Run, tmp_path: Path) -> None:
    run("add", "laptop", "--state", str(tmp_path / "other"))

    assert [record.name for record in KeyFile(tmp_path / "other" / "proxy").read().records] == ["laptop"]
    assert KeyFile(tmp_path / "proxy").read().records == ()
