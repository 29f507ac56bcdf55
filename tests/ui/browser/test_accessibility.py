"""WCAG 2.2 A and AA, as axe finds it, in every scene, theme and language; focus that is seen; stillness."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.ui.browser.conftest import NewTour
from tests.ui.browser.scenes import SCENES, Scene
from tests.ui.browser.visit import Visit

AXE = (Path(__file__).parents[1] / "vendor/axe-core/axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# What a theme may change: everything else is the same in all three.
COLOURS = ["color-contrast", "link-in-text-block"]
RUN = """([kind, values]) => axe.run(document, {runOnly: {type: kind, values}, resultTypes: ["violations"]})
  .then(({violations}) => violations.flatMap(({id, nodes}) =>
    nodes.map(({target, failureSummary}) => `${id}: ${target.join(" ")}: ${failureSummary}`)))"""
UNSEEN = """() => {
  const element = document.activeElement;
  if (element === document.body) return null;
  const seen = [element, element.closest("label"), element.parentElement].filter(Boolean).some((one) => {
    const style = getComputedStyle(one);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  });
  return seen ? null : element.outerHTML.slice(0, 200);
}"""
TABS = 30


def violations(page: Page, kind: str, values: list[str]) -> list[str]:
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE)
    found: list[str] = page.evaluate(RUN, [kind, values])
    return found


@pytest.mark.parametrize("lang", ["en", "ru"])
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_axe_finds_nothing(new_tour: NewTour, scene: Scene, lang: str) -> None:
    tour = new_tour(lang)
    page = tour.show(scene)
    page.wait_for_timeout(300)  # what fades in has its colours then

    found = violations(page, "tag", RULES)
    for theme in ("amber", "paper"):
        page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
        page.wait_for_timeout(200)
        found += [f"{theme}: {one}" for one in violations(page, "rule", COLOURS)]

    assert found == []
    tour.visit.judge()


def test_axe_finds_what_is_wrong(visit: Visit) -> None:
    page = visit.open("settings")

    page.evaluate("document.getElementById('main').append(document.createElement('input'))")

    assert any("label" in one for one in violations(page, "tag", RULES))


@pytest.mark.parametrize("view", ["chat", "images", "models", "activity", "settings"])
def test_whatever_has_the_focus_is_seen_to_have_it(visit: Visit, view: str) -> None:
    page = visit.open(view)
    page.wait_for_timeout(500)
    unseen: list[Any] = []

    for _ in range(TABS):
        page.keyboard.press("Tab")
        unseen.append(page.evaluate(UNSEEN))

    assert [one for one in unseen if one] == []


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_nothing_moves_for_those_who_want_no_motion(new_tour: NewTour, scene: Scene) -> None:
    tour = new_tour("en")
    tour.visit.page.emulate_media(reduced_motion="reduce")

    page = tour.show(scene)
    page.wait_for_timeout(200)

    moving = "document.getAnimations().filter((one) => one.playState === 'running').length"
    assert page.evaluate(moving) == 0
