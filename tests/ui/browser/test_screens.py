"""Every scene fits every screen in both languages, and is kept as a picture."""

import pytest
from playwright.sync_api import Page

from tests.ui.browser.conftest import NewTour, keep
from tests.ui.browser.scenes import SCENES, Scene

# Each width in another theme.
SCREENS = ((360, 740, "amber"), (768, 1024, "paper"), (1440, 900, "phosphor"))
# 1280 by 1024 at 400 %.
LARGEST_LETTERS = (320, 256)
TOO_WIDE = """() => {
  const places = [document.documentElement, ...document.querySelectorAll("main, dialog[open]")];
  return places.filter((one) => one.scrollWidth > one.clientWidth + 1)
    .map((one) => `${one.tagName} ${one.className}: ${one.scrollWidth} > ${one.clientWidth}`);
}"""


def too_wide(page: Page) -> list[str]:
    found: list[str] = page.evaluate(TOO_WIDE)
    return found


@pytest.mark.parametrize("lang", ["en", "ru"])
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_nothing_is_wider_than_the_screen(new_tour: NewTour, scene: Scene, lang: str) -> None:
    tour = new_tour(lang)
    page = tour.show(scene, *SCREENS[0])
    wide = {}

    for width, height, theme in SCREENS:
        tour.resize(width, height, theme)
        keep(page, f"{scene.name}-{width}-{theme}-{lang}")
        wide[width] = too_wide(page)
    tour.resize(*LARGEST_LETTERS)
    wide[LARGEST_LETTERS[0]] = too_wide(page)

    assert not any(wide.values()), wide
    tour.visit.judge()
