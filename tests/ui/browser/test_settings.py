"""Settings: what they change shows at once and lasts; what this browser keeps goes out, comes in, and away."""

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.ui.browser.conftest import NewVisit, keep
from tests.ui.browser.stack import OwnProxy
from tests.ui.browser.visit import Visit

CHAT = {"id": "c1", "title": "Kept", "updated": 1}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PICTURE = {"id": "p1", "at": 5, "batch": "b", "blob": {"$blob": PIXEL, "type": "image/png"}}


def kept(page: Page) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(page.evaluate("localStorage['switchyard.settings']"))
    return said


def panel(page: Page, name: str) -> Locator:
    return page.locator(f"#settings-{name}")


def stored(page: Page, name: str) -> Locator:
    return panel(page, "data").locator(f"dt:text-is('{name}') + dd")


def test_looks_show_at_once_and_last(regular: Visit) -> None:
    page = regular.open("settings", theme="auto")
    root = page.locator("html")

    for theme in ("phosphor", "amber", "paper"):
        page.get_by_label(theme, exact=True).check()
        expect(root).to_have_attribute("data-theme", theme)
    page.get_by_label("compact").check()
    page.get_by_label("Scan-lines").check()
    expect(root).to_have_attribute("data-density", "compact")
    expect(root).to_have_attribute("data-scanlines", "")

    page.reload()
    regular.until("settings")
    expect(page.get_by_label("paper", exact=True)).to_be_checked()
    expect(root).to_have_attribute("data-theme", "paper")
    expect(root).to_have_attribute("data-density", "compact")


def test_the_language_changes_without_a_reload(regular: Visit) -> None:
    page = regular.open("settings")

    page.get_by_label("Русский").check()

    expect(page.get_by_role("heading", name="настройки")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "ru")


def test_the_language_is_the_browsers_at_first(new_visit: NewVisit) -> None:
    page = new_visit(locale="ru-RU").open("settings", lang="auto")

    expect(page.get_by_role("heading", name="настройки")).to_be_visible()


def test_a_key_is_tested_kept_masked_and_forgotten(new_visit: NewVisit, locked: OwnProxy) -> None:
    key = locked.new_key("laptop", "operate")
    visit = new_visit(locked.url)
    visit.tolerate("401")
    page = visit.open("settings")
    field = page.get_by_label("API key")
    expect(field).to_have_attribute("type", "password")

    field.fill("sy-wrong")
    page.get_by_role("button", name="test").click()
    expect(panel(page, "key").locator(".notice-err")).to_be_visible()

    field.fill(key)
    page.get_by_role("button", name="keep").click()
    expect(panel(page, "key")).to_contain_text("The server knows it as “laptop”.")
    assert kept(page)["key"] == key

    page.get_by_role("button", name="forget", exact=True).click()
    expect(field).to_have_value("")
    assert kept(page)["key"] == ""


def test_what_new_chats_begin_with_is_kept_and_nonsense_is_not(regular: Visit) -> None:
    page = regular.open("settings")

    page.get_by_role("combobox", name="Model").select_option("demo-chat")
    page.get_by_label("System prompt").fill("Be brief.")
    page.get_by_label("Temperature").fill("0,5")
    page.get_by_label("Top-p").fill("7")

    expect(page.get_by_label("Top-p")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("From 0 to 1.")).to_be_visible()
    said = kept(page)
    assert (said["model"], said["system"]) == ("demo-chat", "Be brief.")
    assert (said["sampling"]["temperature"], said["sampling"]["top_p"]) == (0.5, None)


def test_everything_goes_out_as_a_file_away_when_it_is_meant_and_comes_in_again(
    new_visit: NewVisit, tmp_path: Path
) -> None:
    visit = new_visit()
    page = visit.open("settings", seed={"conversations": [CHAT], "pictures": [PICTURE]}, key="sy-mine")
    expect(stored(page, "chats")).to_have_text("1")

    with page.expect_download() as download:
        page.get_by_role("button", name="export all").click()
    file = tmp_path / "all.backup"
    download.value.save_as(file)
    assert b"sy-mine" not in file.read_bytes()

    dialog = page.get_by_role("dialog")
    page.get_by_role("button", name="delete everything…").click()
    expect(dialog).to_contain_text("1 chat, 1 picture")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(stored(page, "chats")).to_have_text("1")

    page.get_by_role("button", name="delete everything…").click()
    with page.expect_event("load"):
        dialog.get_by_role("button", name="delete everything").click()
    visit.until("settings")
    expect(stored(page, "chats")).to_have_text("0")
    assert page.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('switchyard.set'))") == []

    page.get_by_label("import…").set_input_files(file)
    with page.expect_event("load"):
        dialog.get_by_role("button", name="import").click()
    visit.until("settings")
    expect(stored(page, "chats")).to_have_text("1")
    expect(stored(page, "pictures")).to_have_text("1")


def test_a_file_of_something_else_is_refused_in_words(regular: Visit, tmp_path: Path) -> None:
    page = regular.open("settings")
    strange = tmp_path / "<img src=x onerror=alert(1)>.txt"
    strange.write_text("hello")

    page.get_by_label("import…").set_input_files(strange)

    expect(page.get_by_role("alert")).to_contain_text("it is no export of this page")


def test_it_fits_the_screen(regular: Visit) -> None:
    page = regular.open("settings", lang="ru")
    expect(panel(page, "data").locator("dd").first).to_be_visible()

    for width in (360, 768, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        keep(page, f"settings {width}")
        main = page.locator("#main")
        assert main.evaluate("(main) => main.scrollWidth - main.clientWidth") <= 0, f"at {width}"
