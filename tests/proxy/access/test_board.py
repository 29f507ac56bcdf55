"""The board of counters: its file, its slots, its locks."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from switchyard_proxy.access import board as board_module
from switchyard_proxy.access.board import CELL, HEADER, Board
from switchyard_proxy.access.tally import IN_FLIGHT
from switchyard_proxy.errors import ProxyError


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    made = Board.create(tmp_path / "proxy", workers=3)
    yield made
    made.remove()


def test_only_its_owner_may_open_it(board: Board) -> None:
    assert board.path.stat().st_mode & 0o777 == 0o600


def test_a_name_has_the_same_slot_for_everybody(board: Board) -> None:
    theirs = Board.open(board.path)

    theirs.slot("a").cells[0] = 7
    board.slot("b").cells[0] = 8

    assert (board.slot("a").cells[0], theirs.slot("b").cells[0]) == (7, 8)
    theirs.close()


def test_slots_never_overlap(board: Board) -> None:
    slots = [board.slot(str(number)) for number in range(20)]

    for number, slot in enumerate(slots):
        for at in range(len(slot.cells)):
            slot.cells[at] = number

    assert [set(slot.cells) for slot in slots] == [{number} for number in range(20)]


def test_a_slot_is_claimed_while_the_table_is_held(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int, int]] = []

    def claimed() -> int:
        return sum(board._tag(at) != (0, 0) for at in board._bases())

    def recorded(_: int, operation: int, length: int, start: int) -> None:
        seen.append((operation, start + length, claimed()))

    with monkeypatch.context() as patched:
        patched.setattr("fcntl.lockf", recorded)
        board.slot("a")

    header = HEADER * CELL
    assert seen == [(fcntl.LOCK_EX, header, 0), (fcntl.LOCK_UN, header, 1)]


def test_what_a_worker_had_in_flight_is_forgotten_and_no_more_than_that(board: Board) -> None:
    for name in ("a", "b"):
        for at in range(IN_FLIGHT + 3):
            board.slot(name).cells[at] = 5

    board.forget(worker=1)

    for name in ("a", "b"):
        assert list(board.slot(name).cells) == [5] * IN_FLIGHT + [5, 0, 5]


def test_a_full_board_is_an_error_that_says_so(tmp_path: Path) -> None:
    small = Board.create(tmp_path / "small" / "proxy", workers=1, slots=2)
    small.slot("a")
    small.slot("b")

    with pytest.raises(ProxyError, match="cannot count for `c`"):
        small.slot("c")

    assert small.slot("a") is not small.slot("b")
    small.forget(worker=0)
    small.remove()


def test_what_an_earlier_run_left_is_replaced(tmp_path: Path) -> None:
    left = Board.create(tmp_path / "proxy", workers=1)
    left.slot("a").cells[IN_FLIGHT] = 9
    left.close()

    fresh = Board.create(tmp_path / "proxy", workers=4)

    assert fresh.workers == 4
    assert fresh.slot("a").cells[IN_FLIGHT] == 0
    fresh.remove()
    assert not left.path.exists()


def test_a_link_that_somebody_planted_is_never_followed(board: Board, tmp_path: Path) -> None:
    planted = tmp_path / "planted"
    planted.symlink_to(board.path)

    with pytest.raises(OSError, match="symbolic links"):
        Board.open(planted)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(os.urandom(4096))

    with pytest.raises(ValueError, match="no board"):
        Board.open(tmp_path / "other")


def test_without_a_place_in_memory_it_lies_in_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_module, "MEMORY", tmp_path / "nowhere")

    made = Board.create(tmp_path / "state" / "proxy", workers=1)

    assert made.path.parent == tmp_path / "state" / "proxy"
    made.remove()
