"""The figures as Markdown. Pure: values in, text out."""

from collections.abc import Sequence

from bench.switch.split import Mode, Part, Row

MS = 1000.0
HEAD = ("", "whole", *Part, "the engines'", "ours", "allowed", "")
MODES = {
    Mode.SLEEP: "**Sleep and wake**: the loaded model falls asleep, the other wakes.",
    Mode.STOP: "**Stop and start**: the loaded model is stopped, the other is started.",
    Mode.COLD: "**Cold**: nothing is loaded, and the model is started.",
}


def tables(rows: Sequence[Row]) -> str:
    """One for each mode. In milliseconds; in brackets, what of a part is ours."""
    return "\n\n".join(
        f"{words}\n\n{table([row for row in rows if row.mode is mode])}"
        for mode, words in MODES.items()
        if any(row.mode is mode for row in rows)
    )


def table(rows: Sequence[Row]) -> str:
    head, line = _line(HEAD), _line(["---"] + ["---:"] * (len(HEAD) - 2) + ["---"])
    return "\n".join((head, line, *map(_row, rows)))


def _row(row: Row) -> str:
    whole = sum(row.took_s(part) or 0.0 for part in Part)
    kept = "kept" if row.is_kept else "**not kept**"
    cells = (
        f"{row.name}, {len(row.switches)} times",
        ms(whole),
        *(_part(row, part) for part in Part),
        ms(whole - row.ours_s),
        ms(row.ours_s),
        ms(row.allowed_s),
        kept,
    )
    return _line(cells)


def _part(row: Row, part: Part) -> str:
    took_s = row.took_s(part)
    return "" if took_s is None else f"{ms(took_s)} ({ms(row.part_ours_s(part))})"


def ms(seconds: float) -> str:
    return f"{max(0.0, seconds) * MS:,.0f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
