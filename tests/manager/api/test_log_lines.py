"""A log as it is written, replaced and cut: every line once, in its order."""

from collections.abc import Callable
from pathlib import Path

import pytest

from switchyard_manager.api import log_lines
from switchyard_manager.api.log_lines import Followed, Line, NewRun, last_lines
from switchyard_manager.runtimes.log_files import LogFiles


@pytest.fixture
def logs(tmp_path: Path) -> LogFiles:
    return LogFiles(tmp_path)


@pytest.fixture
def say(logs: LogFiles) -> Callable[[str], None]:
    def add(text: str) -> None:
        with logs.current("m").open("ab") as opened:
            opened.write(text.encode())

    return add


def follow(logs: LogFiles, lines: int = 10) -> Followed:
    return Followed(logs.current("m"), logs.previous("m"), lines)


def texts(log: Followed) -> list[str]:
    return [piece.text if isinstance(piece, Line) else "---" for piece in log.more()]


def test_the_last_lines_are_the_last_ones(logs: LogFiles, say: Callable[[str], None]) -> None:
    logs.fresh("m").close()
    say("a\nb\r\n\nc\rd")

    assert last_lines(logs.current("m"), 10) == ["a", "b", "", "c", "d"]
    assert last_lines(logs.current("m"), 2) == ["c", "d"]
    assert last_lines(logs.current("m"), 0) == []
    assert last_lines(logs.previous("m"), 10) == []


def test_a_long_log_is_read_from_its_end(logs: LogFiles, say: Callable[[str], None]) -> None:
    logs.fresh("m").close()
    say("x" * (log_lines.MOST_BYTES * 2) + "\nlast\n")

    assert last_lines(logs.current("m"), 1) == ["last"]


def test_what_is_added_is_told_once_and_half_a_line_is_waited_for(
    logs: LogFiles, say: Callable[[str], None]
) -> None:
    logs.fresh("m").close()
    say("old\nno")
    log = follow(logs)

    first = texts(log)
    say("w\nné")
    second = texts(log)
    nothing = texts(log)
    say("w\n")

    assert (first, second, nothing, texts(log)) == (["old"], ["now"], [], ["néw"])


def test_a_line_end_that_comes_in_two_halves_is_one(logs: LogFiles, say: Callable[[str], None]) -> None:
    logs.fresh("m").close()
    log = follow(logs)
    log.more()

    say("a\r")
    first = texts(log)
    say("\nb\r")
    second = texts(log)
    say("c\n")

    assert (first, second, texts(log)) == ([], ["a"], ["b", "c"])


def test_a_new_run_is_said_and_the_former_is_read_to_its_end(
    logs: LogFiles, say: Callable[[str], None]
) -> None:
    logs.fresh("m").close()
    say("one\n")
    log = follow(logs)
    log.more()

    say("two\nlast words")
    logs.fresh("m").close()
    say("fresh\n")

    assert texts(log) == ["two", "last words", "---"]
    assert texts(log) == ["fresh"]


def test_a_log_that_is_copied_again_is_a_new_one(logs: LogFiles, say: Callable[[str], None]) -> None:
    logs.fresh("m").close()
    say("one\ntwo\n")
    log = follow(logs)
    log.more()

    logs.again("m").close()
    say("one\n")

    assert log.more() == [NewRun()]
    assert texts(log) == ["one"]


def test_the_first_run_of_all_may_come_later(logs: LogFiles, say: Callable[[str], None]) -> None:
    log = follow(logs)
    before = texts(log)

    logs.fresh("m").close()
    say("hello\n")

    assert (before, texts(log), texts(log)) == ([], ["---"], ["hello"])


def test_a_line_without_an_end_is_not_kept_for_ever(
    logs: LogFiles, say: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_lines, "LONGEST_LINE", 10)
    logs.fresh("m").close()
    log = follow(logs)
    log.more()

    say("x" * 11)

    assert texts(log) == ["x" * 11]


def test_no_old_line_is_told_to_whoever_wants_none(logs: LogFiles, say: Callable[[str], None]) -> None:
    logs.fresh("m").close()
    say("old\n")
    log = follow(logs, lines=0)

    first = texts(log)
    say("new\n")

    assert (first, texts(log)) == ([], ["new"])
