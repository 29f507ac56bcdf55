"""No request to anybody else, no script but ours, and what means no good stays text, wherever it stands."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.ui.browser.conftest import ANSWERS_WITHIN_MS, NewTour
from tests.ui.browser.scenes import SCENES, Scene, talk
from tests.ui.browser.stack import HOSTILE, Stack
from tests.ui.browser.visit import Visit

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
}
# What a page must refuse, and the words in which a browser then complains.
DEEDS = {
    "markup from a text": "document.body.insertAdjacentHTML('beforeend', '<b>x</b>')",
    "a script from a text": "document.createElement('script').text = '1'",
    "a worker from elsewhere": "new Worker('/ui/icon.svg')",
    "a policy of another name": "trustedTypes.createPolicy('other', {})",
}
UNINVITED = """() => [...document.querySelectorAll("script:not([src]), [onerror], [onload], iframe, object")]
  .map((one) => one.outerHTML.slice(0, 100))"""
STATE = """
const answer = (state) => new Response(
  new ReadableStream({start: (out) => out.enqueue(new TextEncoder().encode(state))}),
  {headers: {"content-type": "text/event-stream"}},
);
const real = fetch;
delete window.SharedWorker;
window.fetch = (path, options) => (String(path).includes("/api/live") ? Promise.resolve(answer(STATE))
  : real(path, options));
"""


def untouched(page: Page) -> None:
    """Nothing was run, nothing was made."""
    assert "taken" not in page.title()
    assert page.evaluate(UNINVITED) == []


def test_the_page_says_what_it_allows(visit: Visit) -> None:
    page = visit.open()
    reply = page.request.get(visit.url)

    said = dict(
        part.strip().partition(" ")[::2] for part in reply.headers["content-security-policy"].split(";")
    )
    assert {name: said.get(name) for name in POLICY} == POLICY
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("deed", DEEDS)
def test_what_no_page_of_ours_does_is_refused(visit: Visit, deed: str) -> None:
    visit.tolerate("policy:", "Trusted", "Content Security Policy")
    page = visit.open("settings")

    refused = page.evaluate(
        f"() => {{ try {{ {DEEDS[deed]}; return null; }} catch (error) {{ return error.name; }} }}"
    )

    assert refused == "TypeError"


def test_a_request_to_somebody_else_does_not_pass_unseen(visit: Visit) -> None:
    page = visit.open("settings")

    page.evaluate("fetch('http://192.0.2.1/').catch(() => null)")
    page.wait_for_timeout(200)

    assert any("policy: connect-src" in fault for fault in visit.faults)
    visit.faults.clear()


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_no_scene_asks_anybody_else_or_breaks_the_policy(new_tour: NewTour, scene: Scene) -> None:
    tour = new_tour("en")

    page = tour.show(scene)
    page.wait_for_timeout(300)

    untouched(page)
    tour.visit.judge()


def test_what_a_model_writes_stays_text(visit: Visit) -> None:
    page = visit.open("chat", model="echo")
    links = "[here](javascript:document.title='taken') ![there](http://192.0.2.1/x.png) <http://example.org>"

    page.locator("textarea").first.fill(f"{HOSTILE} {links}")
    page.keyboard.press("Enter")

    answer = page.locator(".message-answer")
    expect(answer).to_contain_text("<script>document.title = 'taken'</script>", timeout=ANSWERS_WITHIN_MS)
    expect(answer.locator("img")).to_have_count(0)
    expect(answer.locator("a[href^=javascript]")).to_have_count(0)
    untouched(page)


def test_a_conversations_name_stays_text(visit: Visit) -> None:
    page = visit.open("chat", seed=talk())

    expect(page.get_by_text(HOSTILE).first).to_be_visible()
    untouched(page)


def test_an_error_stays_text(visit: Visit) -> None:
    visit.tolerate("500")
    page = visit.open("chat", model="echo")

    page.locator("textarea").first.fill(f"[fail {HOSTILE}]")
    page.keyboard.press("Enter")

    expect(page.locator(".message-answer")).to_contain_text("<script>", timeout=ANSWERS_WITHIN_MS)
    untouched(page)


def test_the_name_of_a_file_stays_text(visit: Visit, tmp_path: Path) -> None:
    page = visit.open("chat", model="demo-vision")
    file = tmp_path / "<img src=x onerror=document.title='taken'>.txt"
    file.write_text("hello")

    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name="Attach").click()
    chosen.value.set_files(file)

    expect(page.get_by_text(file.name).first).to_be_visible()
    untouched(page)


def test_the_log_of_an_engine_stays_text(visit: Visit, stack: Stack) -> None:
    stack.ask("broken", "come up")

    page = visit.open("models/broken?tab=log")

    expect(page.locator("main")).to_contain_text("cannot read the weights")
    untouched(page)


@pytest.mark.parametrize("view", ["chat", "images", "models", "activity", "settings"])
def test_the_name_of_a_model_stays_text(visit: Visit, view: str) -> None:
    model = {
        "site": 0,
        "name": HOSTILE,
        "aliases": [f"alias {HOSTILE}"],
        "type": "image" if view == "images" else "text",
        "engine": "image-server",
        "phase": "failed",
        "failure": {"reason": "unknown", "message": HOSTILE, "advice": HOSTILE, "log_tail": [HOSTILE]},
        "description": HOSTILE,
        "in_flight": 0,
        "waiting": 0,
    }
    state = {"models": [model], "machines": [], "sites": [{"site": 0, "connected": True}]}
    told = f"id: 1\nevent: state\ndata: {json.dumps(state)}\n\n"
    visit.page.add_init_script(STATE.replace("STATE", json.dumps(told)))
    visit.tolerate("404", "403")

    page = visit.open(view, model=HOSTILE)

    page.wait_for_timeout(500)
    shown = page.locator("body").inner_text() + " ".join(page.locator("option").all_inner_texts())
    assert re.search("<img src=x", shown)
    untouched(page)
