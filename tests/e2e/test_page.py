"""The page as somebody opens it who has just run `up`, on a desk and on a phone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests import chromium
from tests.e2e.conftest import Yard
from tests.ui.browser.visit import Visit, new_context

pytestmark = pytest.mark.timeout(300)

ANSWERS_WITHIN_MS = 60_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not chromium.is_here():
        pytest.skip(chromium.MISSING)
    with chromium.launched() as browser:
        yield browser


@pytest.fixture(params=[1280, 360], ids=["desk", "phone"])
def visit(browser: Browser, yard: Yard, request: pytest.FixtureRequest) -> Iterator[Visit]:
    context = new_context(browser, viewport={"width": request.param, "height": 800})
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
