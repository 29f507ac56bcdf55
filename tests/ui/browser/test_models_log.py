"""A model's log: followed, searched, folded; drawn in part, and never torn from under whoever reads."""

import json
import re
from dataclasses import dataclass

import httpx
from playwright.sync_api import Route, expect

from tests.ui.browser.conftest import NewVisit, keep
from tests.ui.browser.stack import Stack
from tests.ui.browser.visit import Visit


@dataclass
class Written:
    """A log as it would be sent, up to a line; every connection breaks off after the last."""

    last: int
    first: int = 0

    def answer(self, route: Route) -> None:
        lines = (
            f"event: line\ndata: {json.dumps(f'line {number}')}\n\n" for number in range(self.first, self.last)
        )
        route.fulfill(status=200, body="".join(lines), headers={"content-type": "text/event-stream"})


def test_it_is_read_searched_and_folded_with_keys(regular: Visit, stack: Stack) -> None:
    httpx.post(f"{stack.url}/api/managers/0/models/echo/load", timeout=30).raise_for_status()
    regular.open("settings", width=1440)
    page = regular.go("models/echo?tab=log")  # so that list and log come in the same moment
    lines = page.get_by_role("log")
    expect(lines).to_contain_text("ready")

    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search the log")).to_be_focused()
    page.keyboard.type("ready")
    page.keyboard.press("Enter")

    expect(lines.locator("mark").first).to_have_text("ready")
    expect(page.locator(".models-log-search [role=status]")).to_have_text(re.compile(r"1/\d+"))
    lines.focus()
    page.keyboard.press("w")
    expect(page.get_by_role("button", name="fold")).to_have_attribute("aria-pressed", "true")
    keep(page, "models-log")


def test_of_a_long_log_the_end_is_kept_and_what_is_seen_is_drawn(new_visit: NewVisit) -> None:
    visit = new_visit()
    visit.page.route("**/logs?follow=true*", Written(6_000).answer)
    page = visit.open("models/echo?tab=log", width=1440)
    lines = page.get_by_role("log")
    expect(lines).to_contain_text("line 5999")

    assert page.locator(".models-log-row").count() < 200
    lines.focus()
    page.keyboard.press("Home")
    expect(lines).to_contain_text("line 1000")
    expect(page.get_by_text("1,000 older lines are not kept")).to_be_visible()


def test_one_that_breaks_off_goes_on_without_a_repeat_and_whoever_reads_further_up_is_not_moved(
    new_visit: NewVisit,
) -> None:
    visit, written = new_visit(), Written(300)
    visit.page.route("**/logs?follow=true*", written.answer)
    page = visit.open("models/echo?tab=log", width=1440)
    lines = page.get_by_role("log")
    expect(lines).to_contain_text("line 299")

    lines.hover()
    page.mouse.wheel(0, -2_000)
    expect(page.get_by_role("button", name="follow")).to_have_attribute("aria-pressed", "false")
    expect(lines).not_to_contain_text("line 299")
    before = lines.evaluate("(box) => box.scrollTop")
    written.first, written.last = 200, 360
    news = page.get_by_role("button", name="60 new")
    expect(news).to_be_visible()

    assert lines.evaluate("(box) => box.scrollTop") == before
    news.click()
    expect(lines).to_contain_text("line 359")
    page.get_by_role("searchbox", name="Search the log").fill("line 25")
    # That line, and 250 to 259: each once.
    expect(page.locator(".models-log-search [role=status]")).to_have_text(re.compile("/11$"))
