"""The switch bench's figures as tables, and that its page has them."""

from pathlib import Path

from bench.switch import report
from bench.switch.split import Mode, Part, Row, Switch

PAGE = Path(__file__).parents[2] / "docs/switching.md"
WAKE = Row("a → b", Mode.SLEEP, (Switch({Part.TURN: 0.003, Part.RISE: 0.5}, {Part.RISE: 0.49}),))
SLOW = Row("c", Mode.COLD, (Switch({Part.TURN: 0.4, Part.READY: 1.0}, {Part.READY: 1.0}),))


def test_each_mode_has_its_table_and_each_part_says_what_of_it_is_ours() -> None:
    shown = report.tables([WAKE, SLOW])

    assert shown.index("Sleep and wake") < shown.index("a → b") < shown.index("**Cold**") < shown.index("| c,")
    assert "Stop and start" not in shown
    assert "| a → b, 1 times | 503 | 3 (3) |" in shown
    assert "| 500 (10) |" in shown


def test_it_says_whether_the_promise_is_kept() -> None:
    assert "| 490 | 13 | 150 | kept |" in report.tables([WAKE])
    assert "| 400 | 300 | **not kept** |" in report.tables([SLOW])


def test_the_page_has_figures_and_explains_every_part() -> None:
    text = PAGE.read_text()
    measured, _, rest = text.partition("<!-- measured -->")[2].partition("<!-- end -->")

    assert "| ours |" in measured
    assert "cores" in measured, "on what machine it was measured"
    assert all(f"**{part}**" in text for part in Part)
    assert "python -m bench.switch" in rest or "python -m bench.switch" in text
