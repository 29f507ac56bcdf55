"""An evening without a mouse: ask, ask again, draw, load, look at what was asked, change how it looks."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.ui.browser.conftest import ANSWERS_WITHIN_MS, keep
from tests.ui.browser.stack import LONG
from tests.ui.browser.visit import Visit

# A page that needs the pointer fails, for nothing but keys is used below.
NAME = """(document.activeElement.ariaLabel || document.activeElement.labels?.[0]?.textContent
  || document.activeElement.textContent).trim()"""


def strike(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def say(page: Page, words: str) -> None:
    """A command, whatever has the focus now."""
    strike(page, "Control+k")
    expect(page.get_by_role("dialog").get_by_role("combobox")).to_be_focused()
    page.keyboard.type(words)
    strike(page, "Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)


def walk_to(page: Page, name: str, steps: int = 60) -> None:
    """By Tab alone."""
    for _ in range(steps):
        strike(page, "Tab")
        if re.search(name, str(page.evaluate(NAME))):
            return
    pytest.fail(f"Tab never came to {name}")


def test_one_whole_run_by_keyboard_alone(visit: Visit) -> None:
    visit.tolerate("409")  # it asks an engine that may be between two phases what it can
    page = visit.open("settings", model="echo")
    answers = page.locator(".message-answer")
    # It comes up while the others are talked to.
    say(page, "load demo-image")

    # Ask, and ask again in the same conversation.
    strike(page, "g", "c")
    visit.until("chat")
    expect(page.locator(".chat-writing textarea")).to_be_focused()
    page.keyboard.type("[pace 2] say **one**")
    strike(page, "Enter")
    expect(answers.get_by_role("button", name="retry")).to_have_count(1, timeout=ANSWERS_WITHIN_MS)
    page.keyboard.type("say two")
    strike(page, "Enter")
    expect(answers.get_by_role("button", name="retry")).to_have_count(2, timeout=ANSWERS_WITHIN_MS)
    expect(answers.last).to_contain_text("two")

    # Another model, another conversation.
    say(page, f"chat {LONG} say three")
    expect(answers).to_have_count(1)
    expect(answers).to_contain_text("three", timeout=ANSWERS_WITHIN_MS)

    # A picture.
    say(page, "image a lighthouse")
    visit.until("images")
    expect(page.locator("main img").first).to_be_visible(timeout=ANSWERS_WITHIN_MS)

    # A model, put away and loaded.
    strike(page, "Escape")
    say(page, "models")
    visit.until("models")
    row = page.locator('[data-model="0/echo"]')
    strike(page, "/")
    page.keyboard.type("echo")
    strike(page, "Enter", "u")
    expect(row).to_contain_text("stopped", timeout=ANSWERS_WITHIN_MS)
    strike(page, "l")
    expect(row).to_contain_text("ready", timeout=ANSWERS_WITHIN_MS)

    # What was asked, and one request in detail.
    strike(page, "g", "a")
    visit.until("activity")
    expect(page.locator(".activity-open").first).to_be_visible()
    strike(page, "j", "Enter")
    expect(page.locator(".activity-details")).to_be_visible()
    walk_to(page, "^copy the id$")

    # How it looks.
    strike(page, "g", "s")
    visit.until("settings")
    walk_to(page, "phosphor$")
    strike(page, "ArrowRight", "ArrowRight")
    expect(page.locator("html")).to_have_attribute("data-theme", "paper")
    keep(page, "whole-by-keyboard")
