"""models.json from the page: by a form that knows the schema, and as text with its faults at their places."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.browser.conftest import keep
from tests.ui.browser.stack import Stack
from tests.ui.browser.visit import Visit

Catalog = dict[str, Any]


def catalog(stack: Stack) -> Catalog:
    said: Catalog = httpx.get(f"{stack.url}/api/managers/0/catalog").json()
    return said


def write(stack: Stack, text: str, etag: str) -> None:
    url, headers = f"{stack.url}/api/managers/0/catalog", {"if-match": etag, "content-type": "text/plain"}
    httpx.put(url, content=text, headers=headers).raise_for_status()


@pytest.fixture
def as_it_was(stack: Stack) -> Iterator[None]:
    """The catalog is put back, whatever a test makes of it."""
    before = catalog(stack)
    yield
    now = catalog(stack)
    if now["text"] != before["text"]:
        write(stack, before["text"], now["etag"])


def row(page: Page, model: str) -> Locator:
    return page.locator(f'tr[data-model="0/{model}"]')


def text_of(page: Page) -> Locator:
    """The field with the file in it, once that is there."""
    text = page.get_by_label("The text of models.json")
    expect(text).to_have_value(re.compile('"echo"'))
    return text


# The form


@pytest.mark.usefixtures("as_it_was")
def test_a_model_is_added_changed_and_removed_by_form(regular: Visit, stack: Stack) -> None:
    page = regular.open("models", width=1440)
    page.get_by_role("button", name="add a model").click()

    page.get_by_label("Name").fill("newcomer")
    page.get_by_label("repo").fill("nobody/nothing")
    page.get_by_label("vram_mib").fill("much")
    expect(page.get_by_text("Write a whole number.").first).to_be_visible()
    page.get_by_label("vram_mib").fill("2000")
    keep(page, "models-form")
    page.get_by_role("button", name="add it").click()

    expect(row(page, "newcomer")).to_be_visible()
    expect(page.get_by_role("heading", name="newcomer")).to_be_visible()
    assert json.loads(catalog(stack)["text"])["models"]["newcomer"] == {
        "type": "text",
        "repo": "nobody/nothing",
        "vram_mib": 2000,
    }
    page.get_by_role("button", name="change its entry").click()
    page.get_by_label("aliases").fill("new-one")
    page.get_by_role("button", name="save").click()
    expect(row(page, "newcomer")).to_contain_text("= new-one")
    before = catalog(stack)["text"]
    page.get_by_role("button", name="remove from models.json").click()
    expect(row(page, "newcomer")).to_have_count(0)
    page.get_by_role("button", name="undo").click()
    expect(row(page, "newcomer")).to_be_visible()
    assert catalog(stack)["text"] == before


def test_what_could_not_be_put_back_from_here_is_asked_about_before_it_is_removed(
    regular: Visit, stack: Stack
) -> None:
    page = regular.open("models/echo", width=1440)  # a folder of the machine is in its entry
    before = catalog(stack)["text"]

    page.get_by_role("button", name="remove from models.json").click()

    expect(page.get_by_role("dialog")).to_contain_text("Remove echo from models.json?")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert catalog(stack)["text"] == before


def test_a_form_with_a_fault_is_not_sent_and_leads_to_the_fault(regular: Visit, stack: Stack) -> None:
    page = regular.open("models?page=add", width=1440)
    before = catalog(stack)["text"]

    page.get_by_role("button", name="add it").click()

    expect(page.get_by_label("Name")).to_be_focused()
    expect(page.get_by_text("It needs a name.").first).to_be_visible()
    assert catalog(stack)["text"] == before
    # What only the manager can know stands at its field, too.
    page.get_by_label("Name").fill("newcomer")
    page.get_by_label("repo").fill("nobody/nothing")
    page.get_by_label("aliases").fill("echo")
    field = page.locator(".field", has=page.get_by_label("aliases"))
    expect(field.locator(".field-error")).to_contain_text("echo")


# The file


@pytest.mark.usefixtures("as_it_was")
def test_a_fault_in_the_file_is_named_a_click_leads_to_it_and_mended_it_is_saved(
    regular: Visit, stack: Stack
) -> None:
    page = regular.open("models?page=file", width=1440)
    text = text_of(page)

    text.fill(text.input_value().replace('"description": "Says', '"descripton": "Says'))
    problem = page.get_by_role("button", name=re.compile("descripton"))
    expect(problem).to_be_visible()
    keep(page, "models-file")
    problem.click()

    chosen = text.evaluate("(area) => area.value.slice(area.selectionStart, area.selectionEnd)")
    assert chosen == '"descripton"'
    assert text.evaluate("(area) => area.scrollLeft") > 0  # all of the file is one line
    text.fill(
        text.input_value().replace('"descripton": "Says back what it is told.', '"description": "Says it back.')
    )
    expect(page.get_by_text("Nothing is wrong with it. It is not saved yet.")).to_be_visible()
    assert "descri" in catalog(stack)["text"]
    assert "Says it back." not in catalog(stack)["text"]
    page.keyboard.press("Control+s")
    expect(page.get_by_text("models.json is saved, and acts.")).to_be_visible()
    assert "Says it back." in catalog(stack)["text"]


@pytest.mark.usefixtures("as_it_was")
def test_a_file_that_somebody_else_saved_meanwhile_costs_no_word(regular: Visit, stack: Stack) -> None:
    regular.tolerate("412")
    page = regular.open("models?page=file", width=1440)
    text = text_of(page)
    theirs = catalog(stack)
    changed = theirs["text"].replace("Takes a few seconds to load.", "Takes its time.")
    write(stack, changed, theirs["etag"])

    mine = text.input_value().replace("Says back what it is told.", "Says it back.")
    text.fill(mine)
    page.get_by_role("button", name="save", exact=True).click()

    expect(page.get_by_text("Somebody else saved models.json meanwhile.")).to_be_visible()
    expect(text).to_have_value(mine)
    page.get_by_role("button", name="take theirs").click()
    expect(text).to_have_value(changed)
    page.get_by_role("button", name="undo", exact=True).click()
    expect(text).to_have_value(mine)
