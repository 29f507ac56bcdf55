"""Lines: who goes, who waits, who is refused, and what several processes make of one limit."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.errors import Unavailable
from switchyard_proxy.grants.lines import Front, Lines, Turn

MODEL = "chat"
LONG = 1000


@dataclass
class Street:
    """A model's line, and everybody who ever stood in it."""

    lines: Lines = field(default_factory=Lines)
    limit: int = 1
    longest: int = LONG
    now: float = 0.0
    went: list[Turn] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)

    def come(self, key: str = "me", priority: int = 0) -> Turn:
        turn = Turn(MODEL, key, priority, lambda: self.went.append(turn))
        self.lines.enter(turn, self.limit, self.longest, self.now)
        if turn.runs and turn not in self.went:
            self.went.append(turn)
        self.turns.append(turn)
        return turn

    def leave(self, turn: Turn) -> None:
        self.lines.leave(turn, self.now)

    @property
    def running(self) -> list[Turn]:
        return [turn for turn in self.turns if turn.runs]

    @property
    def waiting(self) -> list[Turn]:
        return [turn for turn in self.turns if turn not in self.went and turn not in self.gone]

    gone: list[Turn] = field(default_factory=list)

    def end_all(self) -> list[str]:
        """Until nobody is left: by whose keys they went."""
        before = len(self.went)
        while self.running:
            self.leave(self.running[0])
        return [turn.key for turn in self.went[before:]]


def test_whoever_finds_room_goes_at_once() -> None:
    street = Street(limit=2)

    assert [street.come().runs, street.come().runs, street.come().runs] == [True, True, False]


def test_one_who_leaves_makes_room_for_who_came_first() -> None:
    street = Street()
    running, first, second = street.come(), street.come(), street.come()

    street.leave(running)

    assert first.runs
    assert not second.runs


def test_a_second_leave_makes_no_room() -> None:
    street = Street()
    running, _, second = street.come(), street.come(), street.come()

    street.leave(running)
    street.leave(running)

    assert not second.runs


def test_who_leaves_while_waiting_is_never_let_go() -> None:
    street = Street()
    running, gives_up, patient = street.come(), street.come(), street.come()

    street.leave(gives_up)
    street.leave(running)

    assert patient.runs
    assert gives_up not in street.went
    assert street.lines.waiting == 0


def test_a_higher_priority_goes_first() -> None:
    street = Street()
    street.come()
    for priority in (0, 5, 1):
        street.come(f"p{priority}", priority)

    assert street.end_all() == ["p5", "p1", "p0"]


def test_one_busy_key_does_not_keep_another_out() -> None:
    street = Street()
    for _ in range(5):
        street.come("busy")
    street.come("other")

    assert street.end_all().index("other") <= 1


def test_a_key_that_was_away_has_gained_nothing_by_it() -> None:
    street = Street(limit=2)
    street.come("holder")
    for _ in range(50):
        street.leave(street.come("old"))
    running = street.come("old")
    for _ in range(10):
        street.come("new")
    for _ in range(10):
        street.come("old")

    for _ in range(10):
        street.leave(running)
        running = street.went[-1]

    assert Counter(turn.key for turn in street.went[-10:])["old"] in (4, 5)


def test_turns_of_one_priority_do_not_count_against_a_key_in_another() -> None:
    street = Street()
    held = street.come("holder")
    for _ in range(4):
        street.come("both", 5)
    street.leave(held)
    for key in ("other", "other", "both", "both"):
        street.come(key, 0)

    assert street.end_all()[-4:] == ["other", "both", "other", "both"]


def test_those_who_gave_up_do_not_count_against_their_key() -> None:
    street = Street()
    street.come("holder")
    for turn in [street.come("mine") for _ in range(20)]:
        street.leave(turn)
    street.come("other")
    street.come("other")
    street.come("mine")

    assert street.end_all().index("mine") <= 1


def test_a_full_line_refuses_with_its_numbers() -> None:
    street = Street(longest=2)
    for _ in range(3):
        street.come()

    with pytest.raises(Unavailable) as refused:
        street.come()

    assert refused.value.code is ErrorCode.OVERLOADED
    assert "2 wait already (at most 2) and 1 run" in str(refused.value)
    assert 5 <= refused.value.retry_after_s <= 30


def test_the_wait_that_is_told_follows_what_requests_take() -> None:
    street = Street(longest=1)
    for _ in range(40):
        turn = street.come()
        street.now += 4.0
        street.leave(turn)
    street.come()
    street.come()

    with pytest.raises(Unavailable) as refused:
        street.come()

    assert refused.value.retry_after_s == 9  # two before it, at 4 s and a little, rounded up


def test_a_line_of_no_length_serves_and_refuses() -> None:
    street = Street(longest=0)
    running = street.come()
    with pytest.raises(Unavailable):
        street.come()

    street.leave(running)

    assert street.come().runs


def test_a_limit_that_was_raised_lets_the_waiting_go_before_who_comes() -> None:
    street = Street()
    street.come()
    first = street.come()

    street.limit = 2
    last = street.come()

    assert first.runs
    assert not last.runs


def test_a_limit_that_was_lowered_holds_as_soon_as_enough_have_left() -> None:
    street = Street(limit=3)
    running = [street.come() for _ in range(3)]

    street.limit = 1
    waits = street.come()
    street.leave(running[0])
    street.leave(running[1])
    before = waits.runs
    street.leave(running[2])

    assert not before
    assert waits.runs


def test_an_empty_line_remembers_nobody() -> None:
    street = Street()
    for number in range(100):
        street.leave(street.come(f"key {number}"))

    assert not street.lines._lines[MODEL].ranks


MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("come"), st.sampled_from("abc"), st.integers(0, 2)),
        st.tuples(st.just("leave"), st.integers(0, 30), st.just(0)),
        st.tuples(st.just("limit"), st.integers(1, 4), st.just(0)),
    ),
    max_size=80,
)


@given(MOVES)
def test_whatever_happens_no_more_run_than_may_and_nobody_waits_beside_a_free_place(
    moves: Iterable[tuple[str, str | int, int]],
) -> None:
    street = Street(limit=2, longest=5)
    for what, value, priority in moves:
        before = len(street.running)
        match what, value:
            case "come", str(key):
                try:
                    street.come(key, priority)
                except Unavailable:
                    assert len(street.waiting) == 5
            case "leave", int(at) if street.turns:
                turn = street.turns[at % len(street.turns)]
                if not turn.runs and turn not in street.went:
                    street.gone.append(turn)
                street.leave(turn)
            case "limit", int(limit):
                street.limit = limit

        assert len(street.running) <= max(before, street.limit)
        assert len(street.waiting) == street.lines.waiting <= 5
        if street.waiting:
            assert len(street.running) >= street.lines._lines[MODEL].limit

    while street.running:
        street.leave(street.running[0])
    assert not street.waiting
    assert street.lines.waiting == 0


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=60), st.integers(1, 4))
def test_of_keys_that_all_wait_none_is_ever_two_turns_ahead(keys: list[str], limit: int) -> None:
    street = Street(limit=limit)
    held = [street.come("holder") for _ in range(limit)]
    for key in keys:
        street.come(key)
    for turn in held:
        street.leave(turn)

    while True:
        done = Counter(turn.key for turn in street.went[limit:])
        still = {turn.key for turn in street.waiting}
        assert max(done.values(), default=0) - min((done[key] for key in still), default=LONG) <= 1
        if not street.running:
            break
        street.leave(street.running[0])
    assert done == Counter(keys)


@dataclass
class Shared:
    """Places that several processes take, in the simplest way that keeps the promise."""

    taken: int = 0
    fronts: dict[int, Front] = field(default_factory=dict)

    def of(self, process: int) -> "Share":
        return Share(self, process)


@dataclass
class Share:
    """What one process sees of it."""

    all: Shared
    process: int

    def take(self, model: str, limit: int, front: Front, now: float) -> bool:
        ahead = sum(
            (-other.priority, other.since) < (-front.priority, front.since)
            for process, other in self.all.fronts.items()
            if process != self.process
        )
        if limit - self.all.taken <= ahead:
            self.all.fronts[self.process] = front
            return False
        self.all.fronts.pop(self.process, None)
        self.all.taken += 1
        return True

    def give_back(self, model: str) -> None:
        self.all.taken -= 1

    def withdraw(self, model: str) -> None:
        self.all.fronts.pop(self.process, None)


def two_processes(limit: int = 1) -> tuple[Street, Street, Shared]:
    shared = Shared()
    one, other = (Street(Lines(shared.of(process)), limit) for process in (1, 2))
    return one, other, shared


def ask_again(*streets: Street) -> None:
    for street in streets:
        street.lines.advance(MODEL, street.now)


def test_two_processes_share_one_limit() -> None:
    one, other, _ = two_processes(limit=2)

    running = [one.come().runs, other.come().runs, one.come().runs, other.come().runs]

    assert running == [True, True, False, False]


def test_a_place_that_another_process_gave_back_is_found_by_asking_again() -> None:
    one, other, _ = two_processes()
    running, waits = one.come(), other.come()

    one.leave(running)
    before = waits.runs
    ask_again(one, other)

    assert not before
    assert waits.runs


def test_a_process_with_a_long_line_does_not_starve_another() -> None:
    one, other, _ = two_processes()
    for _ in range(10):
        one.come("hog")
    one.now = other.now = 1.0
    waits = other.come("polite")

    one.now = other.now = 2.0
    for _ in range(2):
        for turn in one.running:
            one.leave(turn)
        one.now = other.now = one.now + 1
        ask_again(one, other)

    assert waits.runs


def test_a_higher_priority_elsewhere_goes_first() -> None:
    one, other, _ = two_processes()
    running = one.come()
    low = one.come(priority=0)
    one.now = other.now = 1.0
    high = other.come(priority=3)

    one.leave(running)
    ask_again(one, other)

    assert high.runs
    assert not low.runs


def test_who_gives_up_holds_up_no_other_process() -> None:
    one, other, shared = two_processes()
    running, gives_up = one.come(), one.come()
    other.now = 1.0
    waits = other.come()

    one.leave(gives_up)
    one.leave(running)
    ask_again(other)

    assert waits.runs
    assert not shared.fronts


def test_who_is_refused_at_once_holds_up_no_other_process() -> None:
    one, other, shared = two_processes()
    one.longest = 0
    running = other.come()
    with pytest.raises(Unavailable):
        one.come()

    other.leave(running)

    assert not shared.fronts
    assert other.come().runs


@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from(("come", "leave", "ask"))), max_size=80))
def test_processes_together_never_run_more_than_the_limit(moves: list[tuple[int, str]]) -> None:
    *streets, shared = two_processes(limit=2)
    for now, (which, what) in enumerate(moves):
        street = streets[which]  # type: ignore[index]
        for each in streets:
            each.now = float(now)  # type: ignore[union-attr]
        assert isinstance(street, Street)
        if what == "come":
            street.come()
        elif what == "leave" and street.running:
            street.leave(street.running[0])
        else:
            ask_again(street)

        running = sum(len(each.running) for each in streets if isinstance(each, Street))
        assert running == shared.taken <= 2  # type: ignore[union-attr]

    for _ in range(2 * len(moves) + 2):
        for each in streets:
            assert isinstance(each, Street)
            if each.running:
                each.leave(each.running[0])
            ask_again(each)
    assert shared.taken == 0  # type: ignore[union-attr]


def test_k32_clients_refused_together_are_told_different_times() -> None:
    lines = Lines()

    told = [lines.full("m", 2, 2, 1, expected_s=8.0).retry_after_s for _ in range(12)]

    assert len(set(told)) == 6
    assert all(8 <= seconds <= 30 for seconds in told)
