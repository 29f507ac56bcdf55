"""Settings: what they change shows at once and lasts; what this browser keeps goes out, comes in, and away."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.ui.browser.conftest import NewVisit, keep
from tests.ui.browser.stack import Stack
from tests.ui.browser.visit import Visit

CHAT = {"id": "c1", "title": "Kept", "updated": 1}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def kept(page: Page) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(page.evaluate("localStorage['switchyard.settings']"))
    return said


def panel(page: Page, name: str) -> Any:
    return page.locator(f"#settings-{name}")


def stored(page: Page, name: str) -> str:
    return str(panel(page, "data").locator(f"dt:text-is('{name}') + dd").inner_text())


@pytest.mark.parametrize("theme", ["phosphor", "amber", "paper"])
def test_a_theme_shows_at_once_and_lasts(visit: Visit, theme: str) -> None:
    page = visit.open("settings", theme="auto")

    page.get_by_label(theme, exact=True).check()

    expect(page.locator("html")).to_have_attribute("data-theme", theme)
    page.reload()
    visit.until("settings")
    expect(page.get_by_label(theme, exact=True)).to_be_checked()


def test_density_and_scan_lines_show_at_once(visit: Visit) -> None:
    page = visit.open("settings")

    page.get_by_label("compact").check()
    page.get_by_label("Scan-lines").check()

    expect(page.locator("html")).to_have_attribute("data-density", "compact")
    expect(page.locator("html")).to_have_attribute("data-scanlines", "")


def test_the_language_changes_without_a_reload(visit: Visit) -> None:
    page = visit.open("settings")

    page.get_by_label("Русский").check()

    expect(page.get_by_role("heading", name="настройки")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "ru")


def test_the_language_is_the_browsers_at_first(new_visit: NewVisit) -> None:
    page = new_visit(locale="ru-RU").open("settings", lang="auto")

    expect(page.get_by_role("heading", name="настройки")).to_be_visible()


def test_a_key_is_tested_kept_masked_and_forgotten(new_visit: NewVisit, stack: Stack) -> None:
    proxy = stack.new_proxy(auth="on").start()
    key = proxy.new_key("laptop", "operate")
    visit = new_visit(proxy.url)
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


def test_what_new_chats_begin_with_is_kept_and_nonsense_is_not(visit: Visit) -> None:
    page = visit.open("settings")

    page.get_by_role("combobox", name="Model").select_option("demo-chat")
    page.get_by_label("System prompt").fill("Be brief.")
    page.get_by_label("Temperature").fill("0,5")
    page.get_by_label("Top-p").fill("7")

    expect(page.get_by_label("Top-p")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("From 0 to 1.")).to_be_visible()
    said = kept(page)
    assert (said["model"], said["system"]) == ("demo-chat", "Be brief.")
    assert (said["sampling"]["temperature"], said["sampling"]["top_p"]) == (0.5, None)


def test_everything_goes_out_as_a_file_and_comes_in_again(visit: Visit, tmp_path: Path) -> None:
    picture = {"id": "p1", "at": 5, "batch": "b", "blob": {"$blob": PIXEL, "type": "image/png"}}
    page = visit.open("settings", seed={"conversations": [CHAT], "pictures": [picture]}, key="sy-mine")
    expect(panel(page, "data")).to_contain_text("chats")

    with page.expect_download() as download:
        page.get_by_role("button", name="export all").click()
    file = tmp_path / "all.backup"
    download.value.save_as(file)

    assert b"sy-mine" not in file.read_bytes()
    forget_everything(page)
    visit.until("settings")
    expect(panel(page, "data").locator("dt:text-is('chats') + dd")).to_have_text("0")

    page.get_by_label("import…").set_input_files(file)
    page.get_by_role("dialog").get_by_role("button", name="import").click()

    page.wait_for_event("load")
    visit.until("settings")
    expect(panel(page, "data").locator("dt:text-is('chats') + dd")).to_have_text("1")
    expect(panel(page, "data").locator("dt:text-is('pictures') + dd")).to_have_text("1")


def forget_everything(page: Page) -> None:
    page.get_by_role("button", name="delete everything…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 chat, 1 picture")
    with page.expect_event("load"):
        dialog.get_by_role("button", name="delete everything").click()
    assert page.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('switchyard.set'))") == []


def test_delete_everything_asks_first(visit: Visit) -> None:
    page = visit.open("settings", seed={"conversations": [CHAT]})

    page.get_by_role("button", name="delete everything…").click()
    page.keyboard.press("Escape")

    expect(panel(page, "data").locator("dt:text-is('chats') + dd")).to_have_text("1")


def test_a_file_of_something_else_is_refused_in_words(visit: Visit, tmp_path: Path) -> None:
    page = visit.open("settings")
    strange = tmp_path / "<img src=x onerror=alert(1)>.txt"
    strange.write_text("hello")

    page.get_by_label("import…").set_input_files(strange)

    expect(page.get_by_role("alert")).to_contain_text("it is no export of this page")


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_it_fits_the_screen(visit: Visit, width: int) -> None:
    page = visit.open("settings", width=width, lang="ru")

    assert page.evaluate(
        "document.getElementById('main').scrollWidth <= document.getElementById('main').clientWidth"
    )
    keep(page, f"settings {width}")
