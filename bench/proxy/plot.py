"""The figures as a picture: a panel for each, a bar for each target, on a scale of tens. Pure: SVG out."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from bench.proxy.report import significant

WIDTH, MARGIN, LABEL, BAR, GAP, TITLE = 760, 16, 76, 18, 6, 46
COLOURS = {"nginx": "#7a8793", "LiteLLM": "#c9803c", "ours": "#2f7fd1"}
STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } }
"""


@dataclass(frozen=True, slots=True)
class Panel:
    title: str
    values: Mapping[str, float | None]

    @property
    def height(self) -> int:
        return TITLE + len(self.values) * (BAR + GAP)


def picture(panels: Sequence[Panel]) -> str:
    parts, top = [], 0
    for panel in panels:
        parts += _panel(panel, top)
        top += panel.height
    height = top + MARGIN
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
    title = "<title>Beside nginx and LiteLLM: the shorter, the better</title>"
    return "\n".join((head, title, f"<style>{STYLE}</style>", *parts, "</svg>", ""))


def _panel(panel: Panel, top: int) -> list[str]:
    lines = [f'<text class="title" x="{MARGIN}" y="{top + TITLE - 14}">{escape(panel.title)}</text>']
    least = _least(panel.values.values())
    greatest = max((value for value in panel.values.values() if value), default=1.0)
    for row, (name, value) in enumerate(panel.values.items()):
        y = top + TITLE + row * (BAR + GAP)
        length, colour = _length(value, least, greatest), COLOURS.get(name, "#888888")
        said = "not measured" if value is None else significant(value)
        lines += [
            f'<text x="{MARGIN + LABEL - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{MARGIN + LABEL}" y="{y}" width="{length:.0f}" height="{BAR}" rx="2" fill="{colour}"/>',
            f'<text x="{MARGIN + LABEL + length + 6:.0f}" y="{y + 14}">{said}</text>',
        ]
    return lines


def _least(values: Iterable[float | None]) -> float:
    """The power of ten below the least: there the bars begin."""
    found = [value for value in values if value and value > 0]
    return 10.0 ** (math.ceil(math.log10(min(found))) - 1) if found else 1.0


def _length(value: float | None, least: float, greatest: float) -> float:
    if value is None or value <= least:
        return 0.0
    room = WIDTH - LABEL - 2 * MARGIN - 80
    return room * math.log10(value / least) / math.log10(greatest / least)
