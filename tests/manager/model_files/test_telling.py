"""How far it is, in lines: who is busy says so now and then, who hangs does not."""

import pytest

from switchyard_manager.model_files import telling
from switchyard_manager.model_files.job import Line, Told
from switchyard_manager.model_files.telling import ALIVE_EVERY, Teller


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[Line]:
    said: list[Line] = []
    monkeypatch.setattr(telling, "say", said.append)
    return said


def test_what_has_not_changed_is_not_said_again(lines: list[Line]) -> None:
    teller = Teller()
    teller.expect(1, 10)

    for _ in range(5 * ALIVE_EVERY):
        teller.say()

    assert lines == [Told(1, 10)]


def test_who_checks_a_large_file_is_heard_of_though_no_byte_comes(lines: list[Line]) -> None:
    teller = Teller()
    teller.expect(10, 10)

    for _ in range(5 * ALIVE_EVERY):
        teller.more(0)
        teller.say()

    assert 4 <= len(lines) <= 5
    assert set(lines) == {Told(10, 10)}


def test_who_waits_for_somebody_says_so_and_says_it_again(lines: list[Line]) -> None:
    teller = Teller()
    teller.waits(0, "waits: another download is under way")

    for _ in range(2 * ALIVE_EVERY + 2):
        teller.say()

    assert len(lines) == 2
    assert lines[0] == Told(text="waits: another download is under way")
    teller.more(5)
    teller.say()
    assert lines[-1] == Told(5, 0)


def test_who_was_busy_once_and_hangs_now_is_not_heard_of_for_ever(lines: list[Line]) -> None:
    teller = Teller()
    teller.say()
    teller.more(0)

    for _ in range(5 * ALIVE_EVERY):
        teller.say()

    assert len(lines) == 2
