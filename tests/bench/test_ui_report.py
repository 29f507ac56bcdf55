"""The page's bench: its figures as a table, and the files that it gives away."""

import pytest
from bench.ui.pages import file_of
from bench.ui.report import Seen, faults, percentile, table


def test_percentiles_are_values_that_were_seen() -> None:
    values = [float(value) for value in range(100, 0, -1)]

    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile([7.0], 0.99) == 7
    assert percentile([], 0.5) == 0


def test_a_line_has_frames_and_long_tasks() -> None:
    shown = table([Seen("typed into", (1.0, 2.0, 30.04), (61.0, 70.4)), Seen("calm", (1.0,), ())])

    assert "| typed into | 3 | 2.0 | 30.0 | 30.0 | 2 | 70 |" in shown
    assert "| calm | 1 | 1.0 | 1.0 | 1.0 | 0 |  |" in shown


def test_a_task_longer_than_allowed_is_a_fault() -> None:
    assert faults(Seen("a", (), (200.0,))) == []
    assert faults(Seen("a", (), (10.0, 200.4))) == ["a: a task of 200 ms, and 200 are allowed"]
    assert faults(Seen("a", (), (60.0,), longest_allowed_ms=50)) != []


@pytest.mark.parametrize(
    "path", ["/ui/../__init__.py", "/bench/../proxy/load.py", "/other/app.js", "/ui/", "/ui/none.js"]
)
def test_it_gives_away_only_files_of_the_page_and_its_own(path: str) -> None:
    assert file_of(path) is None


def test_it_has_the_page() -> None:
    assert file_of("/ui/text/live.js") is not None
    assert file_of("/bench/scenes.js") is not None
