"""The frame's own parts: what it shows before anything is there, what it says, and what it gives back."""

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.ui.browser.visit import Visit

USE = """async ([path, value]) => {
  const entry = document.querySelector("script[type=module]").src;
  return (DEED)(await import(new URL(path, entry)), value);
}"""
# Again and again, as the real news goes on coming.
PRETEND = """(live, [models, machines]) => {
  setInterval(() => { live.machines.value = machines; live.models.value = models; }, 20);
}"""
MODEL = {"site": 0, "aliases": [], "serving": {"variants": {}}, "in_flight": 0}
MIB_OF_24_GIB = 24_576
GROUNDS = {"amber": "rgb(20, 13, 2)", "paper": "rgb(246, 241, 228)"}
PRESSED_OFTEN = {
    "models/echo": [".models-details-head button:visible", ".models-details [role=tab]"],
    "chat": [".chat-head button:visible", ".composer textarea", ".composer-end"],
}
CUT = "(tab) => [...tab.children].some((part) => part.scrollWidth > tab.clientWidth)"


def use(page: Page, path: str, deed: str, value: Any = None) -> Any:
    """What `deed`, a function of one of the page's own modules, makes of it."""
    return page.evaluate(USE.replace("DEED", deed), [path, value])


def colour(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))


def test_the_colours_are_there_before_anything_is_drawn(visit: Visit) -> None:
    visit.tolerate("ERR_FAILED", "Failed to load")
    page = visit.open("settings")
    page.route("**/app.js", lambda route: route.abort())

    for theme, ground in GROUNDS.items():
        page.evaluate("(theme) => { localStorage['switchyard.settings'] = JSON.stringify({theme}); }", theme)
        page.reload()

        assert colour(page) == ground
        assert page.locator("#app").inner_html() == ""


def test_without_a_choice_it_is_the_phosphor_and_lines_are_drawn_where_they_are_asked_for(visit: Visit) -> None:
    page = visit.page
    page.emulate_media(color_scheme="light")

    page.goto(visit.url)
    visit.until("chat")

    assert colour(page) == "rgb(10, 15, 10)"
    assert page.evaluate("getComputedStyle(document.body, '::after').content") == "none"
    use(page, "store/settings.js", "({ change }) => change({ scanlines: true })")
    assert page.evaluate("getComputedStyle(document.body, '::after').position") == "fixed"


def test_on_a_phone_every_tab_is_whole_at_the_thumb_and_the_last_one_opens_the_commands(visit: Visit) -> None:
    page = visit.open("settings", width=360, height=700)

    for lang in ("ru", "en"):
        page.locator(".tab-command").click()
        expect(page.get_by_role("dialog").get_by_role("combobox")).to_be_focused()
        page.keyboard.type(f"lang {lang}")
        page.keyboard.press("Enter")
        expect(page.locator("html")).to_have_attribute("lang", lang)

        tabs = page.locator(".tabs-main .tab").all()
        places = [tab.bounding_box() for tab in tabs]
        assert len(places) == 6
        assert all(place and place["y"] + place["height"] > 640 and place["height"] >= 44 for place in places)
        assert not any(tab.evaluate(CUT) for tab in tabs)


def test_the_live_line_shows_what_is_up_and_how_full_the_gpus_are(visit: Visit) -> None:
    page = visit.open("settings")
    phases = {
        "at-rest": "stopped",
        "up": "ready",
        "coming": "loading",
        "broken-one": "failed",
        "also-up": "ready",
    }
    gpu = {"name": "NVIDIA GeForce RTX 4090", "total_mib": MIB_OF_24_GIB, "used_mib": MIB_OF_24_GIB // 4}

    use(
        page,
        "store/live.js",
        PRETEND,
        [
            [MODEL | {"name": name, "phase": phase} for name, phase in phases.items()],
            [{"site": 0, "connected": True, "gpus": [gpu]}],
        ],
    )

    line = page.locator(".live-line")
    expect(line.locator(".live-model")).to_have_text(["◔comingloading", "●upready", "●also-upready"])
    expect(line.locator(".live-more")).to_contain_text("one more model")
    expect(line.get_by_role("meter", name="GPU memory")).to_have_attribute("aria-valuenow", "25")
    expect(page.locator(".command-input")).to_have_attribute(
        "placeholder", re.compile("1 GPU: RTX 4090, 24 GiB")
    )


def test_models_of_one_name_are_told_apart_by_their_machines(visit: Visit) -> None:
    page = visit.open("settings")
    twins = [MODEL | {"name": "twin", "phase": "ready", "site": site} for site in (0, 1)]

    use(page, "store/live.js", PRETEND, [twins, []])

    shown = page.locator(".live-model")
    expect(shown).to_have_text([re.compile("twin.*localhost"), re.compile("twin.*machine 2")])
    expect(shown.last).to_have_attribute("href", "#/models/twin?site=1")


def test_a_view_that_does_not_come_says_so_and_is_asked_for_again(visit: Visit) -> None:
    visit.tolerate("ERR_FAILED", "Failed to load", "Failed to fetch")
    page = visit.open("settings")
    page.route("**/models/view.js", lambda route: route.abort())

    page.keyboard.press("g")
    page.keyboard.press("m")

    expect(page.get_by_role("alert")).to_contain_text("did not come")
    page.unroute("**/models/view.js")
    page.get_by_role("button", name="reload the page").click()
    visit.until("models")


def test_what_is_under_way_is_in_the_title_and_in_the_icon(visit: Visit) -> None:
    page = visit.open("settings")
    icon = page.locator("link[rel=icon]")
    plain = icon.get_attribute("href")

    use(page, "shell/progress.js", "(module) => { globalThis.work = module.startWork(); work.progress(0.62); }")

    expect(page).to_have_title("62% · settings · Switchyard")
    expect(icon).to_have_attribute("href", re.compile("^data:image/svg"))
    page.evaluate("work.done()")
    expect(page).to_have_title("settings · Switchyard")
    expect(icon).to_have_attribute("href", str(plain))
    # Whoever looks elsewhere finds a tick when it is done.
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    use(page, "shell/progress.js", "(module) => module.startWork().done()")
    expect(page).to_have_title("✓ · settings · Switchyard")


def test_a_note_offers_a_way_back_and_tells_when_it_was_not_taken(visit: Visit) -> None:
    page = visit.open("settings")
    note = """({ toast }) => { globalThis.seen = [];
      const note = (text) => toast({ text, action: { label: "undo", run: () => seen.push(`back ${text}`) },
        onGone: () => seen.push(`gone ${text}`) });
      note("one"); note("two"); }"""

    use(page, "shell/toast.js", note)
    page.get_by_role("status").filter(has_text="one").get_by_role("button", name="undo").click()
    page.get_by_role("status").filter(has_text="two").get_by_role("button", name="close").click()

    assert page.evaluate("seen") == ["back one", "gone two"]
    expect(page.locator(".toast")).to_have_count(0)


def test_notes_cover_nothing_that_is_pressed_often(visit: Visit) -> None:
    page = visit.open("settings")
    note = "({ toast }) => { toast({ text: 'one', seconds: 600 }); toast({ text: 'two', seconds: 600 }); }"
    use(page, "shell/toast.js", note)

    for width in (360, 1440):
        page.set_viewport_size({"width": width, "height": 740})
        for view, pressed in PRESSED_OFTEN.items():
            visit.go(view)
            expect(page.locator(".toast")).to_have_count(2)
            for part in pressed:
                page.locator(part).last.click(trial=True)


def test_a_dialog_keeps_the_focus_and_gives_it_back(visit: Visit) -> None:
    page = visit.open("settings")
    tab = page.locator(".tab[href='#/models']")
    tab.focus()

    asking = "({ confirm }) => { globalThis.said = confirm({ title: 'Delete it?', yes: 'delete' }); }"
    use(page, "shell/dialog.js", asking)
    dialog = page.get_by_role("dialog", name="Delete it?")
    expect(dialog.get_by_role("button", name="cancel")).to_be_focused()
    page.keyboard.press("g")
    page.keyboard.press("m")
    page.keyboard.press("Escape")

    assert page.evaluate("said") is False
    expect(tab).to_be_focused()
    expect(page.locator("html")).to_have_attribute("data-view", "settings")


def test_enter_that_ends_a_composed_word_runs_nothing(visit: Visit) -> None:
    page = visit.open("settings")
    page.keyboard.press(":")
    page.keyboard.type("theme paper")
    strike = """(key) => document.activeElement.dispatchEvent(
      new KeyboardEvent("keydown", {key, keyCode: 229, isComposing: true, bubbles: true, cancelable: true}))"""

    page.evaluate(strike, "Enter")

    expect(page.locator(".command-input")).to_have_value("theme paper")
    expect(page.locator("html")).to_have_attribute("data-theme", "phosphor")


def test_a_newer_page_is_offered_not_forced(visit: Visit) -> None:
    page = visit.open("settings")
    newer = "(live) => { live.facts.value = { ...live.facts.value, page: '000000000000' }; }"

    use(page, "store/live.js", newer)

    expect(page.locator(".toast")).to_contain_text("newer version")
    page.get_by_role("button", name="reload the page").click()
    visit.until("settings")


def test_another_language_is_spoken_at_once_and_kept(visit: Visit) -> None:
    page = visit.open("models")

    use(page, "store/settings.js", "({ change }) => change({ lang: 'ru' })")

    expect(page.locator("html")).to_have_attribute("lang", "ru")
    expect(page.locator(".tabs-main [aria-current=page]")).to_contain_text("модели")
    page.reload()
    visit.until("models")
    expect(page.locator(".tabs-main [aria-current=page]")).to_contain_text("модели")
