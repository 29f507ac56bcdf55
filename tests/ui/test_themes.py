"""The colours of each theme, from the file itself: what is read or pressed stands out enough (WCAG 2.2)."""

import re
from pathlib import Path

import pytest

TEXT, SHAPE = 4.5, 3.0  # WCAG 1.4.3 and 1.4.11
UI = Path(__file__).parents[2] / "proxy/src/switchyard_proxy/ui"
CSS = UI / "css"
FILES = sorted(CSS.glob("*.css"))
GROUNDS = ("bg", "surface", "raised")
WRITING = ("fg", "dim", "accent", "ok", "warn", "err", "info", "type")
SHAPES = ("border", "focus")
ON = (("selection-fg", "selection-bg"), ("on-accent", "accent"), ("bg", "fg"), ("bg", "err"))
ROLES = {*GROUNDS, *WRITING, *SHAPES, "line", "shade", "scan", "selection-fg", "selection-bg", "on-accent"}


def themes() -> dict[str, dict[str, str]]:
    text = (CSS / "themes.css").read_text()
    rules = re.findall(r'\[data-theme="(\w+)"\]\s*{([^}]*)}', text)
    return {name: dict(re.findall(r"--([\w-]+):\s*([^;]+);", body)) for name, body in rules}


THEMES = themes()


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ratio(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_is_the_standard_s() -> None:
    assert ratio("#000000", "#ffffff") == pytest.approx(21)
    assert ratio("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def test_every_theme_is_there_with_every_colour() -> None:
    assert set(THEMES) == {"phosphor", "amber", "paper", "auto"}
    assert not [name for name, colours in THEMES.items() if set(colours) != ROLES]


def test_the_light_one_of_the_system_is_paper() -> None:
    assert THEMES["auto"] == THEMES["paper"]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("role", WRITING)
def test_text_can_be_read_on_every_ground(theme: str, role: str) -> None:
    colours = THEMES[theme]

    assert min(ratio(colours[role], colours[ground]) for ground in GROUNDS) >= TEXT


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("role", SHAPES)
def test_what_is_pressed_or_focused_can_be_seen_on_every_ground(theme: str, role: str) -> None:
    colours = THEMES[theme]

    assert min(ratio(colours[role], colours[ground]) for ground in GROUNDS) >= SHAPE


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("writing", "ground"), ON)
def test_text_can_be_read_on_a_filled_ground(theme: str, writing: str, ground: str) -> None:
    assert ratio(THEMES[theme][writing], THEMES[theme][ground]) >= TEXT


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_colours_stand_in_one_file(path: Path) -> None:
    """`rgb(0 0 0 / …%)` is a shadow over what is there, not a colour."""
    literal = re.findall(r"#[0-9a-fA-F]{3,8}\b|\b(?:hsl|oklch|rgba?)\((?!0 0 0 /)[^)]*\)", path.read_text())

    assert path.name == "themes.css" or literal == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_name_that_is_used_is_known(path: Path) -> None:
    """A component may give a value by its style, too."""
    known = {name for file in FILES for name in re.findall(r"(--[\w-]+)\s*:", file.read_text())}
    given = {name for file in UI.rglob("*.js") for name in re.findall(r'"(--[\w-]+)"', file.read_text())}

    assert set(re.findall(r"var\((--[\w-]+)\s*\)", path.read_text())) <= known | given
