"""What stands around every view: tabs, the command line, the palette, keys and the live line."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.ui.browser.conftest import ANSWERS_WITHIN_MS, NewVisit
from tests.ui.browser.stack import Stack
from tests.ui.browser.visit import Visit

VIEWS = {"c": "chat", "i": "images", "m": "models", "a": "activity", "s": "settings"}
# Where these letters lie on a Russian keyboard.
RUSSIAN = {"g": "п", "m": "ь"}
STRIKE = """([key, code]) => (document.activeElement ?? document.body).dispatchEvent(
  new KeyboardEvent("keydown", {key, code, bubbles: true, cancelable: true}))"""


def command(page: Page) -> Locator:
    """Into the command line, wherever the focus is."""
    line = page.locator(".command-input").last
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press(":")
    expect(line).to_be_focused()
    return line


def offered(page: Page) -> Locator:
    return page.get_by_role("listbox").get_by_role("option")


def say(page: Page, words: str) -> None:
    command(page)
    page.keyboard.type(words)
    page.keyboard.press("Enter")


def open_palette(page: Page) -> None:
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog").get_by_role("combobox")).to_be_focused()


def test_two_letters_lead_to_each_view_and_the_tab_says_so(visit: Visit) -> None:
    page = visit.open("settings")

    for letter, view in VIEWS.items():
        page.keyboard.press("Escape")  # out of the field that a view may begin in
        page.keyboard.press("g")
        page.keyboard.press(letter)

        visit.until(view)
        expect(page.locator(".tabs-main [aria-current=page]")).to_contain_text(view)
        expect(page).to_have_title(re.compile(view, re.IGNORECASE))


def test_back_leads_back_and_an_address_that_leads_nowhere_to_the_chat(visit: Visit, stack: Stack) -> None:
    page = visit.open("settings")
    page.get_by_role("link", name="models").first.click()
    visit.until("models")

    page.go_back()
    visit.until("settings")
    page.goto(f"{stack.url}/#/no/such/place")

    visit.until("chat")


def test_the_address_keeps_what_is_shown(visit: Visit) -> None:
    page = visit.open("models/echo?tab=past&filter=e&sort=memory")
    expect(page.get_by_role("heading", name="echo", exact=True)).to_be_visible()

    page.reload()

    visit.until("models")
    expect(page.get_by_role("heading", name="echo", exact=True)).to_be_visible()
    expect(page.get_by_role("tab", selected=True)).to_contain_text("past")
    expect(page.locator("#models-filter")).to_have_value("e")
    expect(page.locator("th[aria-sort]")).to_contain_text("memory")


def test_letters_are_found_on_a_russian_keyboard(visit: Visit) -> None:
    page = visit.open("settings", lang="ru")

    for letter in "gm":
        page.evaluate(STRIKE, [RUSSIAN[letter], f"Key{letter.upper()}"])

    visit.until("models")


def test_letters_in_a_field_are_letters_and_elsewhere_a_setting_puts_them_to_rest(visit: Visit) -> None:
    page = visit.open("settings", singleKeys=False)
    field = page.get_by_label("System prompt")

    field.focus()
    page.keyboard.type("gm?:/")

    expect(field).to_have_value("gm?:/")
    page.get_by_role("heading", name="settings", exact=True).click()
    for key in "gm?:":
        page.keyboard.press(key)
    # What is heard after them has been heard.
    open_palette(page)
    expect(page.get_by_role("dialog")).to_have_count(1)
    expect(page.locator("html")).to_have_attribute("data-view", "settings")


def test_the_command_line_obeys_remembers_and_asks_back(visit: Visit) -> None:
    page = visit.open("settings")

    say(page, "theme amber")
    expect(page.locator("html")).to_have_attribute("data-theme", "amber")
    say(page, "/scanlines on")
    expect(page.locator("html")).to_have_attribute("data-scanlines", "")
    line = command(page)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(line).to_have_value("theme amber")

    say(page, "frobnicate everything")
    expect(page.locator(".command-said")).to_contain_text("frobnicate")
    say(page, "theme pink")
    expect(page.locator(".toast").last).to_contain_text("phosphor, amber, paper, auto")
    say(page, "load")
    expect(page.locator(".command-said")).to_contain_text("load: say which model")


def test_whoever_writes_the_next_command_while_a_view_comes_goes_on_writing(visit: Visit) -> None:
    page = visit.open("settings")

    # In one step, so that the command line has the focus before the view is there.
    page.evaluate("() => { location.hash = '#/models'; document.querySelector('.command-input').focus(); }")
    visit.until("models")
    page.keyboard.type("load slow")

    expect(page.locator(".command-input").last).to_have_value("load slow")


def test_the_command_line_completes_the_names_of_models(visit: Visit) -> None:
    page = visit.open("settings")
    expect(page.locator(".live-line")).to_contain_text("live", timeout=ANSWERS_WITHIN_MS)

    line = command(page)
    page.keyboard.type("load slow")
    expect(offered(page).filter(has_text="slow-to-load").first).to_be_visible()
    expect(page.locator(".command-ghost").first).to_contain_text("-to-load")
    page.keyboard.press("Tab")

    expect(line).to_have_value("load slow-to-load")


def test_each_command_does_what_it_says(visit: Visit, stack: Stack) -> None:
    stack.ask("echo", "come up")
    page = visit.open("settings", model="demo-chat")
    expect(page.locator(".live-line")).to_contain_text("live", timeout=ANSWERS_WITHIN_MS)

    say(page, "/model repeat")
    visit.until("chat")
    expect(page.locator("#chat-model")).to_contain_text("repeat")
    say(page, "/new")
    expect(page.locator(".chat-writing textarea")).to_be_focused()
    with page.expect_file_chooser():
        say(page, "/attach")
    say(page, "/image")
    visit.until("images")
    expect(page.get_by_label("Prompt", exact=True)).to_be_focused()
    say(page, "/edit with more fog")
    expect(page.get_by_role("radio", name="edit")).to_be_checked()
    expect(page.locator(".images-prompt")).to_have_value("with more fog")
    expect(page.get_by_text("Add an image to edit.")).to_be_visible()
    expect(page.get_by_role("button", name="+ image")).to_be_focused()
    say(page, "/models")
    phase = page.locator('[data-model="0/echo"] .models-cell-phase')
    say(page, "/sleep echo")
    # It holds no GPU, and so sleeping would free nothing.
    expect(phase).to_contain_text("stopped", timeout=ANSWERS_WITHIN_MS)
    say(page, "/load repeat")
    expect(phase).to_contain_text("ready", timeout=ANSWERS_WITHIN_MS)
    say(page, "/status")
    expect(page.locator(".command-said")).to_contain_text("echo ready")
    say(page, "/logs echo")
    expect(page.get_by_role("log")).to_contain_text("ready")
    say(page, "/unload echo")
    expect(phase).to_contain_text("stopped", timeout=ANSWERS_WITHIN_MS)
    say(page, "/theme paper")
    expect(page.locator("html")).to_have_attribute("data-theme", "paper")
    say(page, "/help")
    expect(page.get_by_role("dialog", name="keys")).to_be_visible()


def test_who_leaves_a_model_and_types_at_once_keeps_the_command_line(visit: Visit) -> None:
    page = visit.open("models")
    page.locator(".models-name", has_text="echo").click()
    expect(page.locator(".models-details")).to_be_visible()

    page.evaluate(
        f"""() => {{ const strike = {STRIKE}; strike(["Escape", "Escape"]); strike([":", "Semicolon"]); }}"""
    )
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    expect(page.locator(".command-input").last).to_be_focused()


def test_whatever_can_be_pressed_can_be_named(visit: Visit) -> None:
    page = visit.open("models?filter=echo")

    line = command(page)
    page.keyboard.type("press models.j")
    page.keyboard.press("Tab")
    expect(line).to_have_value("press models.json")
    page.keyboard.press("Enter")
    expect(page.locator(".models-editor, textarea").first).to_be_visible()
    open_palette(page)
    page.keyboard.type("activity")
    expect(offered(page).filter(has_text="press activity")).to_be_visible()
    page.keyboard.press("Escape")
    say(page, "press no such thing")

    expect(page.locator(".toast").last).to_contain_text("no such thing")


def test_the_palette_has_the_same_commands_and_esc_gives_the_focus_back(visit: Visit) -> None:
    page = visit.open("settings")
    field = page.get_by_label("System prompt")
    field.focus()

    open_palette(page)
    page.keyboard.type("theme")
    expect(offered(page).first).to_contain_text("theme")
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(field).to_be_focused()


def test_the_help_lists_the_keys_of_this_view_and_no_other(visit: Visit) -> None:
    own = {"activity": "copy the open request as curl", "models": "pin, or let go"}

    for view, words in own.items():
        page = visit.open(view)
        page.keyboard.press("?")

        help_page = page.get_by_role("dialog")
        expect(help_page).to_contain_text(words)
        (other,) = set(own.values()) - {words}
        expect(help_page).not_to_contain_text(other)
        page.keyboard.press("Escape")
        expect(help_page).to_have_count(0)


def test_f6_goes_from_region_to_region(visit: Visit) -> None:
    page = visit.open("settings")
    seen = set()

    for _ in range(3):
        page.keyboard.press("F6")
        seen.add(page.evaluate("document.activeElement.closest('[data-region]')?.tagName"))

    assert seen == {"HEADER", "MAIN", "FOOTER"}


def test_a_proxy_that_goes_away_is_told_and_comes_back_by_itself(new_visit: NewVisit, stack: Stack) -> None:
    proxy = stack.new_proxy().start()
    visit = new_visit(proxy.url)
    visit.tolerate("ERR_", "50[0-9]")
    page = visit.open("settings")
    link = page.locator(".live-link")
    expect(link).to_have_text("●live", timeout=ANSWERS_WITHIN_MS)

    proxy.kill()
    expect(link).to_have_text("✕no link", timeout=ANSWERS_WITHIN_MS)
    expect(page.locator(".live-line")).to_contain_text("as of")
    proxy.start()

    expect(link).to_have_text("●live", timeout=ANSWERS_WITHIN_MS)


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
