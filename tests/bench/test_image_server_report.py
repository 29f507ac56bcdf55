"""The image server's figures in words, and that the page has what the bench prints."""

from pathlib import Path

import pytest
from bench.image_server import report
from bench.image_server.calm import Calm
from bench.image_server.measures import LettingGo, Naps
from bench.image_server.pairs import Cpu, Pair

PAGE = Path(__file__).parents[2] / "docs/image-server-performance.md"


@pytest.mark.parametrize(("added_s", "kept"), [(0.0049, True), (0.0051, False)])
def test_five_milliseconds_may_be_added_to_a_short_call(added_s: float, kept: bool) -> None:
    text = report.pairs([Pair("a picture", (0.1,), (0.1 + added_s,))])

    assert ("**not kept**" not in text) is kept


@pytest.mark.parametrize(("added_s", "kept"), [(0.019, True), (0.021, False)])
def test_two_hundredths_may_be_added_to_a_long_one(added_s: float, kept: bool) -> None:
    text = report.pairs([Pair("a picture", (1.0,), (1.0 + added_s,))])

    assert ("**not kept**" not in text) is kept


def test_a_row_says_where_the_median_lies_what_the_processor_did_and_what_noise_is() -> None:
    pair = Pair("a picture", (0.1,) * 3, (0.102, 0.103, 0.104), (0.101,) * 3, (Cpu(0.09, 0.0925),))

    line = report.pairs([pair]).splitlines()[-1]

    assert line == "| a picture | 100.0 | 3.0 | 2.0 to 4.0 | 5.0 | kept | 3 | 2.5 | 1.0 |"


def test_says_how_many_rounds_were_disturbed() -> None:
    assert report.calm(Calm(rounds=70, disturbed=3)).startswith("3 of 70 rounds began although other programs")


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
