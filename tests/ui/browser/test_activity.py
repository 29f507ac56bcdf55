"""What was asked, as it is looked at: live, filtered, in detail, summed up."""

import re

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import Yard
from tests.ui.browser.conftest import NewVisit, keep
from tests.ui.browser.stack import HOSTILE, LONG, OwnProxy, Stack
from tests.ui.browser.visit import Visit

ROWS = ".activity-row"
PAGE = 50  # rows that come at once
WRITTEN_WITHIN_S = 20


@pytest.fixture(scope="module", autouse=True)
def asked(stack: Stack) -> None:
    """Some of each kind."""
    stack.ask("echo", "one two three")
    stack.ask(LONG, "short")
    stack.ask("echo", f"[fail {HOSTILE}]")
    last = stack.ask("nobody", "are you there?").headers["x-request-id"]
    Yard.until(lambda: count(stack, q=last) == 1, WRITTEN_WITHIN_S)


def count(stack: Stack, **filters: str) -> int:
    """How many requests the proxy knows by now: what ended is written a little later."""
    asked = {"limit": "100"} | filters
    return len(httpx.get(f"{stack.url}/api/requests", params=asked).json()["requests"])


def row_of(page: Page, model: str) -> str:
    return f'{ROWS}:has(.activity-model:text-is("{model}"))'


def live(page: Page) -> None:
    """The first page is there, and whatever ends from now on is heard of."""
    expect(page.locator(ROWS)).not_to_have_count(0)
    expect(page.locator(".activity-line")).to_have_text(re.compile(r"● live$"))


def test_each_request_has_its_row_with_model_outcome_tokens_and_times(regular: Visit) -> None:
    page = regular.open("activity")

    row = page.locator(row_of(page, LONG)).first
    expect(row.locator("[data-name=outcome]")).to_contain_text("✓ ok")
    expect(row.locator("[data-name=tokens]")).to_have_text("1 → 1")
    expect(row.locator("[data-name=total_s]")).to_have_text(re.compile(r"\d+ ms|\d.* s"))
    expect(page.locator(row_of(page, "nobody")).first).to_contain_text("⊘ refused 404")


def test_a_request_appears_by_itself_and_waits_while_somebody_reads(regular: Visit, stack: Stack) -> None:
    page = regular.open("activity?model=echo&outcome=ok")
    live(page)
    before = page.locator(ROWS).count()

    stack.ask("echo", "hello")
    expect(page.locator(ROWS)).to_have_count(before + 1)

    page.locator(".activity-open").nth(1).focus()
    stack.ask("echo", "news")
    fresh = page.get_by_role("button", name="1 new request")
    expect(fresh).to_be_visible()
    assert page.locator(ROWS).count() == before + 1
    fresh.click()
    expect(page.locator(ROWS)).to_have_count(before + 2)


def test_what_is_written_between_the_list_and_its_news_is_there_though_the_list_was_empty(
    visit: Visit, stack: Stack
) -> None:
    def meanwhile(route: Route) -> None:
        stack.ask("echo", "just now", {"x-request-id": "in-between"})
        Yard.until(lambda: count(stack, q="in-between") == 1, WRITTEN_WITHIN_S)
        route.continue_()

    visit.page.route("**/api/requests/live?**", meanwhile, times=1)

    page = visit.open("activity?q=in-between")

    expect(page.locator(ROWS)).to_have_count(1)


def test_filters_stand_in_the_address_come_from_it_and_can_be_cleared(regular: Visit) -> None:
    page = regular.open("activity")
    rows, outcome = page.locator(ROWS), page.get_by_role("combobox", name="outcome")
    live(page)

    outcome.select_option("refused")
    expect(page).to_have_url(re.compile(r"#/activity\?outcome=refused$"))
    expect(rows.filter(has_text="✓ ok")).to_have_count(0)
    expect(rows.first).to_contain_text("refused")

    page.reload()
    regular.until("activity")
    expect(outcome).to_have_value("refused")
    expect(rows.first).to_contain_text("refused")
    assert rows.filter(has_text="✓ ok").count() == 0

    page.get_by_label("request id").first.fill("there-is-no-such-request")
    expect(page.get_by_text("No request fits these filters.")).to_be_visible()
    page.locator(".empty").get_by_role("button", name="clear filters").click()
    expect(rows.filter(has_text="✓ ok")).not_to_have_count(0)
    expect(page).to_have_url(re.compile(r"#/activity$"))


def test_details_have_every_field_an_address_and_a_line_for_a_terminal(
    new_visit: NewVisit, stack: Stack
) -> None:
    visit = new_visit(permissions=["clipboard-read", "clipboard-write"])
    visit.tolerate("404")  # no bodies are captured here
    sent = stack.ask("echo", "in detail").headers["x-request-id"]
    page = visit.open(f"activity?q={sent}")

    page.locator(".activity-open").click()

    details = page.locator(".activity-details")
    expect(details.locator("dt")).to_have_count(25)
    expect(details).to_contain_text(sent)
    expect(page).to_have_url(re.compile(f"request={sent}"))
    page.reload()
    visit.until("activity")
    expect(details).to_contain_text(sent)
    page.get_by_role("button", name="copy as curl").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    line = page.evaluate("navigator.clipboard.readText()")
    assert line.startswith(f"curl -s {stack.url}/v1/chat/completions")
    assert '"model":"echo"' in line


def test_sums_by_model_lead_back_to_the_requests(regular: Visit) -> None:
    page = regular.open("activity")

    page.get_by_text("sums", exact=True).click()
    page.locator(".activity-shares").get_by_role("button", name="echo", exact=True).click()

    expect(page).to_have_url(re.compile(r"#/activity\?model=echo$"))
    expect(page.locator(ROWS).first).to_contain_text("echo")


def test_it_is_walked_by_keyboard(regular: Visit) -> None:
    page = regular.open("activity")
    live(page)

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")

    expect(page.locator(".activity-open").first).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("/")
    expect(page.get_by_label("request id").first).to_be_focused()


def test_the_live_line_rests_while_the_tab_is_hidden(regular: Visit) -> None:
    page = regular.open("activity")
    live(page)

    page.evaluate("""() => {
        Object.defineProperty(document, "hidden", {value: true, configurable: true});
        document.dispatchEvent(new Event("visibilitychange"));
    }""")

    expect(page.locator(".activity-line")).to_contain_text("not live")


def test_a_key_that_may_not_look_is_told_what_it_needs(new_visit: NewVisit, locked: OwnProxy) -> None:
    visit = new_visit(locked.url)
    visit.tolerate("403")
    page = visit.open("activity", key=locked.new_key("onlooker"))

    expect(page.get_by_role("alert")).to_contain_text("needs a key that may operate")


def test_it_fits_the_screen(regular: Visit) -> None:
    page = regular.open(f"activity?model={LONG}", lang="ru")
    page.locator(row_of(page, LONG)).first.locator(".activity-open").click()
    expect(page.locator(".activity-details")).to_be_visible()

    for width in (360, 768, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        keep(page, f"activity {width}")
        main = page.locator("#main")
        assert main.evaluate("(main) => main.scrollWidth - main.clientWidth") <= 0, f"at {width}"


def test_older_pages_follow_when_asked_for(regular: Visit, stack: Stack) -> None:
    said = {"model": "nobody", "messages": []}
    with httpx.Client(base_url=stack.url) as client:
        for _ in range(PAGE + 2):
            client.post("/v1/chat/completions", json=said)
    Yard.until(lambda: count(stack, outcome="refused") > PAGE + 2, WRITTEN_WITHIN_S)
    page = regular.open("activity?outcome=refused")
    expect(page.locator(ROWS)).to_have_count(PAGE)

    page.get_by_role("button", name="show older ones").click()

    expect(page.locator(ROWS).nth(PAGE + 2)).to_be_attached()
