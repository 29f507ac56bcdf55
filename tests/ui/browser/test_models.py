"""Models: shown as the manager says them, and everything can be done with mouse or keys."""

import re

import httpx
from playwright.sync_api import Locator, Page, expect

from tests.ui.browser.conftest import ANSWERS_WITHIN_MS, keep
from tests.ui.browser.stack import HOSTILE, LONG, Stack
from tests.ui.browser.visit import Visit

PLACES = {
    "models": f'tr[data-model="0/{LONG}"]',
    f"models/{LONG}": ".models-details .models-facts",
    "models/echo?tab=log": ".models-log-window",
    "models?page=add": "#models-form-name",
    "models?page=file": ".models-file-area",
}
TOO_WIDE = """() => [...document.querySelectorAll("main *")]
    .filter((one) => one.getBoundingClientRect().right > innerWidth + 1
        && !one.closest("pre, textarea, .models-log-window"))
    .map((one) => one.className || one.tagName)"""


def row(page: Page, model: str) -> Locator:
    return page.locator(f'tr[data-model="0/{model}"]')


def phase(page: Page, model: str, said: str) -> None:
    expect(row(page, model).locator(".models-cell-phase")).to_contain_text(said, timeout=ANSWERS_WITHIN_MS)


def command(stack: Stack, model: str, verb: str) -> None:
    httpx.post(f"{stack.url}/api/managers/0/models/{model}/{verb}", timeout=30).raise_for_status()


def ready(stack: Stack, page: Page, model: str) -> None:
    command(stack, model, "load")
    phase(page, model, "ready")


def stopped(stack: Stack, page: Page, model: str) -> None:
    command(stack, model, "unload")
    phase(page, model, "stopped")


# The list


def test_every_model_is_listed_with_its_kind_and_its_other_names(regular: Visit) -> None:
    page = regular.open("models", width=1440)

    expect(row(page, "echo")).to_contain_text("= repeat")
    expect(row(page, "demo-image")).to_contain_text("image · image-server")
    expect(row(page, LONG)).to_be_visible()


def test_nothing_is_wider_than_the_window(regular: Visit) -> None:
    page = regular.open("models", lang="ru")

    for width in (360, 768, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        for place, there in PLACES.items():
            regular.go(place)
            expect(page.locator(there)).to_be_visible()
            assert page.evaluate(TOO_WIDE) == [], f"{place} at {width}"


def test_what_a_description_holds_stays_text(regular: Visit) -> None:
    page = regular.open(f"models/{LONG}")

    expect(page.get_by_text(HOSTILE)).to_be_visible()
    assert page.title() != "taken"


def test_the_filter_finds_by_alias_and_the_address_keeps_it(regular: Visit) -> None:
    page = regular.open("models")
    expect(row(page, "demo-chat")).to_be_visible()

    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Filter")).to_be_focused()
    page.keyboard.type("repeat")

    expect(page.locator(".models-row")).to_have_count(1)
    expect(row(page, "echo")).to_be_visible()
    page.reload()
    regular.until("models")
    expect(row(page, "echo")).to_be_visible()
    expect(page.locator(".models-row")).to_have_count(1)
    page.get_by_role("searchbox", name="Filter").fill("nothing-is-called-so")
    expect(page.get_by_text("No model here fits the filter.")).to_be_visible()


def test_a_head_of_the_list_is_an_order(regular: Visit) -> None:
    page = regular.open("models", width=1440)

    page.get_by_role("button", name="requests").click()

    expect(page.get_by_role("columnheader", name="requests")).to_have_attribute("aria-sort", "descending")
    expect(page).to_have_url(re.compile("sort=requests"))


def test_two_tabs_share_one_connection(regular: Visit, stack: Stack) -> None:
    first = regular.open("models", width=1440)
    second = first.context.new_page()
    second.goto(f"{stack.url}/#/models")
    expect(row(second, "echo")).to_be_visible()

    asked = [
        page.evaluate(
            """() => performance.getEntriesByType("resource")
                .filter((one) => one.name.endsWith("/api/live")).length"""
        )
        for page in (first, second)
    ]
    second.close()

    assert asked == [0, 0]  # the worker asks


# What can be done


def test_with_the_mouse_a_model_is_loaded_unloaded_and_brought_back_from_the_note(
    regular: Visit, stack: Stack
) -> None:
    page = regular.open("models", width=1440)
    expect(row(page, "echo")).to_be_visible()
    stopped(stack, page, "echo")

    row(page, "echo").get_by_role("button", name="load echo").click()

    phase(page, "echo", "ready")
    row(page, "echo").get_by_role("button", name="More to do with echo").click()
    page.get_by_role("menuitem", name="unload").click()
    phase(page, "echo", "stopped")
    page.get_by_role("button", name="undo").click()
    phase(page, "echo", "ready")


def test_with_keys_alone_a_model_is_chosen_pinned_unloaded_and_loaded(regular: Visit, stack: Stack) -> None:
    page = regular.open("models?filter=echo", width=1440)
    expect(row(page, "echo")).to_be_visible()
    ready(stack, page, "echo")

    page.keyboard.press("j")
    expect(row(page, "echo").get_by_role("link", name="echo")).to_be_focused()
    page.keyboard.press("p")
    expect(row(page, "echo")).to_contain_text("pinned")
    page.keyboard.press("p")
    expect(row(page, "echo")).not_to_contain_text("pinned")
    page.keyboard.press("u")
    phase(page, "echo", "stopped")
    page.keyboard.press("l")
    phase(page, "echo", "ready")


def test_letters_do_nothing_where_they_are_switched_off(regular: Visit, stack: Stack) -> None:
    page = regular.open("models?filter=echo", singleKeys=False)
    expect(row(page, "echo")).to_be_visible()
    ready(stack, page, "echo")

    row(page, "echo").get_by_role("link", name="echo").focus()
    page.keyboard.press("p")
    page.keyboard.press("F1")

    expect(page.get_by_role("dialog")).to_be_visible()
    expect(row(page, "echo")).not_to_contain_text("pinned")


def test_while_it_loads_it_says_for_how_long_and_can_be_called_off(regular: Visit, stack: Stack) -> None:
    stack.ask("slow-to-load", "come up").raise_for_status()  # how long it takes is learned
    page = regular.open("models/slow-to-load", width=1440)
    expect(row(page, "slow-to-load")).to_be_visible()
    stopped(stack, page, "slow-to-load")

    page.get_by_role("button", name="load slow-to-load").last.press("Enter")

    phase(page, "slow-to-load", "loading")
    phase(page, "slow-to-load", "about")
    # The button that was pressed is no longer there, and the focus has not gone with it.
    expect(page.locator("main :focus")).to_have_count(1)
    row(page, "slow-to-load").get_by_role("button", name="call off slow-to-load").click()
    phase(page, "slow-to-load", "stopped")


def test_unloading_a_busy_model_asks_and_says_how_many_it_concerns(regular: Visit, stack: Stack) -> None:
    page = regular.open("models/echo", width=1440)
    expect(row(page, "echo")).to_be_visible()
    ready(stack, page, "echo")
    talk = {"model": "echo", "stream": True, "messages": [{"role": "user", "content": "[pace 50] [count 400]"}]}
    with httpx.stream("POST", f"{stack.url}/v1/chat/completions", json=talk, timeout=60) as reply:
        pieces = reply.iter_bytes()  # whose end would be the reply's
        next(pieces)
        expect(row(page, "echo")).to_contain_text("1 running")

        row(page, "echo").get_by_role("link", name="echo").focus()
        page.keyboard.press("u")

        expect(page.get_by_role("dialog")).to_contain_text("1 request is running on it")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(row(page, "echo").get_by_role("link", name="echo")).to_be_focused()
        phase(page, "echo", "ready")


def test_a_failure_says_why_and_what_to_do_shows_the_log_and_is_tried_again_in_place(
    regular: Visit, stack: Stack
) -> None:
    page = regular.open("models/broken", width=1440)
    page.get_by_role("button", name="load broken").last.click()
    phase(page, "broken", "failed")

    box = page.get_by_role("region", name="Why it failed")
    expect(box).to_contain_text("What to do:")
    expect(box.locator("pre")).to_contain_text("cannot read the weights")
    keep(page, "models-failure")
    box.get_by_role("button", name="try again").press("Enter")

    expect(page.get_by_text("broken was asked to load.").last).to_be_visible()
    phase(page, "broken", "failed")
    expect(page.locator("main :focus")).to_have_count(1)


# Details


def test_before_a_load_it_says_what_would_come_of_it(regular: Visit, stack: Stack) -> None:
    page = regular.open("models/demo-vision", width=1440)
    expect(row(page, "demo-vision")).to_be_visible()
    stopped(stack, page, "demo-vision")

    expect(page.get_by_text("If it were loaded now: there is room for it.")).to_be_visible()


def test_the_details_are_in_the_address_and_escape_leads_back(regular: Visit) -> None:
    page = regular.open("models", width=1440)

    row(page, "echo").get_by_role("link", name="echo").click()

    expect(page).to_have_url(re.compile("#/models/echo$"))
    expect(page.get_by_role("heading", name="echo")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile("#/models$"))
    expect(row(page, "echo").get_by_role("link", name="echo")).to_be_focused()
    regular.go("models/nobody")
    expect(page.get_by_text("There is no model “nobody” (any more).")).to_be_visible()


def test_on_a_phone_the_details_take_the_place_of_the_list(regular: Visit) -> None:
    page = regular.open("models", width=360)

    row(page, "echo").get_by_role("link", name="echo").click()

    expect(row(page, "echo")).to_be_hidden()
    page.get_by_role("button", name="Back to the list").click()
    expect(row(page, "echo")).to_be_visible()


def test_past_runs_say_how_they_went(regular: Visit, stack: Stack) -> None:
    command(stack, "echo", "load")

    page = regular.open("models/echo?tab=past")

    expect(page.get_by_text(re.compile("served after")).first).to_be_visible()
