"""Models: shown as the manager says them, and everything can be done with mouse or keys."""

import json
import re
import time
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.e2e.conftest import Yard
from tests.ui.browser.conftest import ANSWERS_WITHIN_MS, NewVisit, keep
from tests.ui.browser.stack import HOSTILE, LONG, Stack
from tests.ui.browser.visit import Visit

SETTLES_MS = 30_000


def row(page: Page, model: str) -> Locator:
    return page.locator(f'tr[data-model="0/{model}"]')


def phase(page: Page, model: str, said: str) -> None:
    expect(row(page, model).locator(".models-cell-phase")).to_contain_text(said, timeout=ANSWERS_WITHIN_MS)


def command(stack: Stack, model: str, verb: str) -> None:
    httpx.post(f"{stack.url}/api/managers/0/models/{model}/{verb}", timeout=30).raise_for_status()


def stopped(stack: Stack, page: Page, model: str) -> None:
    command(stack, model, "unload")
    phase(page, model, "stopped")


def catalog(stack: Stack) -> dict[str, Any]:
    said: dict[str, Any] = httpx.get(f"{stack.url}/api/managers/0/catalog").json()
    return said


@pytest.fixture
def as_it_was(stack: Stack) -> Any:
    """The catalog is put back, whatever a test makes of it."""
    before = catalog(stack)
    yield before
    now = catalog(stack)
    if now["text"] != before["text"]:
        headers = {"if-match": now["etag"], "content-type": "text/plain"}
        httpx.put(
            f"{stack.url}/api/managers/0/catalog", content=before["text"], headers=headers
        ).raise_for_status()


# The list


def test_every_model_is_listed_with_its_kind_and_its_other_names(visit: Visit) -> None:
    page = visit.open("models", width=1440)

    expect(row(page, "echo")).to_contain_text("= repeat")
    expect(row(page, "demo-image")).to_contain_text("image · image-server")
    expect(row(page, LONG)).to_be_visible()


@pytest.mark.parametrize("width", [360, 768, 1440])
@pytest.mark.parametrize("lang", ["en", "ru"])
def test_nothing_is_wider_than_the_window(visit: Visit, width: int, lang: str) -> None:
    page = visit.open("models", width=width, lang=lang)
    expect(row(page, LONG)).to_be_visible()
    keep(page, f"models-{width}-{lang}")

    for place in ("models", f"models/{LONG}", "models/echo?tab=log", "models?page=add", "models?page=file"):
        visit.go(place)
        page.wait_for_timeout(300)
        wide = page.evaluate(
            """() => [...document.querySelectorAll("main *")].filter((one) =>
                one.getBoundingClientRect().right > innerWidth + 1
                && !one.closest("pre, textarea, .models-log-window"))
                .map((one) => one.className || one.tagName)"""
        )
        assert wide == [], place


def test_what_a_description_holds_stays_text(visit: Visit) -> None:
    page = visit.open(f"models/{LONG}")

    expect(page.get_by_text(HOSTILE)).to_be_visible()
    assert page.title() != "taken"


def test_the_filter_finds_by_alias_and_the_address_keeps_it(visit: Visit) -> None:
    page = visit.open("models")
    expect(row(page, "demo-chat")).to_be_visible()

    page.keyboard.press("/")
    page.keyboard.type("repeat")

    expect(page.locator(".models-row")).to_have_count(1)
    expect(row(page, "echo")).to_be_visible()
    page.reload()
    visit.until("models")
    expect(page.locator(".models-row")).to_have_count(1)


def test_a_filter_that_fits_nothing_says_so(visit: Visit) -> None:
    page = visit.open("models?filter=nothing-is-called-so")

    expect(page.get_by_text("No model here fits the filter.")).to_be_visible()


def test_a_head_of_the_list_is_an_order(visit: Visit) -> None:
    page = visit.open("models", width=1440)

    page.get_by_role("button", name="requests").click()

    expect(page.get_by_role("columnheader", name="requests")).to_have_attribute("aria-sort", "descending")
    expect(page).to_have_url(re.compile("sort=requests"))


# What can be done


def test_a_model_is_loaded_and_unloaded_with_the_mouse(visit: Visit, stack: Stack) -> None:
    page = visit.open("models", width=1440)
    stopped(stack, page, "echo")

    row(page, "echo").get_by_role("button", name="load echo").click()

    phase(page, "echo", "ready")
    row(page, "echo").get_by_role("button", name="More to do with echo").click()
    page.get_by_role("menuitem", name="unload").click()
    phase(page, "echo", "stopped")


def test_a_model_is_chosen_loaded_pinned_and_unloaded_with_keys_alone(visit: Visit, stack: Stack) -> None:
    page = visit.open("models?filter=echo", width=1440)
    stopped(stack, page, "echo")

    page.keyboard.press("j")
    page.keyboard.press("l")
    phase(page, "echo", "ready")
    page.keyboard.press("p")
    expect(row(page, "echo")).to_contain_text("pinned")
    page.keyboard.press("p")
    expect(row(page, "echo")).not_to_contain_text("pinned")
    page.keyboard.press("u")

    phase(page, "echo", "stopped")


def test_letters_do_nothing_where_they_are_switched_off(visit: Visit, stack: Stack) -> None:
    page = visit.open("models?filter=echo", singleKeys=False)
    stopped(stack, page, "echo")

    row(page, "echo").get_by_role("link", name="echo").focus()
    page.keyboard.press("l")
    page.wait_for_timeout(500)

    phase(page, "echo", "stopped")


def test_while_it_loads_it_says_so_and_can_be_called_off(visit: Visit, stack: Stack) -> None:
    page = visit.open("models", width=1440)
    stopped(stack, page, "slow-to-load")

    row(page, "slow-to-load").get_by_role("button", name="load slow-to-load").click()

    phase(page, "slow-to-load", "loading")
    row(page, "slow-to-load").get_by_role("button", name="call off slow-to-load").click()
    phase(page, "slow-to-load", "stopped")


def test_unloading_a_busy_model_asks_and_says_how_many_it_concerns(visit: Visit, stack: Stack) -> None:
    page = visit.open("models/echo", width=1440)
    command(stack, "echo", "load")
    phase(page, "echo", "ready")
    talk = {"model": "echo", "stream": True, "messages": [{"role": "user", "content": "[pace 50] [count 100]"}]}
    with httpx.stream("POST", f"{stack.url}/v1/chat/completions", json=talk, timeout=60) as reply:
        next(reply.iter_bytes())
        expect(row(page, "echo")).to_contain_text("1 running")

        row(page, "echo").get_by_role("link", name="echo").focus()
        page.keyboard.press("u")

        expect(page.get_by_role("dialog")).to_contain_text("1 request is running on it")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        phase(page, "echo", "ready")


def test_what_was_unloaded_can_be_brought_back_from_the_note(visit: Visit, stack: Stack) -> None:
    page = visit.open("models", width=1440)
    command(stack, "echo", "load")
    phase(page, "echo", "ready")

    row(page, "echo").get_by_role("link", name="echo").focus()
    page.keyboard.press("u")
    phase(page, "echo", "stopped")
    page.get_by_role("button", name="undo").click()

    phase(page, "echo", "ready")


def test_a_failure_says_why_what_to_do_and_can_be_tried_again_in_place(visit: Visit, stack: Stack) -> None:
    page = visit.open("models/broken", width=1440)
    page.get_by_role("button", name="load broken").last.click()
    phase(page, "broken", "failed")

    box = page.get_by_role("region", name="Why it failed")
    expect(box).to_contain_text("What to do:")
    keep(page, "models-failure")
    box.get_by_role("button", name="try again").click()

    expect(page.get_by_text("broken was asked to load.").last).to_be_visible()
    phase(page, "broken", "failed")


def test_before_a_load_it_says_what_would_come_of_it(visit: Visit, stack: Stack) -> None:
    page = visit.open("models/demo-vision", width=1440)
    stopped(stack, page, "demo-vision")

    expect(page.get_by_text("If it were loaded now: there is room for it.")).to_be_visible()


# Details and log


def test_the_details_are_in_the_address_and_escape_leads_back(visit: Visit) -> None:
    page = visit.open("models", width=1440)

    row(page, "echo").get_by_role("link", name="echo").click()

    expect(page).to_have_url(re.compile("#/models/echo$"))
    expect(page.get_by_role("heading", name="echo")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile("#/models$"))
    expect(row(page, "echo").get_by_role("link", name="echo")).to_be_focused()


def test_on_a_phone_the_details_take_the_place_of_the_list(visit: Visit) -> None:
    page = visit.open("models", width=360)

    row(page, "echo").get_by_role("link", name="echo").click()

    expect(row(page, "echo")).to_be_hidden()
    page.get_by_role("button", name="Back to the list").click()
    expect(row(page, "echo")).to_be_visible()


def test_a_model_that_is_not_there_is_named(visit: Visit) -> None:
    page = visit.open("models/nobody")

    expect(page.get_by_text("There is no model “nobody” (any more).")).to_be_visible()


def test_the_log_is_read_searched_and_folded_with_keys(visit: Visit, stack: Stack) -> None:
    command(stack, "demo-chat", "load")
    page = visit.open("models/demo-chat?tab=log", width=1440)
    lines = page.get_by_role("log")
    expect(lines).to_contain_text("demo-chat", timeout=ANSWERS_WITHIN_MS)

    page.keyboard.press("/")
    page.keyboard.type("demo")
    page.keyboard.press("Enter")

    expect(lines.locator("mark").first).to_have_text("demo")
    expect(page.locator(".models-log-search [role=status]")).to_have_text(re.compile(r"1/\d+"))
    lines.focus()
    page.keyboard.press("w")
    expect(page.get_by_role("button", name="fold")).to_have_attribute("aria-pressed", "true")
    keep(page, "models-log")


def lines_of(first: int, last: int) -> str:
    return "".join(f"event: line\ndata: {json.dumps(f'line {n}')}\n\n" for n in range(first, last))


def test_a_long_log_is_drawn_in_part_and_kept_in_part(visit: Visit) -> None:
    visit.page.route("**/logs?follow=true*", lambda route: answer(route, lines_of(0, 6_000)))
    page = visit.open("models/echo?tab=log", width=1440)

    expect(page.get_by_role("log")).to_contain_text("line 5999")

    assert page.locator(".models-log-row").count() < 200
    page.get_by_role("log").focus()
    page.keyboard.press("Home")
    expect(page.get_by_role("log")).to_contain_text("line 1000")


def answer(route: Route, body: str, kind: str = "text/event-stream") -> None:
    route.fulfill(status=200, body=body, headers={"content-type": kind})


def test_a_log_that_breaks_off_goes_on_without_a_repeat(visit: Visit) -> None:
    said = [lines_of(0, 50), lines_of(20, 60)]
    visit.page.route(
        "**/logs?follow=true*", lambda route: answer(route, said.pop(0) if len(said) > 1 else said[0])
    )
    page = visit.open("models/echo?tab=log", width=1440)

    expect(page.get_by_role("log")).to_contain_text("line 59")

    shown = page.get_by_role("log").inner_text().split()
    assert [shown.count(str(n)) for n in (30, 49, 50, 59)] == [1, 1, 1, 1]


def test_whoever_reads_further_up_is_not_moved(visit: Visit, stack: Stack) -> None:
    visit.page.route("**/logs?follow=true*", lambda route: answer(route, lines_of(0, 300)))
    page = visit.open("models/echo?tab=log", width=1440)
    lines = page.get_by_role("log")
    expect(lines).to_contain_text("line 299")

    lines.hover()
    page.mouse.wheel(0, -2_000)
    expect(page.get_by_role("button", name="follow")).to_have_attribute("aria-pressed", "false")
    page.wait_for_timeout(300)
    before = lines.evaluate("(box) => box.scrollTop")
    page.wait_for_timeout(2_000)

    assert lines.evaluate("(box) => box.scrollTop") == before
    page.keyboard.press("f")
    expect(lines).to_contain_text("line 299")


def test_past_runs_say_how_they_went(visit: Visit, stack: Stack) -> None:
    command(stack, "echo", "load")
    page = visit.open("models/echo?tab=past")

    expect(page.get_by_text(re.compile("served after")).first).to_be_visible(timeout=SETTLES_MS)


# Rights, and a link that is down


def test_a_key_that_may_only_use_sees_models_and_no_buttons(new_visit: NewVisit, stack: Stack) -> None:
    proxy = stack.new_proxy(auth="on").start()
    key = proxy.new_key("guest", "use")
    Yard.until(lambda: bool(httpx.get(f"{proxy.url}/v1/models", headers={"x-api-key": key}).is_success), 60)
    visit = new_visit(proxy.url)
    page = visit.open("models/echo", width=1440, key=key)

    expect(page.get_by_text("This key may look on, and not load or unload.")).to_be_visible()
    expect(row(page, "echo").get_by_role("button")).to_have_count(0)
    expect(page.get_by_role("button", name="add a model")).to_have_count(0)
    expect(page.get_by_role("tab", name="log")).to_have_count(0)


def test_when_the_proxy_is_away_the_age_of_what_is_shown_is_told(new_visit: NewVisit, stack: Stack) -> None:
    proxy = stack.new_proxy().start()
    visit = new_visit(proxy.url)
    visit.tolerate("Failed to load resource", "ERR_")
    page = visit.open("models", width=1440)
    expect(row(page, "echo")).to_be_visible()

    proxy.kill()

    expect(page.get_by_text(re.compile("The proxy does not answer. What is shown was heard"))).to_be_visible()
    expect(row(page, "echo")).to_be_visible()
    proxy.start()
    expect(page.get_by_text("The proxy does not answer.")).to_have_count(0, timeout=SETTLES_MS)


def test_two_tabs_share_one_connection(visit: Visit, stack: Stack) -> None:
    first = visit.open("models", width=1440)
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

    assert asked == [0, 0]  # the worker asks


# models.json


@pytest.mark.usefixtures("as_it_was")
def test_a_model_is_added_changed_and_removed_by_form(visit: Visit, stack: Stack) -> None:
    page = visit.open("models", width=1440)
    page.get_by_role("button", name="add a model").click()

    page.get_by_label("Name").fill("newcomer")
    page.get_by_label("repo").fill("nobody/nothing")
    page.get_by_label("vram_mib").fill("much")
    expect(page.get_by_text("Write a whole number.").first).to_be_visible()
    page.get_by_label("vram_mib").fill("2000")
    keep(page, "models-form")
    page.get_by_role("button", name="add it").click()

    expect(row(page, "newcomer")).to_be_visible()
    assert json.loads(catalog(stack)["text"])["models"]["newcomer"] == {
        "type": "text",
        "repo": "nobody/nothing",
        "vram_mib": 2000,
    }
    page.get_by_role("button", name="change its entry").click()
    page.get_by_label("aliases").fill("new-one")
    page.get_by_role("button", name="save").click()
    expect(row(page, "newcomer")).to_contain_text("= new-one")
    page.get_by_role("button", name="remove from models.json").click()
    page.get_by_role("dialog").get_by_role("button", name="remove from models.json").click()
    expect(row(page, "newcomer")).to_have_count(0)


def test_a_form_with_a_fault_is_not_sent_and_leads_to_the_fault(visit: Visit, stack: Stack) -> None:
    page = visit.open("models?page=add", width=1440)
    before = catalog(stack)["text"]

    page.get_by_role("button", name="add it").click()

    expect(page.get_by_label("Name")).to_be_focused()
    expect(page.get_by_text("It needs a name.").first).to_be_visible()
    assert catalog(stack)["text"] == before


def test_what_the_manager_finds_wrong_stands_at_its_field(visit: Visit) -> None:
    page = visit.open("models?page=add", width=1440)

    page.get_by_label("Name").fill("newcomer")
    page.get_by_label("repo").fill("nobody/nothing")
    page.get_by_label("aliases").fill("echo")

    field = page.locator(".field", has=page.get_by_label("aliases"))
    expect(field.locator(".field-error")).to_contain_text("echo")


@pytest.mark.usefixtures("as_it_was")
def test_the_file_is_changed_and_saved(visit: Visit, stack: Stack) -> None:
    page = visit.open("models?page=file", width=1440)
    text = page.get_by_label("The text of models.json")
    expect(text).to_have_value(re.compile('"echo"'))

    text.fill(text.input_value().replace("Says back what it is told.", "Says it back."))
    expect(page.get_by_text("Nothing is wrong with it. It is not saved yet.")).to_be_visible()
    page.keyboard.press("Control+s")

    expect(page.get_by_text("models.json is saved, and acts.")).to_be_visible()
    assert "Says it back." in catalog(stack)["text"]


def test_a_fault_in_the_file_is_named_and_a_click_leads_to_it(visit: Visit, stack: Stack) -> None:
    page = visit.open("models?page=file", width=1440)
    text = page.get_by_label("The text of models.json")
    expect(text).to_have_value(re.compile('"echo"'))

    text.fill(text.input_value().replace('"description": "Says', '"descripton": "Says'))
    problem = page.get_by_role("button", name=re.compile("descripton"))
    expect(problem).to_be_visible()
    keep(page, "models-file")
    problem.click()

    assert text.evaluate("(area) => area.value.slice(area.selectionStart, area.selectionEnd)") == '"descripton"'
    assert "descripton" not in catalog(stack)["text"]
    page.get_by_role("button", name="undo all changes").click()


@pytest.mark.usefixtures("as_it_was")
def test_a_file_that_somebody_else_saved_meanwhile_costs_no_word(visit: Visit, stack: Stack) -> None:
    visit.tolerate("412")
    page = visit.open("models?page=file", width=1440)
    text = page.get_by_label("The text of models.json")
    expect(text).to_have_value(re.compile('"echo"'))
    theirs = catalog(stack)
    changed = theirs["text"].replace("Takes a few seconds to load.", "Takes its time.")
    headers = {"if-match": theirs["etag"], "content-type": "text/plain"}
    httpx.put(f"{stack.url}/api/managers/0/catalog", content=changed, headers=headers).raise_for_status()

    mine = text.input_value().replace("Says back what it is told.", "Says it back.")
    text.fill(mine)
    page.get_by_role("button", name="save", exact=True).click()

    expect(page.get_by_text("Somebody else saved models.json meanwhile.")).to_be_visible()
    expect(text).to_have_value(mine)
    page.get_by_role("button", name="take theirs").click()
    expect(text).to_have_value(changed)
    page.get_by_role("button", name="undo", exact=True).click()
    expect(text).to_have_value(mine)


# GPUs, of which the stack has none

GPU = {
    "uuid": "GPU-a",
    "name": "NVIDIA GeForce RTX 4090",
    "total_mib": 24_000,
    "reserve_mib": 500,
    "claimed_mib": 8_000,
    "used_mib": 9_000,
    "free_mib": 14_500,
    "models": [{"model": "chat", "claim_mib": 8_000}],
    "processes": [
        {"pid": 1, "name": "python", "used_mib": 8_000, "model": "chat"},
        {"pid": 2, "name": "Xorg", "used_mib": 1_000, "model": None},
    ],
    "utilisation_pct": 40,
    "temperature_c": 60,
    "power_w": 200.0,
}
EXPLAINED = {
    "model": "draw",
    "phase": "stopped",
    "why": "",
    "outcome": "evict",
    "site": ["GPU-a"],
    "victims": ["chat"],
    "in_the_way": [],
    "gpus": [{"uuid": "GPU-a", "need_mib": 20_000}],
    "sentences": ["It needs 20000 MiB."],
}


def model(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "site": 0,
        "aliases": [],
        "type": "text",
        "engine": "vllm",
        "capabilities": [],
        "phase": "stopped",
        "in_flight": 0,
        "waiting": 0,
        "pinned": False,
        "gpus": [],
        "serving": {},
        "failure": None,
        "files": None,
    } | more


def pretended(visit: Visit) -> None:
    machine = {
        "site": 0,
        "name": "pc",
        "version": "1",
        "runtime": "docker",
        "connected": True,
        "at": time.time(),
        "gpus": [GPU],
        "ram": None,
        "trouble": [],
        "queue": [{"model": "draw", "waiting": 2, "waited_s": 5, "priority": 0, "blocked": "chat makes room"}],
    }
    models = [model("chat", phase="ready", claim_mib=8_000), model("draw", waiting=0)]
    state = {"models": models, "machines": [machine], "sites": [{"site": 0, "name": "pc", "connected": True}]}
    visit.page.add_init_script("delete globalThis.SharedWorker")  # whose requests cannot be answered here
    visit.page.route("**/api/live", lambda route: answer(route, f"event: state\ndata: {json.dumps(state)}\n\n"))
    visit.page.route("**/explain", lambda route: answer(route, json.dumps(EXPLAINED), "application/json"))


def test_a_gpu_says_what_holds_it_and_what_one_more_model_would_change(visit: Visit) -> None:
    pretended(visit)
    page = visit.open("models", width=1440)

    bar = page.get_by_role("meter", name="Memory of NVIDIA GeForce RTX 4090")

    expect(bar).to_have_attribute(
        "aria-valuetext",
        re.compile(r"8\.8 GiB of 23\.4 GiB used; chat 7\.8 GiB; Xorg, no engine of ours, 1,?000 MiB; free"),
    )
    row(page, "draw").hover()
    expect(page.get_by_text("draw would take 19.5 GiB here, in place of chat")).to_be_visible()
    keep(page, "models-gpu")


def test_the_queue_says_who_waits_and_why(visit: Visit) -> None:
    pretended(visit)
    page = visit.open("models", width=1440, lang="ru")

    queue = page.get_by_role("region", name="очередь")

    expect(queue).to_contain_text("draw")
    expect(queue).to_contain_text("место освобождает chat")
    expect(queue).to_contain_text("2 ждут")
