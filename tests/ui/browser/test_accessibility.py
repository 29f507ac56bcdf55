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
# A field may be one with its frame.
UNSEEN = """() => {
  const element = document.activeElement;
  if (element === document.body) return null;
  const seen = [element, element.closest("label"), element.parentElement, element.closest(".command-line"),
    element.matches("textarea") && element.closest(".composer")]
    .filter(Boolean).some((one) => {
      const style = getComputedStyle(one);
      const isOutlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
      return isOutlined || (one.matches(".command-line") && style.boxShadow !== "none");
    });
  return seen ? null : element.outerHTML.slice(0, 200);
}"""
TABS = 30
PACE = "getComputedStyle(document.querySelector('.button')).transitionDuration"
MOVING = "document.getAnimations().filter((one) => one.playState === 'running').length"


def violations(page: Page, kind: str, values: list[str]) -> list[str]:
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE)
    found: list[str] = page.evaluate(RUN, [kind, values])
    return found


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_axe_finds_nothing(new_tour: NewTour, scene: Scene) -> None:
    english, russian = new_tour("en"), new_tour("ru")

    page = english.show(scene)
    found = violations(page, "tag", RULES)
    english.resize(theme="paper")
    found += [f"paper: {one}" for one in violations(page, "rule", COLOURS)]
    page = russian.show(scene, theme="amber")
    found += [f"amber, in Russian: {one}" for one in violations(page, "tag", RULES)]

    assert found == []
    english.visit.judge()
    russian.visit.judge()


def test_axe_finds_what_is_wrong(visit: Visit) -> None:
    page = visit.open("settings")

    page.evaluate("document.getElementById('main').append(document.createElement('input'))")

    assert any("label" in one for one in violations(page, "tag", RULES))


@pytest.mark.parametrize("name", ["chat", "images", "models", "activity", "settings"])
def test_whatever_has_the_focus_is_seen_to_have_it(new_tour: NewTour, name: str) -> None:
    page = new_tour("en").show(next(scene for scene in SCENES if scene.name == name))
    unseen: list[Any] = []

    for _ in range(TABS):
        page.keyboard.press("Tab")
        unseen.append(page.evaluate(UNSEEN))

    assert [one for one in unseen if one] == []


def test_nothing_moves_for_those_who_want_no_motion(visit: Visit) -> None:
    page = visit.open("settings")
    assert page.evaluate(PACE) != "0s"

    page.emulate_media(reduced_motion="reduce")

    assert page.evaluate(PACE) == "0s"
    visit.go("chat")
    assert page.evaluate(MOVING) == 0
