"""No request to anybody else, no script but ours, and what means no good stays text, wherever it stands."""

import json
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
# Where models are only offered in a field.
LISTED_TO_CHOOSE = ("activity", "settings")
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


def test_what_no_page_of_ours_does_is_refused(visit: Visit) -> None:
    visit.tolerate("policy:", "Trusted", "Content Security Policy")
    page = visit.open("settings")
    attempt = "() => {{ try {{ {}; return null; }} catch (error) {{ return error.name; }} }}"

    refused = {deed: page.evaluate(attempt.format(code)) for deed, code in DEEDS.items()}

    assert refused == dict.fromkeys(DEEDS, "TypeError")


def test_a_request_to_somebody_else_does_not_pass_unseen(visit: Visit) -> None:
    page = visit.open("settings")

    with page.expect_console_message(lambda said: "policy: connect-src" in said.text):
        page.evaluate("fetch('http://192.0.2.1/').catch(() => null)")

    assert any("policy: connect-src" in fault for fault in visit.faults)
    visit.faults.clear()


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_no_scene_asks_anybody_else_or_breaks_the_policy(new_tour: NewTour, scene: Scene) -> None:
    tour = new_tour("en")

    page = tour.show(scene)

    untouched(page)
    tour.visit.judge()


def test_in_a_chat_names_answers_errors_and_files_stay_text(visit: Visit, tmp_path: Path) -> None:
    visit.tolerate("500")
    page = visit.open("chat", model="echo", seed=talk())
    writing = page.locator(".chat-writing textarea")
    answers = page.locator(".message-answer")
    links = "[here](javascript:document.title='taken') ![there](http://192.0.2.1/x.png) <http://example.org>"
    file = tmp_path / "<img src=x onerror=document.title='taken'>.txt"
    file.write_text("hello")

    expect(page.get_by_role("link", name=HOSTILE)).to_be_visible()
    writing.fill(f"{HOSTILE} {links}")
    page.keyboard.press("Enter")
    expect(answers).to_contain_text("<script>document.title = 'taken'</script>", timeout=ANSWERS_WITHIN_MS)
    expect(answers.get_by_role("link", name="there")).to_be_visible()
    expect(answers.locator("img, a[href^=javascript]")).to_have_count(0)
    expect(answers.get_by_role("button", name="retry")).to_be_visible(timeout=ANSWERS_WITHIN_MS)

    writing.fill(f"[fail {HOSTILE}]")
    page.keyboard.press("Enter")
    expect(answers.last).to_contain_text("<script>", timeout=ANSWERS_WITHIN_MS)

    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name="Attach").click()
    chosen.value.set_files(file)
    expect(page.get_by_text(file.name).first).to_be_visible()
    untouched(page)


def test_the_log_of_an_engine_stays_text(visit: Visit, stack: Stack) -> None:
    stack.ask("broken", "come up")

    page = visit.open("models/broken?tab=log")

    expect(page.get_by_role("log")).to_contain_text("<img src=x onerror=alert('log')> cannot read the weights")
    untouched(page)


def test_the_name_of_a_model_stays_text(visit: Visit) -> None:
    model = {
        "site": 0,
        "name": HOSTILE,
        "aliases": [f"alias {HOSTILE}"],
        "type": "text",
        "engine": "image-server",
        "phase": "failed",
        "failure": {"reason": "unknown", "message": HOSTILE, "advice": HOSTILE, "log_tail": [HOSTILE]},
        "description": HOSTILE,
        "in_flight": 0,
        "waiting": 0,
    }
    painter = model | {"name": f"paints {HOSTILE}", "type": "image", "capabilities": ["images"]}
    state = {"models": [model, painter], "machines": [], "sites": [{"site": 0, "connected": True}]}
    told = f"id: 1\nevent: state\ndata: {json.dumps(state)}\n\n"
    visit.page.add_init_script(STATE.replace("STATE", json.dumps(told)))
    visit.tolerate("404", "403")

    page = visit.open("chat", model=HOSTILE)
    expect(page.locator("#chat-model")).to_contain_text(HOSTILE)
    for view in ("images", "models", "activity", "settings"):
        visit.go(view)
        place = page.locator("main option" if view in LISTED_TO_CHOOSE else "main", has_text=HOSTILE)
        expect(place.first).to_contain_text(HOSTILE)
        untouched(page)
