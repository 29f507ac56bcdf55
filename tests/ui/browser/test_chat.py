"""The chat as a reader has it: answers that come, break off and are completed; branches; conversations."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.browser.conftest import ANSWERS_WITHIN_MS, NewVisit, keep
from tests.ui.browser.stack import HOSTILE, LONG, Stack
from tests.ui.browser.visit import Visit

ANSWER = ".message-answer"
# Longer than any test needs: it is stopped when what it is for was seen.
ENDLESS = "[pace 10] [count 5000] go"
# How far the first message in sight is moved, in any frame, by a page of older ones that comes in above it.
MOVED_BY = """async ([first, wanted]) => {
  const box = document.querySelector(".chat-scroll");
  const frame = () => new Promise(requestAnimationFrame);
  box.dispatchEvent(new WheelEvent("wheel", {deltaY: -100}));
  box.scrollTop = 100;
  await frame();
  const at = () => document.querySelector(first).getBoundingClientRect().top;
  const before = at();
  let moved = 0;
  for (let left = 8; left; left -= document.querySelector(wanted) ? 1 : 0) {
    await frame();
    moved = Math.max(moved, Math.abs(at() - before));
  }
  return moved;
}"""

# Which files and masks there are when those that nothing names were let go, so many days from now.
TIDIED = """async (days) => {
  const root = document.querySelector("script[type=module]").src.replace(/app\\.js.*/, "");
  const {tidy} = await import(root + "store/unneeded.js");
  const {read, asked} = await import(root + "store/db.js");
  await tidy(Date.now() + days * 86_400_000);
  const keys = (store) => read(store, (tx) => asked(tx.objectStore(store).getAllKeys()));
  return [await keys("files"), await keys("masks")];
}"""


def write(page: Page, text: str) -> None:
    field = page.locator(".chat-writing textarea")
    field.fill(text)
    field.press("Enter")
    expect(field).to_have_value("")


def answer(page: Page, number: int = -1) -> Locator:
    return page.locator(ANSWER).nth(number)


def settled(page: Page, number: int = -1) -> Locator:
    """The answer, once it grows no more."""
    one = answer(page, number)
    expect(one.get_by_role("button", name="retry")).to_be_visible(timeout=ANSWERS_WITHIN_MS)
    return one


def text_of(one: Locator) -> Locator:
    return one.locator(".prose").last


def numbers(one: Locator) -> list[int]:
    # Not the inner text: of a message that nobody sees, as in a tab behind another, a browser draws nothing.
    return [int(word) for word in (text_of(one).text_content() or "").split()]


def last_number(page: Page) -> int:
    return numbers(answer(page))[-1]


def wait_for_number(page: Page, number: int) -> None:
    expect(text_of(answer(page))).to_contain_text(f" {number} ", timeout=ANSWERS_WITHIN_MS)


def is_whole(found: list[int]) -> bool:
    return found == list(range(len(found)))


def choose_model(page: Page, typed: str) -> None:
    page.locator("#chat-model").click()
    expect(page.locator(".picker-filter")).to_be_focused()
    page.keyboard.type(typed)
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#chat-model")).to_be_focused()


def of_entry(page: Page, title: str, item: str) -> None:
    page.get_by_role("button", name=f"More for {title}", exact=True).first.click()
    page.get_by_role("menuitem", name=item).click()


def chat(number: int, title: str, **more: Any) -> dict[str, Any]:
    record = {"id": f"c{number:08}", "title": title, "created": 1, "updated": number, "pinned": False}
    return record | {"model": "echo", "system": "", "sampling": {}, "leaf": None, "deleted": None} | more


def line(chat_id: str, count: int) -> list[dict[str, Any]]:
    """A conversation without branches."""
    return [
        {
            "id": f"m{number:08}",
            "conversation": chat_id,
            "parent": f"m{number - 1:08}" if number else "",
            "role": "assistant" if number % 2 else "user",
            "at": 1_760_000_000_000 + number,
            "text": f"word{number} " + "some words that fill a line or two " * (number % 7),
            "model": "echo",
            "state": "done",
        }
        for number in range(count)
    ]


@pytest.fixture
def chatting(visit: Visit) -> Page:
    return visit.open("chat", model="echo")


def test_an_answer_has_its_figures_the_thought_behind_it_and_the_tools_it_calls(chatting: Page) -> None:
    write(chatting, "[think first of all] Say **this** and `that`")

    one = settled(chatting)
    expect(one.locator("strong", has_text="this")).to_be_visible()
    expect(one.locator(".figures")).to_contain_text("tokens")
    expect(one.locator(".figures")).to_contain_text("first token")
    expect(one.locator(".thought .prose")).to_have_count(0)
    one.locator(".thought summary").click()
    expect(one.locator(".thought .prose")).to_have_text("first of all")
    keep(chatting, "chat-answer")

    write(chatting, "[tool] what is the weather")

    expect(answer(chatting).locator(".tool")).to_contain_text("look_up", timeout=ANSWERS_WITHIN_MS)
    expect(answer(chatting).locator(".tool-given")).to_contain_text('"city": "Oslo"')


def test_a_stopped_answer_keeps_its_text_and_goes_on_from_there(chatting: Page) -> None:
    write(chatting, ENDLESS)
    wait_for_number(chatting, 20)
    expect(chatting).to_have_title(re.compile("^… · "))

    chatting.keyboard.press("Control+.")
    one = settled(chatting)
    expect(one.locator(".figures")).to_contain_text("stopped")
    expect(chatting).not_to_have_title(re.compile("^…"))
    stopped_at = last_number(chatting)
    one.get_by_role("button", name="continue").click()
    wait_for_number(chatting, stopped_at + 5)
    chatting.get_by_role("button", name="stop").click()

    after = numbers(settled(chatting))
    assert is_whole(after)
    assert len(after) > stopped_at + 5


def test_a_reload_costs_nothing_nor_does_reading_another_conversation(chatting: Page) -> None:
    write(chatting, ENDLESS)
    wait_for_number(chatting, 20)
    came = last_number(chatting)

    chatting.reload()
    wait_for_number(chatting, came + 20)
    came = last_number(chatting)
    chatting.get_by_role("button", name="new chat").click()
    expect(chatting.locator(".chat-empty")).to_be_visible()
    entry = chatting.locator(".chat-entry", has_text="[pace 10]")
    expect(entry).to_contain_text("answering")
    chatting.reload()
    expect(entry).to_contain_text("answering")
    entry.get_by_role("link").click()
    wait_for_number(chatting, came + 20)
    chatting.get_by_role("button", name="stop").click()

    assert is_whole(numbers(settled(chatting)))
    expect(entry).not_to_contain_text("answering")


def test_a_proxy_that_is_killed_costs_nothing(new_visit: NewVisit, stack: Stack) -> None:
    proxy = stack.new_proxy().start()
    visit = new_visit(proxy.url)
    visit.tolerate("ERR_", "50[0-9]", "404")
    page = visit.open("chat", model="echo")
    write(page, "[pace 20] [count 200] go")
    wait_for_number(page, 20)

    proxy.kill()
    proxy.start()

    one = settled(page)
    assert numbers(one) == list(range(200))
    expect(one.locator(".figures")).to_contain_text("completed after an interruption")


def test_two_tabs_show_one_answer_and_only_one_listens(chatting: Page) -> None:
    write(chatting, ENDLESS)
    wait_for_number(chatting, 5)
    other = chatting.context.new_page()
    asked: list[str] = []
    other.on("request", lambda one: asked.append(one.url))

    other.goto(chatting.url)

    expect(answer(other)).to_contain_text("It grows in another tab", timeout=ANSWERS_WITHIN_MS)
    wait_for_number(other, 20)
    chatting.get_by_role("button", name="stop").click()
    found = numbers(settled(chatting))
    assert is_whole(found)
    expect(text_of(settled(other))).to_contain_text(f" {found[-1]}")
    assert numbers(answer(other)) == found
    assert not any("/v1/stream" in url or "/v1/chat" in url for url in asked)


def test_the_command_line_asks_and_a_retry_is_answered_by_the_model_chosen_now(chatting: Page) -> None:
    chatting.keyboard.press("Escape")
    chatting.keyboard.press(":")
    chatting.keyboard.type("chat echo said by the line")
    chatting.keyboard.press("Enter")
    expect(text_of(settled(chatting))).to_have_text("said by the line")
    expect(chatting.locator(".chat-title")).to_have_text("said by the line")

    chatting.locator("#chat-model").click()
    expect(chatting.locator(".picker-filter")).to_be_focused()
    options = chatting.get_by_role("option")
    expect(options.filter(has_text="demo-vision")).to_be_visible()
    expect(options.filter(has_text="demo-image")).to_have_count(0)
    keep(chatting, "chat-picker")
    chatting.keyboard.press("Escape")
    expect(chatting.locator("#chat-model")).to_be_focused()
    choose_model(chatting, "goes on and on")
    expect(chatting.locator("#chat-model")).to_contain_text(LONG)
    chatting.locator(".chat-scroll").focus()
    chatting.keyboard.press("r")

    expect(chatting.locator(f"{ANSWER} .branch-place")).to_have_text("2/2")
    expect(settled(chatting).locator(".message-who")).to_have_text(LONG)
    chatting.keyboard.press("[")
    expect(answer(chatting).locator(".message-who")).to_have_text("echo")


def test_the_focus_is_never_lost(chatting: Page) -> None:
    field = chatting.locator(".chat-writing textarea")
    question = chatting.locator(".message-mine")
    expect(field).to_be_focused()
    write(chatting, "one")
    settled(chatting)
    expect(field).to_be_focused()

    answer(chatting).get_by_role("button", name="retry").click()
    expect(chatting.locator(f"{ANSWER} .branch-place")).to_have_text("2/2")
    settled(chatting)
    expect(answer(chatting)).to_be_focused()
    chatting.get_by_role("button", name="Branch before").click()
    expect(chatting.locator(f"{ANSWER} .branch-place")).to_have_text("1/2")
    expect(answer(chatting)).to_be_focused()
    chatting.get_by_role("button", name="edit").click()
    expect(chatting.locator(".message-editor textarea")).to_be_focused()
    chatting.keyboard.press("Escape")
    expect(question).to_be_focused()
    chatting.keyboard.press("i")
    expect(field).to_be_focused()
    chatting.keyboard.press("Escape")
    expect(chatting.locator(".chat-scroll")).to_be_focused()


def test_an_engine_that_cannot_go_on_begins_again_beside_what_came(visit: Visit) -> None:
    visit.tolerate("400")
    chatting = visit.open("chat", model="echo")
    write(chatting, "[die] [no rest] [pace 20] [count 60] go")

    expect(answer(chatting)).to_contain_text("begun again here", timeout=ANSWERS_WITHIN_MS)
    expect(answer(chatting).locator(".branch-place")).to_have_text("2/2")
    settled(chatting)
    chatting.locator(".chat-scroll").focus()
    chatting.keyboard.press("[")
    expect(answer(chatting).locator(".branch-place")).to_have_text("1/2")

    before = numbers(answer(chatting))
    assert is_whole(before)
    assert before


def test_a_failure_says_why_below_the_question_and_is_tried_again_in_place(visit: Visit) -> None:
    visit.tolerate("500", "503")
    page = visit.open("chat", model="echo")
    write(page, "[fail no such luck] please")
    trouble = answer(page).get_by_role("alert")
    expect(trouble).to_contain_text("no such luck", timeout=ANSWERS_WITHIN_MS)

    with page.expect_request("**/v1/chat/completions"):
        answer(page).get_by_role("button", name="try again").click()
    expect(trouble).to_contain_text("no such luck", timeout=ANSWERS_WITHIN_MS)
    expect(page.locator(ANSWER)).to_have_count(1)
    expect(page.locator(".branch-place")).to_have_count(0)

    choose_model(page, "broken")
    write(page, "hello")

    expect(trouble).to_contain_text("No answer.", timeout=ANSWERS_WITHIN_MS)
    expect(trouble.get_by_role("link", name="see the model")).to_be_visible(timeout=ANSWERS_WITHIN_MS)
    keep(page, "chat-broken-model")


def test_a_model_that_loads_says_so(visit: Visit, stack: Stack) -> None:
    page = visit.open("chat", model="slow-to-load")
    page.evaluate("fetch('/api/managers/0/models/slow-to-load/unload', {method: 'POST'})")
    expect(page.locator(".chat-empty .phase")).to_contain_text("stopped", timeout=ANSWERS_WITHIN_MS)

    write(page, "hello there")

    expect(answer(page).locator(".waiting .phase")).to_contain_text("loading", timeout=ANSWERS_WITHIN_MS)
    keep(page, "chat-loading")
    expect(text_of(settled(page))).to_have_text("hello there")


def test_an_edit_makes_a_branch_and_keys_walk_the_branches(chatting: Page) -> None:
    write(chatting, "first words")
    settled(chatting)

    chatting.locator(".chat-scroll").focus()
    chatting.keyboard.press("e")
    field = chatting.locator(".message-editor textarea")
    expect(field).to_be_focused()
    expect(field).to_have_value("first words")
    field.fill("second words")
    field.press("Enter")

    expect(chatting.locator(".message-mine .branch-place")).to_have_text("2/2")
    expect(text_of(settled(chatting))).to_have_text("second words")
    chatting.locator(".message-mine").focus()
    chatting.keyboard.press("[")
    expect(chatting.locator(".question-text")).to_have_text("first words")
    expect(text_of(answer(chatting))).to_have_text("first words")
    chatting.reload()
    expect(chatting.locator(".question-text")).to_have_text("first words")


def test_the_prompt_and_the_sampling_of_a_conversation_are_sent(chatting: Page) -> None:
    chatting.get_by_role("button", name="Prompt and sampling").click()
    window = chatting.get_by_role("dialog")
    window.get_by_label("System prompt").fill("be brief")
    window.get_by_label("Temperature").fill("3")
    expect(window.get_by_role("button", name="save")).to_be_disabled()
    window.get_by_label("Temperature").fill("0,5")
    window.get_by_role("button", name="save").click()
    expect(window).to_have_count(0)

    with chatting.expect_request("**/v1/chat/completions") as sent:
        write(chatting, "hello")

    body = json.loads(sent.value.post_data or "{}")
    assert body["messages"][0] == {"role": "system", "content": "be brief"}
    assert body["temperature"] == 0.5
    assert sent.value.headers["x-resumable"] == "1"


def test_conversations_are_named_pinned_found_and_brought_back(visit: Visit) -> None:
    chats = [chat(number, f"Talk {number}") for number in range(1, 61)]
    messages = line("c00000007", 4)
    page = visit.open("chat", seed={"conversations": chats, "messages": messages})
    entries = page.locator(".chat-entry")
    expect(entries).to_have_count(50)
    expect(entries.first).to_contain_text("Talk 60")
    page.get_by_role("button", name="show more").click()
    expect(entries).to_have_count(60)

    page.get_by_label("search all chats").fill("WORD3")
    expect(entries).to_have_count(1)
    expect(entries.first.locator("mark")).to_have_text("word3")
    page.get_by_label("search all chats").press("Escape")

    of_entry(page, "Talk 1", "Pin")
    expect(entries.first).to_contain_text("Talk 1")
    of_entry(page, "Talk 1", "Rename")
    name = page.get_by_role("dialog").get_by_label("Name", exact=True)
    expect(name).to_be_focused()
    name.fill("Ladders")
    name.press("Enter")
    expect(entries.first).to_contain_text("Ladders")

    of_entry(page, "Ladders", "Delete")
    expect(page.get_by_text("Ladders", exact=True)).to_have_count(0)
    page.get_by_role("button", name="undo").click()
    expect(entries.first).to_contain_text("Ladders")


def test_a_conversation_is_taken_out_and_brought_in(chatting: Page, tmp_path: Path) -> None:
    write(chatting, "one thing")
    settled(chatting)
    title = chatting.locator(".chat-entry .chat-entry-title")
    expect(title).to_have_text("one thing")

    with chatting.expect_download() as got:
        of_entry(chatting, "one thing", "Export as JSON")
    kept = tmp_path / got.value.suggested_filename
    got.value.save_as(kept)
    bring_in(chatting, kept)

    expect(title).to_have_count(2)
    expect(text_of(answer(chatting))).to_have_text("one thing")
    assert json.loads(kept.read_text())["chats"][0]["messages"][0]["text"] == "one thing"
    with chatting.expect_download() as got:
        of_entry(chatting, "one thing", "Export as Markdown")
    assert "## echo\n\none thing\n" in Path(got.value.path()).read_text()

    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"a": 1}')
    bring_in(chatting, wrong)

    expect(chatting.get_by_text("Cannot import this file: it holds no chats")).to_be_visible()


def bring_in(page: Page, path: Path) -> None:
    with page.expect_file_chooser() as asked:
        of_entry(page, "all chats", "Import a file")
    asked.value.set_files(path)


def test_what_is_read_never_moves_and_the_end_is_followed_when_asked(visit: Visit) -> None:
    page = visit.open("chat", width=500, height=420, model="echo")
    write(page, ENDLESS)
    wait_for_number(page, 150)
    box = page.locator(".chat-scroll")
    down = page.locator(".chat-down")
    expect(down).to_have_count(0)

    def grow() -> None:
        wait_for_number(page, last_number(page) + 50)

    def place() -> float:
        return float(box.evaluate("(one) => one.scrollTop"))

    box.hover()
    page.mouse.wheel(0, -200)
    expect(down).to_be_visible()
    stays = place()
    grow()
    assert place() == stays

    down.click()
    grow()
    expect(down).to_have_count(0)
    assert box.evaluate("(one) => one.scrollHeight - one.scrollTop - one.clientHeight") < 8

    box.focus()
    page.keyboard.press("k")
    page.keyboard.press("k")
    expect(page.locator(".message-mine")).to_be_focused()
    expect(down).to_be_visible()
    stays = place()
    grow()
    assert place() == stays
    page.keyboard.press("Control+.")
    settled(page)
    assert place() == stays


def test_of_ten_thousand_messages_a_page_is_read_at_a_time_and_any_is_found(visit: Visit) -> None:
    count = 10_000
    record = chat(1, "Long", leaf=f"m{count - 1:08}")
    seed = {"conversations": [record], "messages": line(record["id"], count)}

    page = visit.open(f"chat/{record['id']}", seed=seed)

    articles = page.locator(".chat-scroll article")
    expect(articles).to_have_count(50)
    expect(articles.last).to_contain_text("word9999")
    assert page.evaluate(MOVED_BY, ["#m-m00009950", "#m-m00009920"]) < 4

    page.get_by_label("search all chats").fill("word7777 ")
    page.locator(".chat-entry a", has_text="word7777").click()

    expect(page.locator("#m-m00007777")).to_be_in_viewport()
    expect(page.get_by_text("messages are read as you scroll down")).to_be_attached()
    page.get_by_role("button", name="to the end").click()
    expect(page.locator("#m-m00009999")).to_be_in_viewport()


def test_files_that_nothing_names_go_after_a_day(visit: Visit) -> None:
    file = {"blob": {"$blob": "", "type": "image/png"}, "name": "a.png", "kind": "image", "at": 1}
    media = {"kind": "image", "id": "m-drafted", "file": "drafted"}
    said = {"id": "m1", "conversation": "c00000001", "parent": "", "role": "user", "at": 1, "text": ""}
    page = visit.open(
        "settings",
        seed={
            "files": [file | {"id": name} for name in ("said", "drafted", "kept", "drawn", "left")],
            "masks": [{"id": name} for name in ("drawn", "left")],
            "conversations": [chat(1, "Talk", leaf="m1")],
            "messages": [said | {"content": [{"type": "image_url", "file": "said"}]}],
            "drafts": [{"id": "c00000001", "mode": "text", "blocks": [media]}],
            "templates": [{"id": "t1", "name": "t", "blocks": [media | {"file": "kept"}]}],
            "pictures": [{"id": "p1", "at": 1, "batch": "b", "sources": ["drawn"]}],
        },
    )

    def left_after(days: int) -> Any:
        return page.evaluate(TIDIED, days)

    assert left_after(0) == [["drafted", "drawn", "kept", "left", "said"], ["drawn", "left"]]
    assert left_after(2) == [["drafted", "drawn", "kept", "said"], ["drawn"]]


def test_nothing_that_a_conversation_holds_becomes_markup(visit: Visit) -> None:
    visit.tolerate("404", "400")
    record = chat(1, HOSTILE, model=HOSTILE, leaf="m2", system=HOSTILE)
    messages = [
        {"id": "m1", "conversation": record["id"], "parent": "", "role": "user", "at": 1, "text": HOSTILE},
        {
            "id": "m2",
            "conversation": record["id"],
            "parent": "m1",
            "role": "assistant",
            "at": 2,
            "text": HOSTILE + "\n\n[x](javascript:document.title='taken')",
            "thought": HOSTILE,
            "tools": [{"id": "1", "name": HOSTILE, "given": HOSTILE}],
            "model": HOSTILE,
            "state": "failed",
            "error": {"code": HOSTILE, "message": HOSTILE, "status": 500},
        },
    ]
    visit.open("chat", seed={"conversations": [record], "messages": messages})

    page = visit.go(f"chat/{record['id']}")

    expect(answer(page).get_by_role("alert")).to_contain_text("<script>")
    answer(page).locator(".thought summary").click()
    expect(answer(page).locator(".thought .prose")).to_contain_text("<script>")
    expect(page.locator(".chat-main img, .chat-side img, main script")).to_have_count(0)
    expect(page.locator("a[href^=javascript]")).to_have_count(0)
    expect(page).not_to_have_title(re.compile("taken"))


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_a_conversation_fits_every_screen_and_a_phone_has_the_others_in_a_drawer(
    visit: Visit, lang: str
) -> None:
    record = chat(2, "A title that goes on for longer than any column has room for it", model=LONG, leaf="m5")
    page = visit.open(
        f"chat/{record['id']}",
        lang=lang,
        seed={"conversations": [record, chat(1, "Talk 1")], "messages": wide(record["id"])},
    )
    expect(page.locator(ANSWER)).to_have_count(2)
    expect(page.locator(".token-string").first).to_be_attached()

    for width, theme in ((1440, "phosphor"), (768, "amber"), (360, "paper")):
        page.set_viewport_size({"width": width, "height": 740})
        page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
        keep(page, f"chat-{width}-{theme}-{lang}")
        beyond = page.locator(".chat-scroll").evaluate("(one) => one.scrollWidth - one.clientWidth")
        assert beyond <= 0
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    expect(page.locator(".chat-side")).to_be_hidden()
    page.locator(".chat-drawer-button").click()
    keep(page, f"chat-drawer-{lang}")
    page.locator(".chat-drawer").get_by_role("link", name="Talk 1").click()
    expect(page.locator(".chat-drawer")).to_have_count(0)
    expect(page.locator(".chat-title")).to_have_text("Talk 1")


def wide(chat_id: str) -> list[dict[str, Any]]:
    """Messages with all that may be wider than a phone."""
    code = (
        "Read this:\n\n```python\n"
        + "print('a line that is longer than a phone is wide, by far')\n" * 3
        + "```\n\n"
    )
    table = "| a | b |\n| --- | --- |\n| one | two |\n\n" + "x" * 300
    texts = ["What is this? " * 5, code + table, "And now?", "Half of"]
    figures = {"usage": {"made": 1234, "read": 56}, "asked": 1, "first": 800, "since": 800, "ended": 30_000}
    return [
        {
            "id": f"m{at + 2}",
            "conversation": chat_id,
            "parent": f"m{at + 1}" if at else "",
            "at": 1_760_000_000_000,
        }
        | {"role": "assistant" if at % 2 else "user", "text": text, "model": LONG}
        | {"state": "stopped" if at == 3 else "done", "thought": "hm " * 40 if at == 1 else ""}
        | figures
        for at, text in enumerate(texts)
    ]
