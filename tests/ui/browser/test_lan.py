"""At an address of the house, over plain HTTP: no secure context, and everything works all the same."""

import pytest
from playwright.sync_api import expect

from tests.ui.browser.conftest import ANSWERS_WITHIN_MS, NewVisit
from tests.ui.browser.stack import Stack, lan_address
from tests.ui.browser.visit import Visit


@pytest.fixture
def visit(new_visit: NewVisit, stack: Stack) -> Visit:
    address = lan_address()
    if address is None:
        pytest.skip("this machine has no address but its own")
    visit = new_visit(stack.new_proxy(address, auth="off").start().url)
    visit.tolerate("insecure|untrustworthy|Cross-Origin-Opener")  # the browser says that the context is none
    return visit


def test_it_is_the_kind_of_place_that_is_meant(visit: Visit) -> None:
    page = visit.open("settings")

    assert page.evaluate("[isSecureContext, typeof navigator.clipboard, typeof crypto.randomUUID]") == [
        False,
        "undefined",
        "undefined",
    ]


def test_every_view_stands_and_the_live_line_lives(visit: Visit) -> None:
    for view in ("images", "models", "activity", "settings", "chat"):
        page = visit.open(view)
        expect(page.locator(".live-line")).to_contain_text("live", timeout=ANSWERS_WITHIN_MS)


def test_a_question_is_answered_and_the_answer_copied(visit: Visit) -> None:
    page = visit.open("chat", model="echo")
    page.evaluate("document.addEventListener('copy', () => { globalThis.copied = String(getSelection()); })")

    page.locator("textarea").first.fill("over plain HTTP")
    page.keyboard.press("Enter")
    answer = page.locator(".message-answer")
    expect(answer.get_by_role("button", name="retry")).to_be_visible(timeout=ANSWERS_WITHIN_MS)
    answer.get_by_role("button", name="copy", exact=True).first.click()

    expect(page.get_by_text("Copied.")).to_be_visible()


def test_a_picture_is_drawn_and_kept(visit: Visit) -> None:
    page = visit.open("images", model="demo-image")

    page.get_by_label("Prompt", exact=True).fill("a lighthouse")
    page.keyboard.press("Control+Enter")
    expect(page.locator("main img").first).to_be_visible(timeout=ANSWERS_WITHIN_MS)
    page.reload()
    visit.until("images")

    expect(page.locator("main img").first).to_be_visible(timeout=ANSWERS_WITHIN_MS)


def test_what_is_kept_is_counted_without_the_browsers_help(visit: Visit) -> None:
    page = visit.open("settings")

    expect(page.locator("#settings-data dt", has_text="chats")).to_be_visible()
    expect(page.locator("#settings-data")).not_to_contain_text("space used")
