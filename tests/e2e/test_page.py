"""The page as somebody opens it who has just run `up`, on a desk and on a phone."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.e2e.conftest import Yard
from tests.ui.browser.visit import Visit

pytestmark = pytest.mark.timeout(300)

ANSWERS_WITHIN_MS = 60_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# As root a browser has no sandbox, and it should not look for its maker's hosts.
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("no Chromium here: install Debian's package chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(params=[1280, 360], ids=["desk", "phone"])
def visit(browser: Browser, yard: Yard, request: pytest.FixtureRequest) -> Iterator[Visit]:
    context = browser.new_context(locale="en-US", viewport={"width": request.param, "height": 800})
    visit = Visit.begin(context, yard.url)
    visit.page.goto(yard.url)
    visit.until("chat")
    yield visit
    context.close()
    visit.judge()


def test_it_stands_and_lists_the_demo_models(visit: Visit, yard: Yard) -> None:
    visit.page.goto(f"{yard.url}/#/models")
    visit.until("models")

    for model in ("demo-chat", "demo-vision", "demo-image"):
        expect(visit.page.get_by_text(model, exact=True).first).to_be_visible()


def test_the_first_question_is_answered_without_any_choice(visit: Visit) -> None:
    page = visit.page

    page.locator("textarea").first.fill("What can you do?")
    page.keyboard.press("Enter")

    expect(page.locator(".message-answer")).to_contain_text("models.json", timeout=ANSWERS_WITHIN_MS)


def test_a_picture_is_drawn(visit: Visit, yard: Yard) -> None:
    page = visit.page
    page.goto(f"{yard.url}/#/images")
    visit.until("images")

    page.get_by_label("Prompt", exact=True).fill("a lighthouse")
    page.keyboard.press("Control+Enter")

    expect(page.locator("main img").first).to_be_visible(timeout=ANSWERS_WITHIN_MS)
