"""Pictures and videos in a message, and the composer that they are put together in."""

import base64
import json
import re
import struct
import zlib
from typing import Any

import httpx
import pytest
from playwright.sync_api import FilePayload, Locator, Page, Route, expect

from tests.ui.browser.conftest import NewVisit, keep
from tests.ui.browser.stack import Stack
from tests.ui.browser.visit import Visit

MODEL = "demo-vision"
EVIL = "<img src=x onerror=alert(1)>.png"
# A paste or a drop as a browser tells it: no test can reach the system's own clipboard.
BRING = """([selector, kind, files, text]) => {
  const data = new DataTransfer();
  for (const {name, type, content} of files) {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    data.items.add(new File([bytes], name, {type}));
  }
  if (text) data.setData("text/plain", text);
  const target = document.querySelector(selector);
  const how = {bubbles: true, cancelable: true};
  if (kind === "paste") target.dispatchEvent(new ClipboardEvent("paste", {...how, clipboardData: data}));
  else for (const type of ["dragenter", "dragover", "drop"])
    target.dispatchEvent(new DragEvent(type, {...how, dataTransfer: data}));
}"""
STORED = """async (store) => {
  const db = await new Promise((done) => {
    const asked = indexedDB.open("switchyard");
    asked.onsuccess = () => done(asked.result);
  });
  const all = await new Promise((done) => {
    const asked = db.transaction(store).objectStore(store).getAll();
    asked.onsuccess = () => done(asked.result);
  });
  db.close();
  return all.map((record) => ({...record, isBlob: record.blob instanceof Blob, text: JSON.stringify(record)}));
}"""
COMPOSING = """(field) => field.dispatchEvent(new KeyboardEvent("keydown",
  {key: "Enter", code: "Enter", bubbles: true, cancelable: true, isComposing: true}))"""


def png(width: int, height: int, shade: int = 90) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    rows = b"".join(b"\0" + bytes([shade, y % 256, 255 - shade]) * width for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def image(name: str, width: int = 640, height: int = 480) -> FilePayload:
    return {"name": name, "mimeType": "image/png", "buffer": png(width, height)}


def film(page: Page, name: str = "clip.webm") -> FilePayload:
    """A second of WebM, recorded by the browser itself."""
    content = page.evaluate("""async () => {
      const canvas = Object.assign(document.createElement("canvas"), {width: 320, height: 240});
      const context = canvas.getContext("2d");
      const recorder = new MediaRecorder(canvas.captureStream(25), {mimeType: "video/webm;codecs=vp8"});
      const pieces = [];
      recorder.ondataavailable = ({data}) => pieces.push(data);
      const over = new Promise((done) => { recorder.onstop = done; });
      recorder.start();
      for (let i = 0; i < 25; i += 1) {
        context.fillStyle = `hsl(${i * 10} 80% 50%)`;
        context.fillRect(0, 0, 320, 240);
        await new Promise((done) => setTimeout(done, 40));
      }
      recorder.stop();
      await over;
      const bytes = new Uint8Array(await new Blob(pieces).arrayBuffer());
      return btoa(String.fromCharCode(...bytes));
    }""")
    return {"name": name, "mimeType": "video/webm", "buffer": base64.b64decode(content)}


def bring(
    page: Page, kind: str, *files: FilePayload, text: str = "", onto: str = "textarea.composer-field"
) -> None:
    told = [
        {"name": file["name"], "type": file["mimeType"], "content": base64.b64encode(file["buffer"]).decode()}
        for file in files
    ]
    page.evaluate(BRING, [onto, kind, told, text])


def pick(page: Page, *files: FilePayload) -> None:
    with page.expect_file_chooser() as asked:
        page.get_by_role("button", name="attach", exact=True).click()
    asked.value.set_files(list(files))


def field(page: Page) -> Locator:
    return page.locator("textarea.composer-field")


def size(width: int, height: int) -> str:
    return f"{width}\N{MULTIPLICATION SIGN}{height}"


def chips(page: Page) -> Locator:
    return page.locator(".composer .media-chip")


def labels(page: Page) -> list[str]:
    return [
        each.split("\n")[0]
        for each in page.locator(".composer .media-label > span:first-child").all_inner_texts()
    ]


def sent(page: Page, act: Any) -> dict[str, Any]:
    """The chat request that an act causes, answered at once with nothing of an engine's."""
    asked: list[dict[str, Any]] = []

    def answer(route: Route) -> None:
        asked.append(json.loads(route.request.post_data_buffer or b"{}"))
        said = {"choices": [{"index": 0, "delta": {"content": "I see."}, "finish_reason": "stop"}]}
        body = f"data: {json.dumps(said)}\n\ndata: [DONE]\n\n"
        route.fulfill(status=200, content_type="text/event-stream", body=body)

    page.route("**/v1/chat/completions", answer)
    with page.expect_response("**/v1/chat/completions"):
        act()
    expect(page.get_by_text("I see.").first).to_be_visible()
    page.unroute("**/v1/chat/completions")
    return asked[0]


@pytest.fixture
def page(visit: Visit) -> Page:
    page = visit.open("chat", model=MODEL)
    page.set_default_timeout(15_000)
    return page


def test_files_come_in_by_all_ways_and_keep_their_order(page: Page) -> None:
    pick(page, image("one.png"), film(page))
    expect(chips(page)).to_have_count(2)

    bring(page, "paste", image("two.png"))
    expect(chips(page)).to_have_count(3)
    bring(page, "drop", image("three.png"), onto=".chat-main")
    expect(chips(page)).to_have_count(4)

    assert labels(page) == ["Image 1", "Video 1", "Image 2", "Image 3"]
    expect(chips(page).nth(1).locator("img")).to_be_visible()
    expect(chips(page).first).to_contain_text(size(640, 480))


def test_what_is_sent_is_labels_and_data_in_the_order_of_the_strip(page: Page) -> None:
    pick(page, image("one.png"), film(page))
    expect(chips(page)).to_have_count(2)
    page.get_by_role("button", name="Move Video 1 earlier").click()
    field(page).fill("Compare")

    body = sent(page, lambda: field(page).press("Enter"))

    *_, message = body["messages"]
    parts = message["content"]
    assert [part["type"] for part in parts] == ["text", "video_url", "text", "image_url", "text"]
    assert [part["text"] for part in parts if part["type"] == "text"] == ["Video 1: ", "Image 1: ", "Compare"]
    assert parts[1]["video_url"]["url"].startswith("data:video/webm;base64,")
    address = parts[3]["image_url"]["url"]
    assert base64.b64decode(address.removeprefix("data:image/png;base64,")) == png(640, 480)
    assert body["labels"] is False
    expect(page.locator(".message-mine")).to_contain_text("Image 1")
    expect(chips(page)).to_have_count(0)


def test_files_are_kept_as_files_and_base64_nowhere(page: Page) -> None:
    pick(page, image("one.png"))
    field(page).fill("Look")
    expect(chips(page)).to_have_count(1)

    sent(page, lambda: field(page).press("Enter"))

    [file] = page.evaluate(STORED, "files")
    assert file["isBlob"]
    assert (file["width"], file["height"]) == (640, 480)
    for store in ("messages", "conversations", "drafts"):
        assert all("base64" not in record["text"] for record in page.evaluate(STORED, store))


def test_labels_count_on_in_the_next_message_and_own_ones_are_sent(page: Page) -> None:
    pick(page, image("one.png"))
    expect(chips(page)).to_have_count(1)
    sent(page, lambda: field(page).press("Enter"))

    pick(page, image("two.png"), image("three.png"))
    expect(chips(page)).to_have_count(2)
    assert labels(page) == ["Image 2", "Image 3"]
    page.get_by_role("button", name="Give Image 3 another label").click()
    page.get_by_role("textbox", name="Label").fill("The back")
    page.keyboard.press("Enter")
    assert labels(page) == ["Image 2", "The back"]

    body = sent(page, lambda: field(page).press("Enter"))

    texts = [part["text"] for part in body["messages"][-1]["content"] if part["type"] == "text"]
    assert texts == ["Image 2: ", "The back: "]


def test_order_changes_by_keys_and_by_dragging_and_the_focus_stays(page: Page) -> None:
    pick(page, image("a.png"), image("b.png", 320, 240), image("c.png", 100, 100))
    expect(chips(page)).to_have_count(3)
    first = chips(page).first.locator(".media-open")

    first.focus()
    page.keyboard.press("Alt+ArrowRight")
    expect(chips(page).nth(1)).to_contain_text(size(640, 480))
    assert size(640, 480) in page.evaluate("document.activeElement.closest('.media-chip').textContent")
    page.keyboard.press("Alt+ArrowDown")
    expect(chips(page).nth(2)).to_contain_text(size(640, 480))

    start = chips(page).nth(2).locator(".media-thumb").bounding_box()
    end = chips(page).first.bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 20, start["y"] + 20)
    page.mouse.down()
    page.mouse.move(end["x"] + 30, end["y"] + 30, steps=8)
    page.mouse.move(end["x"] + 5, end["y"] + 20, steps=2)
    page.mouse.up()
    expect(chips(page).first).to_contain_text(size(640, 480))
    expect(page.locator("dialog")).to_have_count(0)  # the end of a drag is no press


def test_order_changes_by_a_finger(new_visit: NewVisit) -> None:
    page = new_visit(has_touch=True).open("chat", width=360, height=740, model=MODEL)
    pick(page, image("a.png"), image("b.png", 320, 240))
    expect(chips(page)).to_have_count(2)
    start = chips(page).first.locator(".media-grip").bounding_box()
    end = chips(page).nth(1).bounding_box()
    assert start is not None
    assert end is not None
    touch = page.context.new_cdp_session(page)

    def at(kind: str, *points: tuple[float, float]) -> None:
        told = [{"x": x, "y": y} for x, y in points]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": told})

    at("touchStart", (start["x"] + 12, start["y"] + 12))
    for share in (0.3, 0.6, 0.9, 1):
        y = start["y"] + share * (end["y"] + end["height"] - start["y"])
        at("touchMove", (start["x"] + 150, y))
    at("touchEnd")

    expect(chips(page).first).to_contain_text(size(320, 240))


def test_what_was_removed_comes_back_to_its_place(page: Page) -> None:
    pick(page, image("a.png"), image("b.png", 320, 240), image("c.png", 100, 100))
    expect(chips(page)).to_have_count(3)

    page.get_by_role("button", name="Remove Image 2").click()
    expect(chips(page)).to_have_count(2)
    page.get_by_role("button", name="Undo").click()

    expect(chips(page).nth(1)).to_contain_text(size(320, 240))


def test_what_cannot_be_taken_is_explained_and_the_rest_is_taken(page: Page) -> None:
    heic = b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + bytes(64)
    pick(
        page,
        {"name": "photo.heic", "mimeType": "image/heic", "buffer": heic},
        {"name": "torn.png", "mimeType": "image/png", "buffer": png(64, 64)[:60]},
        {"name": "paper.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 " + bytes(50)},
        {"name": "nothing.png", "mimeType": "image/png", "buffer": b""},
        image("good.png"),
    )

    expect(chips(page)).to_have_count(1)
    trouble = page.locator(".composer [role=alert]")
    for said in (
        "photo.heic: this is an HEIC photo",
        "torn.png: this image is damaged",
        "PDF is not taken",
        "is empty",
    ):
        expect(trouble).to_contain_text(said)
    trouble.get_by_role("button").click()
    expect(trouble).to_have_count(0)


def test_the_name_of_a_file_is_text_and_nothing_else(page: Page) -> None:
    pick(page, image(EVIL))
    expect(chips(page)).to_have_count(1)

    chips(page).locator(".media-open").click()

    expect(page.get_by_role("dialog")).to_contain_text(EVIL)
    assert page.locator("img[src='x']").count() == 0


def test_a_message_over_the_proxys_limit_is_held_back_before_it_is_sent(
    stack: Stack, new_visit: NewVisit
) -> None:
    small = stack.new_proxy(body_limit_mib="1").start()
    page = new_visit(url=small.url).open("chat", model=MODEL)
    noise: FilePayload = {
        "name": "film.mkv",
        "mimeType": "video/x-matroska",
        "buffer": b"\x1a\x45\xdf\xa3" + bytes(1_200_000),
    }
    page.route(
        "**/api/tokens",
        lambda route: route.fulfill(status=200, json={"items": [], "total": 5, "context": None}),
    )

    pick(page, noise)

    expect(page.locator(".composer [role=alert]")).to_contain_text(
        re.compile(r"would be 1\.\d MiB.*takes 1 MiB")
    )
    expect(page.get_by_role("button", name="Send")).to_be_disabled()


def test_enter_sends_and_shift_enter_does_not_and_both_can_be_swapped(new_visit: NewVisit) -> None:
    page = new_visit().open("chat", model=MODEL)
    field(page).fill("one")
    field(page).press("Shift+Enter")
    field(page).press_sequentially("two")
    assert sent(page, lambda: field(page).press("Enter"))["messages"][-1]["content"] == "one\ntwo"

    page = new_visit().open("chat", model=MODEL, enterSends=False)
    field(page).fill("one")
    field(page).press("Enter")
    field(page).press_sequentially("two")
    assert sent(page, lambda: field(page).press("Shift+Enter"))["messages"][-1]["content"] == "one\ntwo"


def test_nothing_is_sent_while_a_word_is_being_composed(page: Page) -> None:
    field(page).fill("にほん")

    field(page).evaluate(COMPOSING)

    expect(field(page)).to_have_value("にほん")
    expect(page.locator(".message")).to_have_count(0)


def test_the_arrow_up_in_the_empty_composer_edits_the_last_message(page: Page) -> None:
    pick(page, image("one.png"))
    field(page).fill("Frist")
    expect(chips(page)).to_have_count(1)
    sent(page, lambda: field(page).press("Enter"))

    field(page).press("ArrowUp")
    editor = page.locator(".message-editor")
    expect(editor.locator(".media-chip")).to_have_count(1)
    editor.locator("textarea").fill("First")
    body = sent(page, lambda: editor.locator("textarea").press("Enter"))

    assert [part.get("text") for part in body["messages"][-1]["content"]] == ["Image 1: ", None, "First"]


def test_a_long_paste_becomes_an_attachment_that_can_be_opened_and_is_sent(page: Page) -> None:
    long = "a line of text\n" * 20_000
    bring(page, "paste", text=long)

    chip = page.locator(".paste-chip")
    expect(chip).to_contain_text("20,001 lines")
    expect(field(page)).to_have_value("")
    chip.get_by_role("button", name="pasted text").first.click()
    expect(page.get_by_role("dialog").locator("textarea")).to_have_value(long)
    page.keyboard.press("Escape")
    field(page).fill("Shorten this")

    words = sent(page, lambda: field(page).press("Enter"))["messages"][-1]["content"]

    assert words == f"{long}\n\nShorten this"


def test_a_draft_with_its_files_survives_a_reload_and_belongs_to_its_chat(visit: Visit, page: Page) -> None:
    pick(page, image("one.png"))
    field(page).fill("half a thou")
    expect(chips(page)).to_have_count(1)

    page.reload()
    visit.until("chat")

    expect(field(page)).to_have_value("half a thou")
    expect(chips(page)).to_have_count(1)
    expect(chips(page).locator("img")).to_be_visible()


def test_blocks_are_built_by_keys_alone_and_sent_in_their_order(page: Page) -> None:
    page.get_by_role("button", name="Blocks").press("Enter")
    field(page).first.focus()
    page.keyboard.type("/")
    menu = page.get_by_role("listbox")
    expect(menu.get_by_role("option")).to_have_count(4)
    page.keyboard.type("im")
    expect(menu.get_by_role("option")).to_have_count(1)
    with page.expect_file_chooser() as asked:
        page.wait_for_timeout(500)  # the driver begins to catch choosers beside, not before
        page.keyboard.press("Enter")
    asked.value.set_files([image("one.png")])
    expect(page.locator(".blocks .media-chip")).to_have_count(1)
    field(page).last.focus()
    page.keyboard.type("What is this?")
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator(".blocks > li").first.locator("textarea")).to_have_value("What is this?")
    expect(page.locator(".blocks > li").first.locator("textarea")).to_be_focused()

    page.get_by_role("button", name="Preview").click()
    shown = json.loads(page.locator(".preview-json").inner_text())
    page.keyboard.press("Escape")
    body = sent(page, lambda: field(page).first.press("Control+Enter"))

    parts = body["messages"][-1]["content"]
    assert [part.get("text") for part in parts] == ["What is this?", "Image 1: ", None]
    assert [part["type"] for part in shown] == [part["type"] for part in parts]
    assert re.fullmatch(r"data:image/png;base64,\S{24}… \([\d.]+ KiB\)", shown[2]["image_url"]["url"])


def test_a_slash_that_goes_on_as_a_path_is_text(page: Page) -> None:
    field(page).press_sequentially("/")
    expect(page.get_by_role("listbox")).to_be_visible()
    field(page).press_sequentially("etc/hosts")
    expect(page.get_by_role("listbox")).to_have_count(0)

    field(page).fill("/")
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_have_count(0)
    expect(field(page)).to_have_value("/")


def test_joining_blocks_to_one_text_can_be_undone(page: Page) -> None:
    page.get_by_role("button", name="Blocks").click()
    field(page).first.fill("first")
    page.get_by_role("button", name="+ text").click()
    field(page).last.fill("second")
    pick(page, image("one.png"))
    expect(page.locator(".blocks > li")).to_have_count(4)

    page.get_by_role("button", name="Blocks").click()
    expect(field(page)).to_have_value("first\n\nsecond")
    page.get_by_role("button", name="Undo").click()

    expect(page.locator(".blocks > li")).to_have_count(4)


def test_templates_are_saved_used_after_a_reload_and_deleted_with_undo(visit: Visit, page: Page) -> None:
    pick(page, image("one.png"))
    field(page).fill("Describe it")
    expect(chips(page)).to_have_count(1)
    page.get_by_role("button", name="Templates").click()
    page.get_by_label("Save what is composed as").fill("describe")
    page.keyboard.press("Enter")
    expect(page.locator(".template")).to_contain_text("describe")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Remove Image 1").click()
    field(page).fill("")
    page.wait_for_timeout(600)  # a draft is kept in pauses
    page.reload()
    visit.until("chat")

    page.get_by_role("button", name="Templates").click()
    page.locator(".template-apply").click()
    expect(field(page)).to_have_value("Describe it")
    expect(chips(page).locator("img")).to_be_visible()

    page.get_by_role("button", name="Templates").click()
    page.get_by_role("button", name="Delete the template describe").click()
    expect(page.locator(".template")).to_have_count(0)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Templates").click()
    expect(page.locator(".template")).to_have_count(1)


def test_each_picture_tells_its_exact_tokens_and_the_whole_its_level(page: Page) -> None:
    pick(page, image("one.png", 512, 512), image("wide.png", 1280, 720))

    expect(chips(page).first).to_contain_text("256 tokens")
    expect(chips(page).nth(1)).to_contain_text("252 tokens")  # the model makes it smaller first
    expect(page.locator(".budget")).to_contain_text("ok")


def test_stand_ins_count_like_the_files_that_are_sent(stack: Stack, page: Page) -> None:
    counted: list[Any] = []
    page.on("requestfinished", lambda one: counted.append(one.response()) if "/api/tokens" in one.url else None)
    pick(page, image("one.png", 512, 512), film(page), image("wide.png", 1280, 720))
    field(page).fill("Compare Image 1 with Image 2.")
    expect(chips(page).nth(1)).to_contain_text("tokens")
    page.wait_for_timeout(600)
    here = counted[-1]

    body = sent(page, lambda: field(page).press("Enter"))
    whole = httpx.post(
        f"{stack.url}/api/tokens", json={"model": MODEL, "labels": False, "messages": body["messages"]}
    )

    assert len(here.request.post_data_buffer) < len(json.dumps(body)) / 2
    assert [item["tokens"] for item in here.json()["items"]] == [
        item["tokens"] for item in whole.json()["items"]
    ]
    assert here.json()["total"] == whole.json()["total"]


def test_a_file_that_cannot_be_counted_says_so_on_its_own_chip(visit: Visit, page: Page) -> None:
    visit.tolerate("400")
    torn: FilePayload = {
        "name": "torn.mp4",
        "mimeType": "video/mp4",
        "buffer": b"\0\0\0\x14ftypisom\0\0\0\0isom" + bytes(40),
    }
    page.route(
        "**/api/tokens",
        lambda route: route.fulfill(
            status=400,
            json={
                "error": {
                    "message": "it is torn",
                    "code": "invalid_value",
                    "param": "messages[0].content[3].video_url",
                }
            },
        ),
    )

    pick(page, image("one.png"), torn)

    expect(chips(page).nth(1)).to_contain_text("it is torn")
    expect(chips(page).first).not_to_contain_text("it is torn")


def test_a_model_that_reads_text_only_is_warned_of(new_visit: NewVisit) -> None:
    page = new_visit().open("chat", model="demo-chat")
    pick(page, image("one.png"))

    expect(page.locator(".composer")).to_contain_text("demo-chat does not look at images or videos")


def test_over_the_context_says_by_how_much_and_a_press_mends_it(visit: Visit, page: Page) -> None:
    def budget(route: Route) -> None:
        real = route.fetch()
        said = real.json() | {"context": 200}
        route.fulfill(response=real, json=said)

    page.route("**/api/tokens", budget)
    pick(page, image("large.png", 1280, 720))

    over = page.locator(".budget-over")
    expect(over).to_contain_text("over the model's context")
    expect(page.locator(".budget")).to_contain_text("critical")
    meter = page.get_by_role("meter", name="Part of the model's context")
    assert "200 tokens" in (meter.get_attribute("aria-valuetext") or "")
    over.get_by_role("button", name="Make Image 1 smaller").click()

    expect(over).to_have_count(0)
    expect(chips(page)).not_to_contain_text(size(1280, 720))
    page.get_by_role("button", name="Undo").click()
    expect(chips(page)).to_contain_text(size(1280, 720))


def test_old_questions_for_tokens_are_given_up_while_one_types(page: Page) -> None:
    asked: list[str] = []
    page.on(
        "request", lambda request: asked.append(request.url) if request.url.endswith("/api/tokens") else None
    )

    field(page).press_sequentially("forty letters that are typed in one go..", delay=20)
    expect(page.locator(".budget")).to_be_visible()

    assert 1 <= len(asked) <= 3


def test_the_large_view_leafs_and_gives_the_focus_back(page: Page) -> None:
    pick(page, image("a.png"), image("b.png", 320, 240))
    expect(chips(page)).to_have_count(2)
    first = chips(page).first.locator(".media-open")
    first.focus()

    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Image 1")
    page.keyboard.press("ArrowRight")
    expect(dialog).to_contain_text("Image 2")
    page.keyboard.press("Escape")

    expect(first).to_be_focused()


@pytest.mark.parametrize("lang", ["en", "ru"])
@pytest.mark.parametrize("theme", ["phosphor", "amber", "paper"])
def test_the_composer_fits_every_width(new_visit: NewVisit, lang: str, theme: str) -> None:
    width = {"phosphor": 360, "amber": 768, "paper": 1440}[theme]
    page = new_visit().open("chat", width=width, lang=lang, theme=theme, model=MODEL)
    files = [image("a.png"), image(f"{'long-name-' * 12}.png", 64, 64), film(page)]
    bring(page, "paste", *files, {"name": "notes.md", "mimeType": "text/markdown", "buffer": b"# notes\n" * 99})
    expect(chips(page)).to_have_count(3)
    field(page).fill("What changed between Image 1 and Image 2?")
    expect(page.locator(".budget")).to_be_visible()

    for look in ("strip", "blocks"):
        beyond = page.evaluate("""() => [...document.querySelectorAll(".composer *")].filter((one) =>
          one.getClientRects().length && one.getBoundingClientRect().right > innerWidth + 1).length""")
        assert beyond == 0, look
        keep(page, f"media-{look}-{width}-{lang}")
        page.locator(".composer-tool").nth(1).click()
