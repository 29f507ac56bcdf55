"""What stands around every view: tabs, the command line, the palette, keys and the live line."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.browser.conftest import ANSWERS_WITHIN_MS, NewVisit
from tests.ui.browser.stack import Stack
from tests.ui.browser.visit import Visit

VIEWS = {"c": "chat", "i": "images", "m": "models", "a": "activity", "s": "settings"}
# Where these letters lie on a Russian keyboard.
RUSSIAN = {"g": "п", "m": "ь"}
STRIKE = """([key, code]) => (document.activeElement ?? document.body).dispatchEvent(
  new KeyboardEvent("keydown", {key, code, bubbles: true, cancelable: true}))"""


def command(page: Page) -> None:
    """Into the command line, wherever it is: on a phone it opens over the page."""
    page.keyboard.press("Escape")
    page.keyboard.press(":")


def offered(page: Page) -> Locator:
    return page.get_by_role("listbox").get_by_role("option")


def say(page: Page, words: str) -> None:
    command(page)
    page.keyboard.type(words)
    page.keyboard.press("Enter")


@pytest.mark.parametrize("letter", VIEWS)
def test_two_letters_lead_to_each_view_and_the_tab_says_so(visit: Visit, letter: str) -> None:
    start = "settings" if letter != "s" else "activity"
    page = visit.open(start)

    page.keyboard.press("g")
    page.keyboard.press(letter)

    visit.until(VIEWS[letter])
    expect(page.locator(".tabs-main [aria-current=page]")).to_contain_text(VIEWS[letter])
    expect(page).to_have_title(re.compile(VIEWS[letter], re.IGNORECASE))


def test_letters_are_found_on_a_russian_keyboard(visit: Visit) -> None:
    page = visit.open("settings", lang="ru")

    for letter in "gm":
        page.evaluate(STRIKE, [RUSSIAN[letter], f"Key{letter.upper()}"])

    visit.until("models")


def test_single_letters_rest_where_they_are_switched_off(visit: Visit) -> None:
    page = visit.open("settings", singleKeys=False)

    page.keyboard.press("g")
    page.keyboard.press("m")
    page.wait_for_timeout(300)

    expect(page.locator("html")).to_have_attribute("data-view", "settings")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog")).to_be_visible()


def test_letters_in_a_field_are_letters(visit: Visit) -> None:
    page = visit.open("settings")
    field = page.get_by_label("System prompt")

    field.focus()
    page.keyboard.type("gm?:/")

    expect(field).to_have_value("gm?:/")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_command_line_obeys_and_remembers(visit: Visit) -> None:
    page = visit.open("settings")

    say(page, "theme amber")
    expect(page.locator("html")).to_have_attribute("data-theme", "amber")
    say(page, "lang ru")
    expect(page.locator("html")).to_have_attribute("lang", "ru")

    command(page)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.locator(":focus")).to_have_value(re.compile("theme amber"))


def test_the_command_line_completes_the_names_of_models(visit: Visit, stack: Stack) -> None:
    stack.ask("echo", "come up")
    page = visit.open("settings")
    expect(page.locator(".live-line")).to_contain_text("live", timeout=ANSWERS_WITHIN_MS)

    command(page)
    page.keyboard.type("load slow")
    expect(offered(page).filter(has_text="slow-to-load").first).to_be_visible()
    page.keyboard.press("Tab")

    expect(page.locator(":focus")).to_have_value(re.compile("load slow-to-load"))


def test_a_command_that_there_is_not_is_told_in_words(visit: Visit) -> None:
    page = visit.open("settings")

    say(page, "frobnicate everything")

    expect(page.locator(".command-said, .toast")).to_contain_text("frobnicate")


def test_the_palette_has_the_same_commands_and_esc_gives_the_focus_back(visit: Visit) -> None:
    page = visit.open("settings")
    field = page.get_by_label("System prompt")
    field.focus()

    page.keyboard.press("Control+k")
    page.keyboard.type("theme")
    expect(offered(page).first).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(field).to_be_focused()


@pytest.mark.parametrize("view", ["activity", "models"])
def test_the_help_lists_the_keys_of_this_view(visit: Visit, view: str) -> None:
    page = visit.open(view)
    own = {"activity": "copy the open request as curl", "models": "load"}[view]

    page.keyboard.press("?")

    expect(page.get_by_role("dialog")).to_contain_text(own)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_f6_goes_from_region_to_region(visit: Visit) -> None:
    page = visit.open("settings")
    seen = set()

    for _ in range(3):
        page.keyboard.press("F6")
        seen.add(page.evaluate("document.activeElement.closest('[data-region]')?.tagName"))

    assert seen == {"HEADER", "MAIN", "FOOTER"}


def test_an_address_that_leads_nowhere_leads_to_the_chat(visit: Visit, stack: Stack) -> None:
    page = visit.open("settings")

    page.goto(f"{stack.url}/#/no/such/place")

    visit.until("chat")


def test_the_back_button_goes_back(visit: Visit) -> None:
    page = visit.open("settings")
    page.get_by_role("link", name="models").first.click()
    visit.until("models")

    page.go_back()

    visit.until("settings")


def test_a_proxy_that_goes_away_is_told_and_comes_back_by_itself(new_visit: NewVisit, stack: Stack) -> None:
    proxy = stack.new_proxy().start()
    visit = new_visit(proxy.url)
    visit.tolerate("ERR_", "50[0-9]")
    page = visit.open("settings")
    expect(page.locator(".live-line")).to_contain_text("live", timeout=ANSWERS_WITHIN_MS)

    proxy.kill()
    expect(page.locator(".live-line")).not_to_contain_text("● live", timeout=ANSWERS_WITHIN_MS)
    down = page.locator(".live-line").inner_text()
    proxy.start()

    expect(page.locator(".live-line")).not_to_have_text(down, timeout=ANSWERS_WITHIN_MS)
    expect(page.locator(".live-line")).to_contain_text("live", timeout=ANSWERS_WITHIN_MS)


def test_without_a_key_it_asks_for_one_and_goes_on_with_it(new_visit: NewVisit, stack: Stack) -> None:
    proxy = stack.new_proxy(auth="on").start()
    key = proxy.new_key("visitor", "operate")
    visit = new_visit(proxy.url)
    visit.tolerate("401")
    page = visit.open("models")

    window = page.get_by_role("dialog")
    window.get_by_label("API key").fill(key)
    page.keyboard.press("Enter")

    expect(window).to_have_count(0)
    expect(page.locator("main")).to_contain_text("demo-chat", timeout=ANSWERS_WITHIN_MS)
