"""What keys have used of the day, over a restart."""

import logging
from pathlib import Path

import pytest

from switchyard_proxy.access.tally import DAY_S, DayUse
from switchyard_proxy.access.usage_file import UsageFile

NOON = 20_000.5 * DAY_S
USAGE = {"key_1": DayUse(requests=3, tokens=120), "key_2": DayUse(requests=1, tokens=0)}


def test_todays_use_comes_back(tmp_path: Path) -> None:
    UsageFile(tmp_path / "state" / "proxy").write(USAGE, NOON)

    assert UsageFile(tmp_path / "state" / "proxy").read(NOON + 60) == USAGE


def test_yesterdays_use_is_forgotten(tmp_path: Path) -> None:
    UsageFile(tmp_path).write(USAGE, NOON)

    assert UsageFile(tmp_path).read(NOON + DAY_S) == {}


def test_nothing_is_written_while_nothing_was_used(tmp_path: Path) -> None:
    UsageFile(tmp_path).write({"key_1": DayUse(0, 0)}, NOON)

    assert list(tmp_path.iterdir()) == []


def test_what_did_not_change_is_not_written_again(tmp_path: Path) -> None:
    file = UsageFile(tmp_path)
    file.write(USAGE, NOON)
    before = file.path.stat().st_ino

    file.write(USAGE, NOON + 10)
    same = file.path.stat().st_ino
    file.write(USAGE | {"key_3": DayUse(1, 1)}, NOON + 20)

    assert same == before
    assert len(file.read(NOON)) == 3


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b'{"day": 20000}',
        b'{"day": 20000, "keys": {"a": 5}}',
        b'{"day":20000,"keys":[]}',
        b"\xff",
    ],
)
def test_a_file_that_cannot_be_read_counts_as_nothing_and_is_said(
    tmp_path: Path, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file = UsageFile(tmp_path)
    file.path.write_bytes(data)

    with caplog.at_level(logging.WARNING):
        assert file.read(NOON) == {}

    assert "cannot read what keys have used today" in caplog.text


def test_a_disk_that_takes_nothing_is_said_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("a file, where a folder should be")

    UsageFile(tmp_path / "state" / "proxy").write(USAGE, NOON)

    assert "cannot write what keys have used today" in caplog.text
