"""Sides taken in turns, and what can be said of their differences."""

import math
import random
from collections import Counter
from collections.abc import Callable

import pytest
from bench.image_server.pairs import WARM_ROUNDS, Cpu, Pair, in_turn, interval, joined


def test_what_is_added_is_the_median_of_the_differences_of_neighbours() -> None:
    pair = Pair("x", bare_s=(1.0, 2.0, 9.0), served_s=(1.1, 2.3, 9.2))

    assert pair.added_s == pytest.approx(0.2)
    assert pair.usual_s == 2.0


def test_noise_is_what_a_second_bare_side_seems_to_add() -> None:
    assert Pair("x", (1.0, 2.0, 9.0), (0, 0, 0), (1.5, 2.1, 9.2)).noise_s == pytest.approx(0.2)
    assert Pair("x", (1.0,), (0.0,)).noise_s is None


def test_every_order_comes_up_equally_often_and_the_first_rounds_only_warm_up() -> None:
    heard: list[str] = []

    def side(name: str) -> Callable[[int], float]:
        def call(number: int) -> float:
            heard.append(name)
            return number

        return call

    rounds = in_turn(6, (side("a"), side("b"), side("c")), lambda: heard.append("|"))

    assert rounds == [(number,) * 3 for number in range(WARM_ROUNDS, WARM_ROUNDS + 6)]
    orders = "".join(heard).split("|")[1 + WARM_ROUNDS :]
    assert Counter(orders) == dict.fromkeys(["abc", "acb", "bac", "bca", "cab", "cba"], 1)


def test_all_rounds_of_all_starts_count() -> None:
    one = Pair("x", (1.0,), (2.0,), (3.0,), (Cpu(1.0, 1.5),))
    other = Pair("x", (4.0,), (5.0,), (6.0,), (Cpu(1.0, 1.75),))

    both = joined("both", [one, other])

    assert (both.bare_s, both.served_s, both.twin_s) == ((1.0, 4.0), (2.0, 5.0), (3.0, 6.0))
    assert both.added_cpu_s == pytest.approx(0.625)


@pytest.mark.parametrize(
    ("count", "ranks"), [(1, (1, 1)), (3, (1, 3)), (5, (1, 5)), (6, (1, 6)), (15, (4, 12)), (100, (40, 61))]
)
def test_the_interval_is_that_of_the_tables_of_the_sign_test(count: int, ranks: tuple[int, int]) -> None:
    assert interval(range(1, count + 1)) == ranks


def test_the_interval_holds_the_median_as_often_as_it_says() -> None:
    dice = random.Random(1)
    held = 0
    for _ in range(2000):
        low, high = interval([dice.expovariate(1) for _ in range(40)])
        held += low <= math.log(2) <= high

    assert 0.95 <= held / 2000 <= 0.99
