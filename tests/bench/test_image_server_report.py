"""The image server's figures in words, and that the page has what the bench prints."""

from pathlib import Path

import pytest
from bench.image_server import report
from bench.image_server.measures import LettingGo, Naps, Pair, in_turn

PAGE = Path(__file__).parents[2] / "docs/image-server-performance.md"


def test_what_is_added_is_the_median_of_the_differences_of_neighbours() -> None:
    pair = Pair("x", bare_s=(1.0, 2.0, 9.0), served_s=(1.1, 2.3, 9.2))

    assert pair.added_s == pytest.approx(0.2)
    assert pair.usual_s == 2.0


def test_each_side_goes_first_in_every_other_round_and_the_first_round_only_warms_up() -> None:
    order: list[str] = []

    def side(name: str, seconds: float) -> float:
        order.append(name)
        return seconds

    pair = in_turn("x", 3, lambda n: side(f"bare {n}", n), lambda n: side(f"ours {n}", 10.0 + n))

    assert order == ["bare 0", "ours 0", "ours 1", "bare 1", "bare 2", "ours 2", "ours 3", "bare 3"]
    assert (pair.bare_s, pair.served_s) == ((1, 2, 3), (11.0, 12.0, 13.0))


@pytest.mark.parametrize(("added_s", "kept"), [(0.0049, True), (0.0051, False)])
def test_five_milliseconds_may_be_added_to_a_short_call(added_s: float, kept: bool) -> None:
    text = report.pairs([Pair("a picture", (0.1,), (0.1 + added_s,))])

    assert ("**not kept**" not in text) is kept


@pytest.mark.parametrize(("added_s", "kept"), [(0.019, True), (0.021, False)])
def test_two_hundredths_may_be_added_to_a_long_one(added_s: float, kept: bool) -> None:
    text = report.pairs([Pair("a picture", (1.0,), (1.0 + added_s,))])

    assert ("**not kept**" not in text) is kept


def test_says_what_part_of_a_step_a_cancelled_job_goes_on() -> None:
    assert "0.50 of a step of 20.0 ms" in report.letting_go(LettingGo(0.02, (0.01, 0.01, 0.03)))


def test_says_how_fast_weights_move() -> None:
    told = report.naps(Naps(2_000_000_000, sleep_s=(0.5,), wake_s=(1.0,)))

    assert "asleep in 500.0 ms, 4.00 GB/s; they wake in 1,000.0 ms, 2.00 GB/s" in told


def test_says_when_the_late_client_is_done() -> None:
    assert "after another's 4 is done when 3 of those are" in report.turns(
        ["one", "two", "one", "one", "two", "one"]
    )


def test_the_page_has_a_place_for_what_is_measured() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert text.index("<!-- measured -->") < text.index("<!-- end -->")
