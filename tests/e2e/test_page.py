"""The page in a real browser, as somebody uses it who has just run `up`."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.e2e.conftest import Yard

pytestmark = pytest.mark.timeout(300)

ANSWERS_WITHIN_MS = 60_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# As root a browser has no sandbox, and it should not look for its maker's hosts.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Visit:
    """One page, with everything that must not happen on it."""

    page: Page
    faults: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)


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
    page = browser.new_page(viewport={"width": request.param, "height": 800})
    visit = Visit(page)
    page.on("pageerror", lambda error: visit.faults.append(str(error)))
    page.on("console", lambda said: visit.faults.append(said.text) if said.type == "error" else None)
    page.on(
        "request",
        lambda asked: (
            None if asked.url.startswith((yard.url, "data:", "blob:")) else visit.foreign.append(asked.url)
        ),
    )
    page.goto(yard.url)
    yield visit
    assert visit.faults == []
    assert visit.foreign == []
    page.close()


def choose(page: Page, model: str) -> None:
    page.get_by_role("button", name=re.compile(rf"^{model}\b")).click()


def ask(page: Page, words: str) -> None:
    page.locator("#prompt").fill(words)
    page.locator("#prompt").press("Enter")


def test_it_lists_every_model_and_says_which_are_demos(visit: Visit) -> None:
    page = visit.page

    for model in ("demo-chat", "demo-vision", "demo-image"):
        choose(page, model)
        expect(page.locator("#chosen")).to_have_text(model)
        expect(page.locator("#note")).to_contain_text("Demo")


def test_it_fits_the_screen(visit: Visit) -> None:
    expect(visit.page.locator("#chosen")).to_have_text("demo-chat")

    assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_question_is_answered_and_the_phase_is_shown(visit: Visit, tmp_path: Path) -> None:
    page = visit.page
    choose(page, "demo-chat")

    ask(page, "What can you do?")

    expect(page.locator("#talk .theirs")).to_contain_text("models.json", timeout=ANSWERS_WITHIN_MS)
    expect(page.locator("#status")).to_have_text("done", timeout=ANSWERS_WITHIN_MS)
    expect(page.get_by_role("button", name=re.compile("^demo-chat"))).to_contain_text("ready")


def test_a_picture_is_painted(visit: Visit) -> None:
    page = visit.page
    choose(page, "demo-image")

    ask(page, "a lighthouse")

    expect(page.locator("#status")).to_have_text("done", timeout=ANSWERS_WITHIN_MS)
    assert page.locator("#talk img").evaluate("(image) => image.naturalWidth") > 0


def test_what_is_said_stays_text(visit: Visit) -> None:
    page = visit.page
    choose(page, "demo-chat")

    ask(page, "<img src=x onerror=alert(1)><script>alert(2)</script>")

    expect(page.locator("#talk .mine")).to_have_text("<img src=x onerror=alert(1)><script>alert(2)</script>")
    expect(page.locator("#status")).to_have_text("done", timeout=ANSWERS_WITHIN_MS)
    assert page.locator("#talk img, #talk script").count() == 0


def test_the_curl_line_shows_this_address(visit: Visit, yard: Yard) -> None:
    choose(visit.page, "demo-image")

    expect(visit.page.locator("#curl")).to_contain_text(f"curl {yard.url}/v1/images/generations")
