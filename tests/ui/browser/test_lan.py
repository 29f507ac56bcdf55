"""At an address of the house, over plain HTTP: no secure context, and everything works all the same."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.ui.browser.conftest import ANSWERS_WITHIN_MS, NewVisit
from tests.ui.browser.stack import Stack, lan_address
from tests.ui.browser.visit import Visit


@pytest.fixture(scope="module")
def url(stack: Stack) -> Iterator[str]:
    address = lan_address()
    if address is None:
        pytest.skip("this machine has no address but its own")
    proxy = stack.new_proxy(address, auth="off").start()
    yield proxy.url
    proxy.kill()


@pytest.fixture
def visit(new_visit: NewVisit, url: str) -> Visit:
    visit = new_visit(url)
    visit.tolerate("insecure|untrustworthy|Cross-Origin-Opener")  # the browser says that the context is none
    return visit


def test_every_view_stands_where_the_browser_offers_little(visit: Visit) -> None:
    page = visit.open("settings")
    offered = page.evaluate("[isSecureContext, typeof navigator.clipboard, typeof crypto.randomUUID]")
    assert offered == [False, "undefined", "undefined"]
    expect(page.locator("#settings-data dt", has_text="chats")).to_be_visible()
    expect(page.locator("#settings-data")).not_to_contain_text("space used")

    for view in ("images", "models", "activity", "chat"):
        visit.go(view)
    expect(page.locator(".live-line")).to_contain_text("live", timeout=ANSWERS_WITHIN_MS)


def test_a_question_is_answered_and_the_answer_copied(visit: Visit) -> None:
    page = visit.open("chat", model="echo")
    field = page.locator(".chat-writing textarea")
    field.fill("over plain HTTP")
    field.press("Enter")
    answer = page.locator(".message-answer")
    expect(answer.get_by_role("button", name="retry")).to_be_visible(timeout=ANSWERS_WITHIN_MS)

    answer.get_by_role("button", name="copy", exact=True).first.click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    field.press("Control+v")

    expect(field).to_have_value("over plain HTTP")


def test_a_picture_is_drawn_and_kept(visit: Visit) -> None:
    page = visit.open("images", model="demo-image")
    prompt = page.get_by_label("Prompt", exact=True)
    prompt.fill("a lighthouse")
    prompt.press("Control+Enter")
    expect(page.locator("main img").first).to_be_visible(timeout=ANSWERS_WITHIN_MS)

    page.reload()
    visit.until("images")

    expect(page.locator("main img").first).to_be_visible(timeout=ANSWERS_WITHIN_MS)
