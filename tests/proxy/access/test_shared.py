"""Limits and places that several workers share: real processes, real kills."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchyard_proxy.access.board import Board
from switchyard_proxy.access.callers import Caller, Limits, Role
from switchyard_proxy.access.limits import Meter, Permit, Refusal
from switchyard_proxy.access.shared import shared_meter
from switchyard_proxy.access.tally import DAY_S, IN_FLIGHT, DayUse
from switchyard_proxy.access.turns import SharedTurns
from switchyard_proxy.grants.lines import Front

NOON = 20_000.5 * DAY_S
WORKERS = 4
WORKER = f"""
import sys, time
from pathlib import Path
from switchyard_proxy.access.board import Board
from switchyard_proxy.access.callers import Caller, Limits, Role
from switchyard_proxy.access.limits import Refusal
from switchyard_proxy.access.shared import shared_meter
from switchyard_proxy.access.turns import SharedTurns
from switchyard_proxy.grants.lines import Front
NOON = {NOON}
board, worker = Board.open(Path(sys.argv[1])), int(sys.argv[2])
meter, turns = shared_meter(board, worker), SharedTurns(board, worker)
def takes(model, limit):
    return turns.take(model, limit, Front(0, 1.0), 1.0)
def caller(**limits):
    return Caller("laptop", Role.USE, limits=Limits(**limits), id="key_1")
def admits(times, **limits):
    return sum(not isinstance(meter.admit(caller(**limits), NOON), Refusal) for _ in range(times))
print("ready", flush=True)
sys.stdin.readline()
"""
ADMITS = WORKER + "print(admits(400, {limits}))"
ENDS = WORKER + "[meter.admit(caller(concurrent=1000), NOON).done(3, NOON) for _ in range(2000)]"
CLAIMS = (
    WORKER
    + """
for number in range(50):
    board.slot(f"{worker}-{number}").cells[0] += 1
print("claimed")
"""
)
TAKES = WORKER + "print(sum(takes('model', 50) for _ in range(400)))"
HOLDS_FOR_EVER = (
    WORKER
    + """
admits(7, concurrent=10), [takes("model", 10) for _ in range(3)]
print("holding", flush=True)
while True:
    permit = meter.admit(caller(concurrent=1000), NOON)
    permit.done(1, NOON)
    takes("other", 5) and turns.give_back("other")
"""
)


@dataclass
class Worker:
    process: subprocess.Popen[str]

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self.end()

    def end(self) -> None:
        self.process.communicate()


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    made = Board.create(tmp_path / "proxy", WORKERS)
    yield made
    made.remove()


def start(board: Board, script: str, worker: int) -> Worker:
    arguments = [sys.executable, "-c", script, str(board.path), str(worker)]
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    started = Worker(process)
    assert started.line() == "ready"
    return started


def all_at_once(board: Board, script: str) -> list[str]:
    workers = [start(board, script, number) for number in range(WORKERS)]
    for worker in workers:
        worker.go()
    said = [worker.line() for worker in workers]
    for worker in workers:
        worker.end()
        assert worker.process.returncode == 0
    return said


def caller(**limits: int) -> Caller:
    return Caller("laptop", Role.USE, limits=Limits(**limits), id="key_1")


@pytest.mark.parametrize("limits", ["requests_per_minute=300", "concurrent=300"])
def test_all_workers_together_never_admit_more_than_the_limit(board: Board, limits: str) -> None:
    admitted = all_at_once(board, ADMITS.format(limits=limits))

    assert sum(map(int, admitted)) == 300


def test_what_all_workers_count_adds_up_to_the_last_token(board: Board) -> None:
    all_at_once(board, ENDS)

    meter = shared_meter(board, 0)
    assert meter.usage(["key_1"], NOON)["key_1"] == DayUse(requests=8000, tokens=24000)
    assert meter.standing(caller(concurrent=1), NOON).in_flight == 0


def test_no_two_names_ever_get_the_same_slot_however_many_workers_claim_at_once(board: Board) -> None:
    all_at_once(board, CLAIMS)

    names = [f"{worker}-{number}" for worker in range(WORKERS) for number in range(50)]
    assert {board.slot(name).cells[0] for name in names} == {1}


def test_all_workers_together_never_take_more_places_than_there_are(board: Board) -> None:
    taken = all_at_once(board, TAKES)

    assert 45 <= sum(map(int, taken)) <= 50  # a place is kept free for a worker that waits for it


@pytest.mark.parametrize("_", range(5))
def test_a_worker_that_is_killed_leaves_no_lock_and_once_forgotten_nothing_in_flight(
    board: Board, _: int
) -> None:
    meter, turns = shared_meter(board, 1), SharedTurns(board, 1)
    mine = meter.admit(caller(concurrent=10), NOON)
    turns.take("model", 10, Front(0, 1.0), 1.0)
    dying = start(board, HOLDS_FOR_EVER, worker=2)
    dying.go()
    assert dying.line() == "holding"

    dying.kill()
    before = meter.standing(caller(concurrent=10), NOON).in_flight
    board.forget(worker=2)

    assert before in {8, 9}
    assert meter.standing(caller(concurrent=10), NOON).in_flight == 1
    assert sum(board.slot("place:model").cells[IN_FLIGHT:]) == 1
    assert sum(board.slot("place:other").cells[IN_FLIGHT:]) == 0
    assert not isinstance(mine, Refusal)
    mine.done(1, NOON)
    assert meter.standing(caller(concurrent=10), NOON).in_flight == 0


def test_a_worker_that_comes_back_finds_what_the_others_have_used(board: Board) -> None:
    first = shared_meter(board, 0).admit(caller(tokens_per_day=100), NOON)
    assert not isinstance(first, Refusal)
    first.done(100, NOON)

    again = Board.open(board.path)

    assert isinstance(shared_meter(again, 1).admit(caller(tokens_per_day=100), NOON), Refusal)
    again.close()


def test_a_place_that_was_not_taken_cannot_be_given_back(board: Board) -> None:
    turns = SharedTurns(board, 0)

    turns.give_back("model")

    assert turns.take("model", 1, Front(0, 1.0), 1.0)
    assert not turns.take("model", 1, Front(0, 1.0), 1.0)


STEPS = st.lists(
    st.tuples(st.integers(0, WORKERS - 1), st.floats(0, 65), st.booleans(), st.integers(0, 50)), max_size=40
)


@given(steps=STEPS, limits=st.builds(Limits, st.integers(1, 5), st.integers(1, 4), st.integers(1, 200)))
def test_several_workers_admit_exactly_what_one_process_would(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[int, float, bool, int]],
    limits: Limits,
) -> None:
    shared = Board.create(tmp_path_factory.getbasetemp() / "equal" / "proxy", WORKERS)
    meters = [shared_meter(shared, worker) for worker in range(WORKERS)]
    alone, who, now = Meter(), Caller("laptop", Role.USE, limits=limits, id="key_1"), NOON
    running: list[tuple[Permit, Permit]] = []

    for worker, wait_s, ends, tokens in steps:
        now += wait_s
        if ends and running:
            for permit in running.pop(0):
                permit.done(tokens, now)
        here, there = alone.admit(who, now), meters[worker].admit(who, now)
        if isinstance(here, Refusal) or isinstance(there, Refusal):
            assert here == there
        else:
            running.append((here, there))
        assert alone.standing(who, now) == meters[worker].standing(who, now)

    shared.remove()
