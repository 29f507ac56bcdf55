"""Every scene fits every screen, and is kept as a picture where somebody wants to look."""

import pytest
from playwright.sync_api import Page

from tests.ui.browser.conftest import NewTour, keep
from tests.ui.browser.scenes import SCENES, Scene

# Each width in another theme, one of them in Russian, which is longer.
SCREENS = (
    (360, 740, "amber", "en"),
    (768, 1024, "paper", "ru"),
    (1440, 900, "phosphor", "en"),
)
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


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: f"{screen[0]}-{screen[2]}-{screen[3]}")
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_nothing_is_wider_than_the_screen(
    new_tour: NewTour, scene: Scene, screen: tuple[int, int, str, str]
) -> None:
    width, height, theme, lang = screen

    tour = new_tour(lang)
    page = tour.show(scene, width, height, theme)

    keep(page, f"{scene.name}-{width}-{theme}-{lang}")
    assert too_wide(page) == []
    tour.visit.judge()


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_letters_four_times_as_large_need_no_scrolling_sideways(new_tour: NewTour, scene: Scene) -> None:
    page = new_tour("en").show(scene, *LARGEST_LETTERS)

    keep(page, f"{scene.name}-400")
    assert too_wide(page) == []
