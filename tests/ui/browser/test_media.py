"""Pictures and videos in a message, and the composer that they are put together in."""

import base64
import json
import re
import struct
import zlib
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, FilePayload, Locator, Page, Response, Route, expect

from tests.ui.browser.conftest import NewVisit, keep
from tests.ui.browser.stack import LONG, Stack
from tests.ui.browser.visit import Visit

MODEL = "demo-vision"
EVIL = "<img src=x onerror=alert(1)>.png"
# A paste or a drop as a browser tells it: no test can reach the system's own clipboard.
BRING = """(target, [kind, files, text]) => {
  const data = new DataTransfer();
  for (const {name, type, content} of files) {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    data.items.add(new File([bytes], name, {type}));
  }
  if (text) data.setData("text/plain", text);
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
RECORD = """async () => {
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
}"""
TWO_LINES = 48  # and the field's own edges
# What sticks out of the composer, and what is too small for a finger.
UNFIT = """() => [...document.querySelectorAll(".composer *")].filter((one) => {
  const {right, width, height} = one.getBoundingClientRect();
  const isSmall = one.matches("button, input, textarea") && Math.min(width, height) < 24;
  return one.getClientRects().length && (right > innerWidth + 1 || isSmall);
}).map((one) => `${one.tagName} ${one.className}`)"""
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


def bring(
    page: Page, kind: str, *files: FilePayload, text: str = "", onto: str = "textarea.composer-field"
) -> None:
    told = [
        {"name": file["name"], "type": file["mimeType"], "content": base64.b64encode(file["buffer"]).decode()}
        for file in files
    ]
    page.locator(onto).first.evaluate(BRING, [kind, told, text])


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


def labels(page: Page) -> Locator:
    return page.locator(".composer .media-label > span:first-child")


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
    expect(page.locator(".composer-stop")).to_have_count(0)
    page.unroute("**/v1/chat/completions")
    return asked[0]


@pytest.fixture(scope="module")
def film(browser: Browser) -> FilePayload:
    """A second of WebM, recorded by the browser itself."""
    context = browser.new_context()
    content = context.new_page().evaluate(RECORD)
    context.close()
    return {"name": "clip.webm", "mimeType": "video/webm", "buffer": base64.b64decode(content)}


@pytest.fixture
def page(visit: Visit) -> Page:
    page = visit.open("chat", model=MODEL)
    # From now on the driver takes the system's file pickers, also one that opens within a key's press.
    page.on("filechooser", lambda _: None)
    return page


def test_files_come_in_by_all_ways_and_are_sent_in_the_order_of_the_strip(
    page: Page, film: FilePayload
) -> None:
    pick(page, image("one.png"), film)
    expect(chips(page)).to_have_count(2)
    bring(page, "paste", image("two.png", 320, 240))
    expect(chips(page)).to_have_count(3)
    bring(page, "drop", image("three.png"), onto=".chat-main")
    expect(labels(page)).to_have_text(["Image 1", "Video 1", "Image 2", "Image 3"])
    expect(chips(page).nth(1).locator("img")).to_be_visible()
    expect(chips(page).first).to_contain_text(size(640, 480))

    page.get_by_role("button", name="Move Video 1 earlier").click()
    expect(labels(page)).to_have_text(["Video 1", "Image 1", "Image 2", "Image 3"])
    field(page).fill("Compare")
    body = sent(page, lambda: field(page).press("Enter"))

    parts = body["messages"][-1]["content"]
    assert [part.get("text") for part in parts] == [
        *("Video 1: ", None, "Image 1: ", None, "Image 2: ", None, "Image 3: ", None, "Compare")
    ]
    assert parts[1]["video_url"]["url"].startswith("data:video/webm;base64,")
    address = parts[5]["image_url"]["url"]
    assert base64.b64decode(address.removeprefix("data:image/png;base64,")) == png(320, 240)
    assert body["labels"] is False
    expect(page.locator(".message-mine")).to_contain_text("Image 1")
    expect(chips(page)).to_have_count(0)


def test_labels_count_on_own_ones_are_sent_and_files_are_kept_as_files(page: Page) -> None:
    pick(page, image("one.png"))
    expect(chips(page)).to_have_count(1)
    sent(page, lambda: field(page).press("Enter"))

    pick(page, image("two.png"), image("three.png"))
    expect(labels(page)).to_have_text(["Image 2", "Image 3"])
    page.get_by_role("button", name="Give Image 3 another label").click()
    page.get_by_role("textbox", name="Label").fill("The back")
    page.keyboard.press("Enter")
    expect(labels(page)).to_have_text(["Image 2", "The back"])
    body = sent(page, lambda: field(page).press("Enter"))

    texts = [part["text"] for part in body["messages"][-1]["content"] if part["type"] == "text"]
    assert texts == ["Image 2: ", "The back: "]
    files = page.evaluate(STORED, "files")
    assert [(file["isBlob"], file["width"], file["height"]) for file in files] == [(True, 640, 480)] * 3
    for store in ("messages", "conversations", "drafts"):
        assert all("base64" not in record["text"] for record in page.evaluate(STORED, store))


def test_the_strip_is_ordered_by_keys_and_by_dragging_and_what_was_removed_comes_back(page: Page) -> None:
    pick(page, image("a.png"), image("b.png", 320, 240), image("c.png", 100, 100))
    expect(chips(page)).to_have_count(3)

    chips(page).first.locator(".media-open").focus()
    page.keyboard.press("Alt+ArrowRight")
    expect(chips(page).nth(1)).to_contain_text(size(640, 480))
    expect(chips(page).nth(1).locator(".media-open")).to_be_focused()
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
    expect(page.get_by_role("dialog")).to_have_count(0)  # the end of a drag is no press

    page.get_by_role("button", name="Remove Image 2").click()
    expect(chips(page)).to_have_count(2)
    page.get_by_role("button", name="Undo").click()
    expect(chips(page).nth(1)).to_contain_text(size(320, 240))


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


def test_what_cannot_be_taken_is_explained_and_the_rest_is_taken_whatever_it_is_called(page: Page) -> None:
    heic = b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + bytes(64)
    pick(
        page,
        {"name": "photo.heic", "mimeType": "image/heic", "buffer": heic},
        {"name": "torn.png", "mimeType": "image/png", "buffer": png(64, 64)[:60]},
        {"name": "paper.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 " + bytes(50)},
        {"name": "nothing.png", "mimeType": "image/png", "buffer": b""},
        image(EVIL),
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

    chips(page).locator(".media-open").click()
    expect(page.get_by_role("dialog")).to_contain_text(EVIL)
    assert page.locator("img[src='x']").count() == 0


def test_a_message_over_the_proxys_limit_is_held_back_before_it_is_sent(visit: Visit) -> None:
    def limited(route: Route) -> None:
        real = route.fetch()
        said = real.json()
        route.fulfill(response=real, json=said | {"limits": said["limits"] | {"body_mib": 1}})

    visit.page.route("**/api/ui", limited)
    visit.page.route(
        "**/api/tokens", lambda route: route.fulfill(json={"items": [], "total": 5, "context": None})
    )
    page = visit.open("chat", model=MODEL)
    content = b"\x1a\x45\xdf\xa3" + bytes(1_200_000)
    pick(page, {"name": "film.mkv", "mimeType": "video/x-matroska", "buffer": content})

    expect(page.locator(".composer [role=alert]")).to_contain_text(
        re.compile(r"would be 1\.\d MiB.*takes 1 MiB")
    )
    expect(page.get_by_role("button", name="Send")).to_be_disabled()


def test_enter_sends_what_is_not_being_composed_and_arrow_up_edits_what_was_sent(page: Page) -> None:
    field(page).fill("にほん")
    field(page).evaluate(COMPOSING)
    expect(field(page)).to_have_value("にほん")
    expect(page.locator(".message")).to_have_count(0)

    pick(page, image("one.png"))
    expect(chips(page)).to_have_count(1)
    field(page).fill("one")
    field(page).press("Shift+Enter")
    field(page).press_sequentially("two")
    body = sent(page, lambda: field(page).press("Enter"))
    assert [part.get("text") for part in body["messages"][-1]["content"]] == ["Image 1: ", None, "one\ntwo"]

    field(page).press("ArrowUp")
    editor = page.locator(".message-editor")
    expect(editor.locator(".media-chip")).to_have_count(1)
    editor.locator("textarea").fill("First")
    body = sent(page, lambda: editor.locator("textarea").press("Enter"))
    assert [part.get("text") for part in body["messages"][-1]["content"]] == ["Image 1: ", None, "First"]


def test_whoever_wants_lines_from_enter_sends_by_shift_and_enter_and_writes_on(visit: Visit) -> None:
    page = visit.open("chat", model=MODEL, enterSends=False)
    field(page).fill("one")
    field(page).press("Enter")
    field(page).press_sequentially("two")

    def send() -> None:
        field(page).press("Shift+Enter")
        page.keyboard.type("and meanwhile")  # the conversation gets its place in the store

    body = sent(page, send)

    assert body["messages"][-1]["content"] == "one\ntwo"
    expect(page).to_have_url(re.compile("#/chat/."))
    expect(field(page)).to_have_value("and meanwhile")


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


def test_drafts_and_templates_outlive_a_reload_with_their_files(visit: Visit, page: Page) -> None:
    pick(page, image("one.png"))
    field(page).fill("Describe it")
    expect(chips(page)).to_have_count(1)
    page.get_by_role("button", name="Templates").click()
    page.get_by_label("Save what is composed as").fill("describe")
    page.keyboard.press("Enter")
    expect(page.locator(".template")).to_contain_text("describe")
    page.keyboard.press("Escape")
    field(page).fill("half a thou")

    page.reload()
    visit.until("chat")
    expect(field(page)).to_have_value("half a thou")
    expect(chips(page).locator("img")).to_be_visible()
    page.get_by_role("button", name="Remove Image 1").click()
    field(page).fill("")
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


def test_a_slash_offers_what_can_be_added_until_it_goes_on_as_a_path(page: Page) -> None:
    menu = page.get_by_role("listbox")
    field(page).press_sequentially("/")
    expect(menu).to_be_visible()
    field(page).press_sequentially("etc/hosts")
    expect(menu).to_have_count(0)

    field(page).fill("/")
    expect(menu).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).to_have_count(0)
    expect(field(page)).to_have_value("/")


def test_blocks_are_built_by_keys_alone_and_sent_as_they_are_shown(page: Page) -> None:
    blocks = page.locator(".blocks > li")
    page.get_by_role("button", name="Blocks").press("Enter")
    expect(blocks.locator("textarea")).to_be_focused()
    page.keyboard.type("/")
    options = page.get_by_role("listbox").get_by_role("option")
    expect(options).to_have_count(4)
    expect(options.last).to_be_in_viewport(ratio=1)
    page.keyboard.type("im")
    expect(options).to_have_count(1)
    with page.expect_file_chooser() as asked:
        page.keyboard.press("Enter")
    asked.value.set_files([image("one.png")])
    expect(blocks.locator(".media-open")).to_have_count(1)
    # The block that had the focus made room for the image: one writes on behind it.
    expect(blocks.nth(1).locator("textarea")).to_be_focused()
    page.keyboard.type("What is this?")
    page.keyboard.press("Alt+ArrowUp")
    expect(blocks.first.locator("textarea")).to_have_value("What is this?")
    expect(blocks.first.locator("textarea")).to_be_focused()

    # A picture comes in where the cursor stands.
    page.keyboard.press("Home")
    for _ in "What":
        page.keyboard.press("ArrowRight")
    bring(page, "paste", image("two.png"), onto=".blocks textarea")
    expect(blocks).to_have_count(5)
    expect(blocks.first.locator("textarea")).to_have_value("What")
    expect(blocks.nth(2).locator("textarea")).to_have_value("is this?")

    page.get_by_role("button", name="Preview").click()
    shown = page.locator(".preview-json")
    expect(shown).to_contain_text("is this?")
    told = json.loads(shown.inner_text())
    page.keyboard.press("Escape")
    body = sent(page, lambda: field(page).first.press("Control+Enter"))

    parts = body["messages"][-1]["content"]
    assert [part.get("text") for part in parts] == [*("What", "Image 1: ", None, "is this?", "Image 2: ", None)]
    assert [part["type"] for part in told] == [part["type"] for part in parts]
    assert re.fullmatch(r"data:image/png;base64,\S{24}… \([\d.]+ KiB\)", told[2]["image_url"]["url"])


def test_joining_blocks_to_one_text_can_be_undone(page: Page) -> None:
    blocks = page.locator(".blocks > li")
    page.get_by_role("button", name="Blocks").click()
    expect(blocks.locator("textarea")).to_be_focused()
    page.keyboard.type("first")
    page.get_by_role("button", name="+ text").click()
    expect(field(page).last).to_be_focused()
    page.keyboard.type("second")
    expect(blocks).to_have_count(2)
    pick(page, image("one.png"))
    expect(blocks).to_have_count(4)

    page.get_by_role("button", name="Blocks").click()
    expect(field(page)).to_have_value("first\n\nsecond")
    page.get_by_role("button", name="Undo").click()

    expect(blocks).to_have_count(4)


def test_each_file_tells_its_exact_tokens_and_stand_ins_count_like_what_is_sent(
    stack: Stack, page: Page, film: FilePayload
) -> None:
    def has_words(reply: Response) -> bool:
        return reply.url.endswith("/api/tokens") and b"Compare" in (reply.request.post_data_buffer or b"")

    pick(page, image("one.png", 512, 512), film, image("wide.png", 1280, 720))
    expect(chips(page).first).to_contain_text("256 tokens")
    expect(chips(page).nth(1)).to_contain_text("tokens")
    expect(chips(page).nth(2)).to_contain_text("252 tokens")  # the model makes it smaller first
    expect(page.locator(".budget")).to_contain_text("ok")
    with page.expect_response(has_words) as counted:
        field(page).fill("Compare Image 1 with Image 2.")
    here = counted.value

    body = sent(page, lambda: field(page).press("Enter"))
    asked = {"model": MODEL, "labels": False, "messages": body["messages"]}
    whole = httpx.post(f"{stack.url}/api/tokens", json=asked).json()

    assert len(here.request.post_data_buffer or b"") < len(json.dumps(body)) / 2
    assert [item["tokens"] for item in here.json()["items"]] == [item["tokens"] for item in whole["items"]]
    assert here.json()["total"] == whole["total"]


def test_a_file_that_cannot_be_counted_or_seen_says_so_where_it_is(visit: Visit) -> None:
    visit.tolerate("400")
    torn: FilePayload = {
        "name": "torn.mp4",
        "mimeType": "video/mp4",
        "buffer": b"\0\0\0\x14ftypisom\0\0\0\0isom" + bytes(40),
    }
    place = "messages[0].content[3].video_url"
    error = {"message": "it is torn", "code": "invalid_value", "param": place}
    visit.page.route("**/api/tokens", lambda route: route.fulfill(status=400, json={"error": error}))
    page = visit.open("chat", model="demo-chat")

    pick(page, image("one.png"), torn)

    expect(chips(page).nth(1)).to_contain_text("it is torn")
    expect(chips(page).first).not_to_contain_text("it is torn")
    expect(page.locator(".composer")).to_contain_text("demo-chat does not look at images or videos")


def test_over_the_context_says_by_how_much_and_a_press_mends_it(page: Page) -> None:
    def budget(route: Route) -> None:
        real = route.fetch()
        route.fulfill(response=real, json=real.json() | {"context": 200})

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


def test_tokens_are_asked_for_in_pauses_and_old_questions_are_given_up(new_visit: NewVisit) -> None:
    page = new_visit().open("chat", model=MODEL)
    asked: list[Route] = []

    def leave(route: Route) -> None:
        asked.append(route)  # and never answer it

    page.route("**/api/tokens", leave)
    field(page).focus()
    page.clock.install()
    page.clock.pause_at(page.evaluate("Date.now() / 1000") + 60)

    for letter in "typed in one go":
        page.keyboard.press(letter)
        page.clock.run_for(100)
    assert asked == []
    with page.expect_request("**/api/tokens"):
        page.clock.run_for(400)

    with page.expect_event("requestfailed", lambda request: request.url.endswith("/api/tokens")):
        page.keyboard.press("!")
        page.clock.run_for(100)
    assert len(asked) == 1


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_the_composer_fits_every_width(visit: Visit, film: FilePayload, lang: str) -> None:
    page = visit.open("chat", width=360, lang=lang, model=LONG)
    empty = field(page).bounding_box()
    assert empty is not None
    assert empty["height"] < TWO_LINES
    files = [image("a.png"), image(f"{'long-name-' * 12}.png", 64, 64), film]
    bring(page, "paste", *files, {"name": "notes.md", "mimeType": "text/markdown", "buffer": b"# notes\n" * 99})
    expect(chips(page)).to_have_count(3)
    field(page).fill("What changed between Image 1 and Image 2?")
    expect(page.locator(".budget")).to_be_visible()

    for look in ("strip", "blocks"):
        for width, height, theme in ((360, 560, "phosphor"), (768, 800, "amber"), (1440, 800, "paper")):
            page.set_viewport_size({"width": width, "height": height})
            page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
            assert page.evaluate(UNFIT) == [], (look, width)
            expect(page.locator(".composer-send")).to_be_in_viewport(ratio=1)
            keep(page, f"media-{look}-{width}-{lang}")
        page.locator(".composer-tool").nth(1).click()
