"""What was asked, as it is looked at: live, filtered, in detail, summed up."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.ui.browser.conftest import NewVisit, keep
from tests.ui.browser.stack import HOSTILE, LONG, Stack
from tests.ui.browser.visit import Visit

ROWS = ".activity-row"


@pytest.fixture(scope="module", autouse=True)
def asked(stack: Stack) -> None:
    """Some of each kind."""
    stack.ask("echo", "one two three")
    stack.ask(LONG, "short")
    stack.ask("echo", f"[fail {HOSTILE}]")
    stack.ask("nobody", "are you there?")


def row_of(page: Page, model: str) -> str:
    return f'{ROWS}:has(.activity-model:text-is("{model}"))'


def test_each_request_has_its_row_with_model_outcome_tokens_and_times(visit: Visit) -> None:
    page = visit.open("activity")

    row = page.locator(row_of(page, LONG)).first
    expect(row.locator("[data-name=outcome]")).to_contain_text("✓ ok")
    expect(row.locator("[data-name=tokens]")).to_have_text("1 → 1")
    expect(row.locator("[data-name=total_s]")).to_have_text(re.compile(r"\d+ ms|\d.* s"))
    expect(page.locator(row_of(page, "nobody")).first).to_contain_text("⊘ refused 404")


def test_a_request_appears_by_itself_when_it_is_over(visit: Visit, stack: Stack) -> None:
    page = visit.open("activity?model=demo-chat")
    expect(page.locator(".activity-line")).to_contain_text("live")

    stack.ask("demo-chat", "hello")

    expect(page.locator(ROWS)).not_to_have_count(0)


def test_while_somebody_reads_a_row_news_wait_and_nothing_moves(visit: Visit, stack: Stack) -> None:
    page = visit.open("activity")
    expect(page.locator(".activity-line")).to_contain_text("live")
    page.locator(".activity-open").nth(1).focus()
    before = page.locator(ROWS).count()

    stack.ask("echo", "news")

    fresh = page.get_by_role("button", name="1 new request")
    expect(fresh).to_be_visible()
    assert page.locator(ROWS).count() == before
    fresh.click()
    expect(page.locator(ROWS)).to_have_count(before + 1)


def test_filters_stand_in_the_address_and_come_from_it(visit: Visit) -> None:
    page = visit.open("activity")

    page.get_by_role("combobox", name="outcome").select_option("refused")

    expect(page).to_have_url(re.compile(r"#/activity\?outcome=refused$"))
    expect(page.locator(ROWS).first).to_contain_text("refused")
    page.reload()
    visit.until("activity")
    expect(page.get_by_role("combobox", name="outcome")).to_have_value("refused")
    expect(page.locator(ROWS).first).to_contain_text("refused")
    expect(page.locator(ROWS).filter(has_text="✓ ok")).to_have_count(0)


def test_no_request_that_fits_says_so_and_offers_a_way_out(visit: Visit) -> None:
    page = visit.open("activity?q=there-is-no-such-request")

    expect(page.get_by_text("No request fits these filters.")).to_be_visible()
    page.locator(".empty").get_by_role("button", name="clear filters").click()

    expect(page.locator(ROWS)).not_to_have_count(0)
    expect(page).to_have_url(re.compile(r"#/activity$"))


def test_details_have_every_field_and_their_address(visit: Visit, stack: Stack) -> None:
    sent = stack.ask("echo", "in detail").headers["x-request-id"]
    page = visit.open("activity")

    page.locator(row_of(page, "echo")).first.locator(".activity-open").click()

    details = page.locator(".activity-details")
    expect(details.locator("dt")).to_have_count(25)
    expect(details).to_contain_text(sent)
    expect(page).to_have_url(re.compile(f"request={sent}"))
    page.reload()
    visit.until("activity")
    expect(page.locator(".activity-details")).to_contain_text(sent)


def test_a_request_is_copied_as_a_line_for_a_terminal(new_visit: NewVisit, stack: Stack) -> None:
    visit = new_visit(permissions=["clipboard-read", "clipboard-write"])
    visit.tolerate("404")  # no bodies are captured here
    page = visit.open("activity?model=echo&outcome=ok")
    page.locator(".activity-open").first.click()

    page.get_by_role("button", name="copy as curl").click()

    expect(page.get_by_text("Copied.")).to_be_visible()
    line = page.evaluate("navigator.clipboard.readText()")
    assert line.startswith(f"curl -s {stack.url}/v1/chat/completions")
    assert '"model":"echo"' in line


def test_sums_by_model_lead_back_to_the_requests(visit: Visit) -> None:
    page = visit.open("activity")

    page.get_by_text("sums", exact=True).click()
    page.locator(".activity-shares").get_by_role("button", name="echo", exact=True).click()

    expect(page).to_have_url(re.compile(r"#/activity\?model=echo$"))
    expect(page.locator(ROWS).first).to_contain_text("echo")


def test_older_pages_follow_when_asked_for(visit: Visit, stack: Stack) -> None:
    for number in range(52):
        stack.ask("nobody", str(number))
    page = visit.open("activity?model=nobody&outcome=refused", lang="ru")
    page.goto(f"{stack.url}/#/activity?outcome=refused")
    expect(page.locator(ROWS)).to_have_count(50)

    page.get_by_role("button", name="показать более ранние").click()

    expect(page.locator(ROWS).nth(52)).to_be_attached()


def test_it_is_walked_by_keyboard(visit: Visit) -> None:
    page = visit.open("activity")
    expect(page.locator(ROWS)).not_to_have_count(0)

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")

    expect(page.locator(".activity-open").first).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("/")
    expect(page.get_by_label("request id").first).to_be_focused()


def test_the_live_line_rests_while_the_tab_is_hidden(visit: Visit) -> None:
    page = visit.open("activity")
    expect(page.locator(".activity-line")).to_contain_text("live")

    page.evaluate("""() => {
        Object.defineProperty(document, "hidden", {value: true, configurable: true});
        document.dispatchEvent(new Event("visibilitychange"));
    }""")

    expect(page.locator(".activity-line")).to_contain_text("not live")


def test_a_key_that_may_not_look_is_told_what_it_needs(new_visit: NewVisit, stack: Stack) -> None:
    proxy = stack.new_proxy(auth="on").start()
    visit = new_visit(proxy.url)
    visit.tolerate("403")
    page = visit.open("activity", key=proxy.new_key("guest"))

    expect(page.get_by_role("alert")).to_contain_text("needs a key that may operate")


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_it_fits_the_screen(visit: Visit, width: int) -> None:
    page = visit.open("activity", width=width)
    page.locator(row_of(page, LONG)).first.locator(".activity-open").click()
    expect(page.locator(".activity-details")).to_be_visible()

    assert page.evaluate(
        "document.getElementById('main').scrollWidth <= document.getElementById('main').clientWidth"
    )
    keep(page, f"activity {width}")
