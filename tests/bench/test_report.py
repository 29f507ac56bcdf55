"""The tables, the picture, and that the page has what the bench prints."""

import re
from pathlib import Path

import pytest
from bench.proxy.measures import MEASURES
from bench.proxy.plot import Panel, picture
from bench.proxy.promises import PROMISES
from bench.proxy.report import LARGE, PACED, REQUESTS, STREAMS, significant, table, tables
from bench.proxy.summary import Rounds

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, ""),
        (0.0412, "0.04"),
        (0.4, "0.40"),
        (4.83, "4.8"),
        (72.4, "72"),
        (13_367.2, "13,367"),
        (-47.3, "-47"),
    ],
)
def test_numbers_have_the_digits_that_count(value: float | None, said: str) -> None:
    assert significant(value) == said


def test_a_bench_without_a_single_figure_still_has_its_tables() -> None:
    found = tables(Rounds([]), {}, ["direct", "nginx", "ours"])

    assert [len(text.splitlines()) for text in found.values()] == [2 + len(PROMISES), 5, 5, 5, 4]


def test_every_row_of_a_table_has_every_column() -> None:
    for text in tables(Rounds([]), {}, ["direct", "nginx", "LiteLLM", "ours"]).values():
        assert len({line.count("|") for line in text.splitlines()}) == 1


def test_a_promise_is_about_what_is_measured() -> None:
    measured = {measure.name for measure in MEASURES}

    assert {promise.measure for promise in PROMISES} <= measured


def test_the_picture_gives_the_dearest_the_longest_bar_and_what_is_missing_none() -> None:
    drawn = picture([Panel("CPU", {"nginx": 15.0, "LiteLLM": 9_000.0, "ours": 70.0, "other": None})])

    widths = [int(width) for width in re.findall(r'<rect [^>]*width="(\d+)"', drawn)]
    assert 0 < widths[0] < widths[2] < widths[1]
    assert widths[3] == 0


def test_the_page_has_the_tables_that_the_bench_prints() -> None:
    page = (DOCS / "performance.md").read_text()

    for head in (REQUESTS, STREAMS, PACED, LARGE):
        assert table(head, ()).splitlines()[0] in page
    for promise in PROMISES:
        assert f"| {promise.what} |" in page
    assert (DOCS / "performance.svg").exists()
