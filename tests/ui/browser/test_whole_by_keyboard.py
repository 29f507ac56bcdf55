"""An evening without a mouse: ask, ask again, draw, load, look at what was asked, change how it looks."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.ui.browser.conftest import ANSWERS_WITHIN_MS, keep
from tests.ui.browser.visit import Visit

# The pointer is never used: a page that needs it fails, for nothing else is at hand below.
REST = "addEventListener('pointerdown', () => { throw new Error('the mouse was used'); }, true)"


def strike(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def say(page: Page, words: str) -> None:
    """A command, whatever has the focus now."""
    strike(page, "Control+k")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.type(words)
    strike(page, "Enter")


def walk_to(page: Page, name: re.Pattern[str], steps: int = 60) -> None:
    """By Tab alone."""
    for _ in range(steps):
        strike(page, "Tab")
        words = "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"
        if name.search(str(page.evaluate(words))):
            return
    pytest.fail(f"Tab never came to {name.pattern}")


def test_one_whole_run_by_keyboard_alone(visit: Visit) -> None:
    visit.page.add_init_script(REST)
    page = visit.open("settings", model="echo")

    # Ask, and ask again in the same conversation.
    strike(page, "g", "c")
    visit.until("chat")
    page.locator("textarea").first.focus()
    page.keyboard.type("[pace 2] say **one**")
    strike(page, "Enter")
    answers = page.locator(".message-answer")
    expect(answers.get_by_role("button", name="retry")).to_have_count(1, timeout=ANSWERS_WITHIN_MS)
    page.keyboard.type("say two")
    strike(page, "Enter")
    expect(answers).to_have_count(2, timeout=ANSWERS_WITHIN_MS)
    expect(answers.last).to_contain_text("two", timeout=ANSWERS_WITHIN_MS)

    # Another model, another conversation.
    say(page, "chat demo-chat What can you do?")
    expect(answers.last).to_contain_text("models.json", timeout=ANSWERS_WITHIN_MS)

    # A picture.
    say(page, "image a lighthouse")
    visit.until("images")
    page.get_by_label("Prompt", exact=True).focus()
    strike(page, "Control+Enter")
    expect(page.locator("main img").first).to_be_visible(timeout=ANSWERS_WITHIN_MS)

    # A model, loaded and put away.
    strike(page, "Escape")
    say(page, "load slow-to-load")
    say(page, "models")
    visit.until("models")
    row = page.locator("tr", has_text="slow-to-load")
    expect(row).to_contain_text("ready", timeout=ANSWERS_WITHIN_MS)
    say(page, "unload slow-to-load")
    expect(row).to_contain_text("stopped", timeout=ANSWERS_WITHIN_MS)

    # What was asked, and one request in detail.
    strike(page, "Escape", "g", "a")
    visit.until("activity")
    expect(page.locator(".activity-open").first).to_be_visible()
    strike(page, "j", "Enter")
    expect(page.locator(".activity-details")).to_be_visible()
    walk_to(page, re.compile("^copy the id$"))

    # How it looks.
    strike(page, "g", "s")
    visit.until("settings")
    walk_to(page, re.compile("phosphor|^$"))
    say(page, "theme paper")
    expect(page.locator("html")).to_have_attribute("data-theme", "paper")
    keep(page, "whole-by-keyboard")
