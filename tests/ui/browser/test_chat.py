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
COUNT = "[pace 20] [count 400] go"


def write(page: Page, text: str) -> None:
    page.locator(".chat-writing textarea").fill(text)
    page.keyboard.press("Enter")


def answer(page: Page, number: int = -1) -> Locator:
    return page.locator(ANSWER).nth(number)


def settled(page: Page, number: int = -1) -> Locator:
    """The answer, once it grows no more."""
    one = answer(page, number)
    expect(one.get_by_role("button", name="retry")).to_be_visible(timeout=ANSWERS_WITHIN_MS)
    return one


def numbers(one: Locator) -> list[int]:
    return [int(word) for word in one.locator(".prose").last.inner_text().split()]


def wait_for_number(page: Page, number: int) -> None:
    expect(answer(page).locator(".prose").last).to_contain_text(f" {number} ", timeout=ANSWERS_WITHIN_MS)


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


def test_an_answer_is_text_with_its_figures_and_the_thought_behind_it(chatting: Page) -> None:
    write(chatting, "[think first of all] Say **this** and `that`")

    one = settled(chatting)
    expect(one.locator("strong", has_text="this")).to_be_visible()
    expect(one.locator(".figures")).to_contain_text("tokens")
    expect(one.locator(".figures")).to_contain_text("first token")
    expect(one.locator(".thought .prose")).to_have_count(0)
    one.locator(".thought summary").click()
    expect(one.locator(".thought .prose")).to_have_text("first of all")
    keep(chatting, "chat-answer")


def test_the_call_of_a_tool_is_shown_as_it_was_made(chatting: Page) -> None:
    write(chatting, "[tool] what is the weather")

    one = settled(chatting)
    expect(one.locator(".tool")).to_contain_text("look_up")
    expect(one.locator(".tool-given")).to_contain_text('"city": "Oslo"')


def test_a_stopped_answer_keeps_its_text_and_goes_on_from_there(chatting: Page) -> None:
    write(chatting, COUNT)
    wait_for_number(chatting, 20)

    chatting.keyboard.press("Control+.")
    one = settled(chatting)
    expect(one.locator(".figures")).to_contain_text("stopped")
    stopped_at = numbers(one)[-1]
    one.get_by_role("button", name="continue").click()
    wait_for_number(chatting, stopped_at + 5)
    chatting.get_by_role("button", name="stop").click()

    after = numbers(settled(chatting))
    assert after == list(range(len(after)))
    assert len(after) > stopped_at + 5


def test_a_reload_in_the_middle_costs_nothing_and_repeats_nothing(chatting: Page) -> None:
    write(chatting, "[pace 20] [count 200] go")
    wait_for_number(chatting, 20)

    chatting.reload()

    one = settled(chatting)
    assert numbers(one) == list(range(200))
    expect(one.locator(".figures")).to_contain_text("200 tokens")


def test_an_answer_goes_on_while_another_conversation_is_read(chatting: Page) -> None:
    write(chatting, "[pace 20] [count 150] go")
    wait_for_number(chatting, 5)

    chatting.get_by_role("button", name="new chat").click()
    expect(chatting.locator(".chat-empty")).to_be_visible()
    entry = chatting.locator(".chat-entry", has_text="[pace 20]")
    expect(entry).to_contain_text("answering")
    chatting.go_back()

    assert numbers(settled(chatting)) == list(range(150))
    expect(entry).not_to_contain_text("answering")


def test_a_proxy_that_is_killed_costs_nothing(new_visit: NewVisit, stack: Stack) -> None:
    proxy = stack.new_proxy().start()
    visit = new_visit(proxy.url)
    visit.tolerate("ERR_", "50[0-9]", "404")
    page = visit.open("chat", model="echo")
    write(page, "[pace 30] [count 250] go")
    wait_for_number(page, 30)

    proxy.kill()
    proxy.start()

    one = settled(page)
    assert numbers(one) == list(range(250))
    expect(one.locator(".figures")).to_contain_text("completed after an interruption")


def test_two_tabs_show_one_answer_and_only_one_listens(chatting: Page) -> None:
    write(chatting, "[pace 100] [count 300] go")
    wait_for_number(chatting, 5)
    other = chatting.context.new_page()
    asked: list[str] = []
    other.on("request", lambda one: asked.append(one.url))

    other.goto(chatting.url)

    expect(answer(other)).to_contain_text("It grows in another tab", timeout=ANSWERS_WITHIN_MS)
    assert numbers(settled(other)) == list(range(300))
    assert not any("/v1/stream" in url or "/v1/chat" in url for url in asked)
    assert numbers(settled(chatting)) == list(range(300))


def test_the_command_line_says_something_to_a_model(chatting: Page) -> None:
    chatting.keyboard.press("Escape")
    chatting.keyboard.press(":")
    chatting.keyboard.type("chat echo said by the line")
    chatting.keyboard.press("Enter")

    expect(settled(chatting).locator(".prose").last).to_have_text("said by the line")
    expect(chatting.locator(".chat-title")).to_have_text("said by the line")


def test_the_focus_is_never_lost(chatting: Page) -> None:
    def focus() -> str:
        return str(chatting.evaluate("document.activeElement.className || document.activeElement.tagName"))

    field = chatting.locator(".chat-writing textarea")
    expect(field).to_be_focused()
    write(chatting, "one")
    settled(chatting)
    expect(field).to_be_focused()

    answer(chatting).get_by_role("button", name="retry").click()
    expect(chatting.locator(f"{ANSWER} .branch-place")).to_have_text("2/2")
    settled(chatting)
    assert "message" in focus()
    chatting.get_by_role("button", name="Branch before").click()
    expect(chatting.locator(f"{ANSWER} .branch-place")).to_have_text("1/2")
    assert "message" in focus()
    chatting.get_by_role("button", name="edit").click()
    expect(chatting.locator(".message-editor textarea")).to_be_focused()
    chatting.keyboard.press("Escape")
    assert "message" in focus()
    chatting.keyboard.press("i")
    expect(field).to_be_focused()
    chatting.keyboard.press("Escape")
    assert "chat-scroll" in focus()


def test_an_engine_that_cannot_go_on_begins_again_beside_what_came(visit: Visit) -> None:
    visit.tolerate("400")
    chatting = visit.open("chat", model="echo")
    write(chatting, "[die] [no rest] [pace 20] [count 60] go")

    expect(answer(chatting)).to_contain_text("begun again here", timeout=ANSWERS_WITHIN_MS)
    expect(answer(chatting).locator(".branch-place")).to_have_text("2/2")
    settled(chatting)
    chatting.keyboard.press("[")

    before = numbers(answer(chatting))
    assert before == list(range(len(before)))
    assert before


def test_an_error_stands_below_the_question_and_is_tried_again_in_place(visit: Visit) -> None:
    visit.tolerate("500")
    page = visit.open("chat", model="echo")

    write(page, "[fail no such luck] please")

    expect(answer(page).get_by_role("alert")).to_contain_text("no such luck", timeout=ANSWERS_WITHIN_MS)
    answer(page).get_by_role("button", name="try again").click()
    expect(answer(page).get_by_role("alert")).to_contain_text("no such luck", timeout=ANSWERS_WITHIN_MS)
    expect(page.locator(ANSWER)).to_have_count(1)
    expect(page.locator(".branch-place")).to_have_count(0)


def test_a_model_that_cannot_load_says_why_and_what_to_do(visit: Visit) -> None:
    visit.tolerate("503")
    page = visit.open("chat", model="broken")

    write(page, "hello")

    trouble = answer(page).get_by_role("alert")
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
    expect(settled(page).locator(".prose").last).to_have_text("hello there")


def test_an_edit_makes_a_branch_and_keys_walk_the_branches(chatting: Page) -> None:
    write(chatting, "first words")
    settled(chatting)

    chatting.locator(".chat-scroll").focus()
    chatting.keyboard.press("e")
    field = chatting.locator(".message-editor textarea")
    expect(field).to_have_value("first words")
    field.fill("second words")
    chatting.keyboard.press("Enter")

    expect(chatting.locator(".message-mine .branch-place")).to_have_text("2/2")
    expect(settled(chatting).locator(".prose").last).to_have_text("second words")
    chatting.locator(".message-mine").focus()
    chatting.keyboard.press("[")
    expect(chatting.locator(".question-text")).to_have_text("first words")
    expect(answer(chatting).locator(".prose").last).to_have_text("first words")
    chatting.reload()
    expect(chatting.locator(".question-text")).to_have_text("first words")


def test_retry_makes_a_sibling_by_the_model_that_is_chosen_now(chatting: Page) -> None:
    write(chatting, "say it")
    settled(chatting)

    chatting.locator("#chat-model").click()
    expect(chatting.locator(".picker-filter")).to_be_focused()
    chatting.keyboard.type("goes on and on")
    chatting.keyboard.press("Enter")
    chatting.locator(".chat-scroll").focus()
    chatting.keyboard.press("r")

    expect(chatting.locator(f"{ANSWER} .branch-place")).to_have_text("2/2")
    expect(settled(chatting).locator(".message-who")).to_have_text(LONG)
    chatting.keyboard.press("[")
    expect(answer(chatting).locator(".message-who")).to_have_text("echo")


def test_the_picker_narrows_as_one_types_and_shows_phases(chatting: Page) -> None:
    chatting.locator("#chat-model").click()
    options = chatting.get_by_role("option")
    expect(options.filter(has_text="demo-vision")).to_be_visible()
    expect(options.filter(has_text="demo-image")).to_have_count(0)
    keep(chatting, "chat-picker")

    chatting.keyboard.type("slow")

    expect(options).to_have_count(1)
    chatting.keyboard.press("Enter")
    expect(chatting.locator("#chat-model")).to_contain_text("slow-to-load")
    expect(chatting.locator("#chat-model")).to_be_focused()


def test_the_prompt_and_the_sampling_of_a_conversation_are_sent(chatting: Page) -> None:
    chatting.get_by_role("button", name="Prompt and sampling").click()
    chatting.get_by_label("System prompt").fill("be brief")
    chatting.get_by_label("Temperature").fill("3")
    expect(chatting.get_by_role("button", name="save")).to_be_disabled()
    chatting.get_by_label("Temperature").fill("0,5")
    chatting.get_by_role("button", name="save").click()

    with chatting.expect_request("**/v1/chat/completions") as sent:
        write(chatting, "hello")

    body = json.loads(sent.value.post_data or "{}")
    assert body["messages"][0] == {"role": "system", "content": "be brief"}
    assert body["temperature"] == 0.5
    assert sent.value.headers["x-resumable"] == "1"


def test_conversations_are_named_pinned_found_and_brought_back(visit: Visit) -> None:
    chats = [chat(number, f"Talk {number}") for number in range(1, 61)]
    messages = line("c00000007", 4)
    visit.open("chat", seed={"conversations": chats, "messages": messages})
    page = visit.page
    entries = page.locator(".chat-entry")
    expect(entries).to_have_count(50)
    expect(entries.first).to_contain_text("Talk 60")
    page.get_by_role("button", name="show more").click()
    expect(entries).to_have_count(60)

    page.get_by_label("search all chats").fill("WORD3")
    expect(entries).to_have_count(1)
    expect(entries.first.locator("mark")).to_have_text("word3")
    page.get_by_label("search all chats").press("Escape")

    page.get_by_role("button", name="More for Talk 1", exact=True).click()
    page.get_by_role("menuitem", name="Pin").click()
    expect(entries.first).to_contain_text("Talk 1")
    page.get_by_role("button", name="More for Talk 1", exact=True).click()
    page.get_by_role("menuitem", name="Rename").click()
    page.get_by_role("dialog").get_by_label("Name", exact=True).fill("Ladders")
    page.get_by_role("button", name="save").click()
    expect(entries.first).to_contain_text("Ladders")

    page.get_by_role("button", name="More for Ladders").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(page.get_by_text("Ladders", exact=True)).to_have_count(0)
    page.get_by_role("button", name="undo").click()
    expect(entries.first).to_contain_text("Ladders")


def test_a_conversation_is_taken_out_and_brought_in(chatting: Page, tmp_path: Path) -> None:
    write(chatting, "one thing")
    settled(chatting)
    title = chatting.locator(".chat-entry .chat-entry-title")
    expect(title).to_have_text("one thing")

    with chatting.expect_download() as got:
        chatting.get_by_role("button", name="More for one thing").click()
        chatting.get_by_role("menuitem", name="Export as JSON").click()
    kept = tmp_path / got.value.suggested_filename
    got.value.save_as(kept)
    with chatting.expect_file_chooser() as asked:
        chatting.get_by_role("button", name="More for all chats").click()
        chatting.get_by_role("menuitem", name="Import a file").click()
    asked.value.set_files(kept)

    expect(title).to_have_count(2)
    expect(answer(chatting).locator(".prose").last).to_have_text("one thing")
    assert json.loads(kept.read_text())["chats"][0]["messages"][0]["text"] == "one thing"
    with chatting.expect_download() as got:
        chatting.get_by_role("button", name="More for one thing").first.click()
        chatting.get_by_role("menuitem", name="Export as Markdown").click()
    assert "## echo\n\none thing\n" in Path(got.value.path()).read_text()


def test_a_file_that_holds_no_chats_is_refused_with_words(chatting: Page, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"a": 1}')

    with chatting.expect_file_chooser() as asked:
        chatting.get_by_role("button", name="More for all chats").click()
        chatting.get_by_role("menuitem", name="Import a file").click()
    asked.value.set_files(wrong)

    expect(chatting.get_by_text("Cannot import this file: it holds no chats")).to_be_visible()


def test_what_is_read_never_moves_and_the_end_is_followed_when_asked(chatting: Page) -> None:
    write(chatting, "[pace 15] [count 600] " + "go")
    wait_for_number(chatting, 150)
    box = chatting.locator(".chat-scroll")
    expect(chatting.locator(".chat-down")).to_have_count(0)

    # A long answer in a low window scrolls while it grows.
    chatting.set_viewport_size({"width": 500, "height": 420})
    wait_for_number(chatting, 250)
    box.hover()
    chatting.mouse.wheel(0, -200)
    expect(chatting.locator(".chat-down")).to_be_visible()
    stays = box.evaluate("(one) => one.scrollTop")
    wait_for_number(chatting, 330)
    assert box.evaluate("(one) => one.scrollTop") == stays

    chatting.locator(".chat-down").click()
    wait_for_number(chatting, 400)
    gap = box.evaluate("(one) => one.scrollHeight - one.scrollTop - one.clientHeight")
    assert gap < 8


def test_ten_thousand_messages_are_read_a_page_at_a_time(visit: Visit) -> None:
    count = 10_000
    record = chat(1, "Long", leaf=f"m{count - 1:08}")
    page = visit.open("chat", seed={"conversations": [record], "messages": line(record["id"], count)})

    page = visit.go(f"chat/{record['id']}")

    articles = page.locator(".chat-scroll article")
    expect(articles).to_have_count(50)
    expect(articles.last).to_contain_text("word9999")
    first = page.locator("#m-m00009951")
    first.scroll_into_view_if_needed()
    expect(page.locator("#m-m00009920")).to_be_attached()
    before = first.bounding_box()
    page.wait_for_timeout(300)
    after = first.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["y"] - after["y"]) < 4


def test_a_hit_far_up_is_opened_where_it_is(visit: Visit) -> None:
    record = chat(1, "Long", leaf="m00000999")
    page = visit.open("chat", seed={"conversations": [record], "messages": line(record["id"], 1000)})

    page.get_by_label("search all chats").fill("word123 ")
    page.locator(".chat-entry a").click()

    expect(page.locator("#m-m00000123")).to_be_in_viewport(timeout=20_000)
    expect(page.get_by_text("messages are read as you scroll down")).to_be_attached()
    page.get_by_role("button", name="to the end").click()
    expect(page.locator("#m-m00000999")).to_be_in_viewport()


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


def test_a_phone_has_the_conversations_in_a_drawer(visit: Visit) -> None:
    page = visit.open("chat", width=360, height=740, seed={"conversations": [chat(1, "Talk 1")]})
    expect(page.locator(".chat-side")).to_be_hidden()

    page.locator(".chat-drawer-button").click()
    keep(page, "chat-drawer")
    page.locator(".chat-drawer").get_by_role("link", name="Talk 1").click()

    expect(page.locator(".chat-drawer")).to_have_count(0)
    expect(page.locator(".chat-title")).to_have_text("Talk 1")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize(("width", "theme"), [(360, "paper"), (768, "amber"), (1440, "phosphor")])
@pytest.mark.parametrize("lang", ["en", "ru"])
def test_a_conversation_fits_every_screen(visit: Visit, width: int, theme: str, lang: str) -> None:
    record = chat(1, "A title that goes on for longer than any column has room for it", model=LONG, leaf="m5")
    code = (
        "Read this:\n\n```python\n"
        + "print('a line that is longer than a phone is wide, by far')\n" * 3
        + "```\n\n"
    )
    table = "| a | b |\n| --- | --- |\n| one | two |\n\n" + "x" * 300
    texts = ["What is this? " * 5, code + table, "And now?", "Half of"]
    messages = [
        {"id": f"m{at + 2}", "conversation": record["id"], "parent": f"m{at + 1}" if at else ""}
        | {"role": "assistant" if at % 2 else "user", "at": 1_760_000_000_000, "text": text, "model": LONG}
        | {
            "state": "stopped" if at == 3 else "done",
            "usage": {"made": 1234, "read": 56},
            "asked": 1,
            "first": 800,
        }
        | {"since": 800, "ended": 30_000, "thought": "hm " * 40 if at == 1 else ""}
        for at, text in enumerate(texts)
    ]
    visit.open(
        "chat", width=width, theme=theme, lang=lang, seed={"conversations": [record], "messages": messages}
    )

    page = visit.go(f"chat/{record['id']}")
    expect(page.locator(ANSWER)).to_have_count(2)
    expect(page.locator(".hljs-string, .token-string, pre").first).to_be_visible()
    keep(page, f"chat-{width}-{theme}-{lang}")

    wide = page.locator(".chat-scroll").evaluate("(one) => one.scrollWidth - one.clientWidth")
    assert wide <= 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
