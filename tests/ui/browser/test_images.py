"""Pictures in a real browser: asked for, drawn, kept, compared, changed, and what happens when that fails."""

import base64
import json
import re
import struct
import zlib
from typing import Any

from playwright.sync_api import FilePayload, Locator, Page, Request, expect

from tests.ui.browser.conftest import ANSWERS_WITHIN_MS, NewVisit, keep
from tests.ui.browser.stack import HOSTILE, Stack
from tests.ui.browser.visit import Visit

SMALL = {"model": "demo-image", "size": "64x64", "steps": 2}
SLOW = {"model": "demo-image", "size": "256x192", "steps": 120}
ENDLESS = {"model": "demo-image", "size": "512x384", "steps": 200}
MARKED = """() => {
  const canvas = document.querySelector(".images-board-tint");
  const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((value, at) => at % 4 === 3 && value >= 128).length;
}"""
# As if another tab were looked at.
HIDE = "() => Object.defineProperty(document, 'hidden', {value: true})"
# Of the mask that went with the last order: its size, and how many pixels are to change.
SENT_MASK = """async () => {
  const done = (request) => new Promise((resolve) => { request.onsuccess = () => resolve(request.result); });
  const db = await done(indexedDB.open("switchyard"));
  const [{mask}] = await done(db.transaction("orders").objectStore("orders").getAll());
  const bitmap = await createImageBitmap(mask);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d");
  context.drawImage(bitmap, 0, 0);
  const {data} = context.getImageData(0, 0, bitmap.width, bitmap.height);
  return [bitmap.width, bitmap.height, data.filter((value, at) => at % 4 === 3 && value === 0).length];
}"""

# How the pictures that were asked for under these names ended, once all have.
ENDS = """async (names) => {
  for (;;) {
    const {data} = await (await fetch("/v1/streams")).json();
    const ends = data.filter((one) => names.includes(one.conversation_id)).map(({status}) => status);
    if (!ends.includes("running")) return ends;
    await new Promise((done) => setTimeout(done, 50));
  }
}"""
# A disk that takes its time for each order.
SLOW_DISK = """
const {put} = IDBObjectStore.prototype;
IDBObjectStore.prototype.put = function (...all) {
  const until = performance.now() + 500;
  const hold = () => { if (performance.now() < until) this.count().onsuccess = hold; };
  if (this.name === "orders") hold();
  return put.apply(this, all);
};
"""
# What is not done at once is never done.
NO_LOOKING_AROUND = "globalThis.setInterval = () => 0;"
FORGET_FILES = """() => new Promise((resolve) => {
  indexedDB.open("switchyard").onsuccess = ({target}) => {
    const tx = target.result.transaction("files", "readwrite");
    tx.oncomplete = resolve;
    tx.objectStore("files").clear();
  };
})"""


def png(width: int = 96, height: int = 64, colour: tuple[int, int, int] = (40, 90, 160)) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    rows = (b"\0" + bytes(colour) * width) * height
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def kept(number: int, **params: Any) -> dict[str, Any]:
    """A picture as the gallery keeps it."""
    blob = {"$blob": base64.b64encode(png(32, 32, (number % 256, 99, 40))).decode(), "type": "image/png"}
    wish = {
        "mode": "draw",
        "model": "demo-image",
        "prompt": f"picture {number}",
        "negative": "",
        "size": "auto",
    }
    unsaid: dict[str, Any] = {
        "steps": None,
        "guidance": None,
        "strength": None,
        "compression": None,
        "loras": [],
        "sigmas": "",
    }
    plain = {"count": 1, "background": "auto", "format": "png", "references": [], "masked": False}
    shape = {
        "width": 32,
        "height": 32,
        "type": "image/png",
        "bytes": 100,
        "layer": None,
        "took": None,
        "memory": None,
    }
    places = {"id": f"p{number:05}", "at": 1_000_000 + number, "batch": f"b{number}", "place": 0, "sources": []}
    return (
        places | shape | {"blob": blob, "thumb": blob, "seed": number, "params": wish | unsaid | plain | params}
    )


def ready(visit: Visit, place: str = "", *, draft: dict[str, Any] | None = None, **how: Any) -> Page:
    """The view, with the form filled in as somebody left it."""
    filled = json.dumps(json.dumps(draft or SMALL))
    put = f'localStorage["switchyard.images.draft"] ??= {filled}'
    visit.page.add_init_script(f'if (location.protocol !== "about:") {put}')
    return visit.open(f"images{place}", **how)


def draw(page: Page, prompt: str) -> None:
    page.get_by_role("textbox", name=re.compile(r"^(Prompt|What to change)")).fill(prompt)
    page.locator(".images-form button[type=submit]").click()


def names_of_the_asked(page: Page) -> list[str]:
    """What this page calls the pictures that it asks for from now on."""
    asked: list[str] = []

    def note(request: Request) -> None:
        if "/v1/images/" in request.url:
            asked.append(request.headers["x-conversation-id"])

    page.on("request", note)
    return asked


def add_image(page: Page, content: bytes, name: str = "source.png") -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="+ image").click()
    file: FilePayload = {"name": name, "mimeType": "image/png", "buffer": content}
    chooser.value.set_files(file)
    expect(page.locator(".images-references .media-strip li")).not_to_have_count(0)


def tiles(page: Page) -> Locator:
    return page.locator(".images-tile")


def stroke(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=8)
    page.mouse.up()


def is_marked(page: Page, pixels: int) -> None:
    page.wait_for_function(f"() => document.querySelector('.images-board-tint') && ({MARKED})() === {pixels}")


def is_drawing(page: Page) -> None:
    expect(page.locator(".images-progress")).to_contain_text(re.compile(r"step \d"), timeout=ANSWERS_WITHIN_MS)


def is_done(page: Page) -> None:
    expect(page.locator(".images-done")).to_be_visible(timeout=ANSWERS_WITHIN_MS)


def is_open(page: Page) -> None:
    """One picture is shown, and what is pressed is pressed on it."""
    expect(page.locator(".images-facts")).to_be_visible()
    expect(page.get_by_role("link", name="gallery")).to_be_focused()


def fits(page: Page) -> bool:
    return bool(
        page.evaluate(
            "() => { const m = document.getElementById('main'); return m.scrollWidth <= m.clientWidth }"
        )
    )


def test_words_on_the_command_line_are_drawn_kept_and_told_with_all_they_were_made_into(visit: Visit) -> None:
    page = ready(visit)
    page.keyboard.press(":")
    expect(page.get_by_role("combobox", name="Command line")).to_be_focused()
    page.keyboard.type("image")
    page.keyboard.press("Enter")
    expect(page.locator(".images-prompt")).to_be_focused()
    expect(page.locator(".images-order")).to_have_count(0)

    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.type("image A lighthouse, at dawn!")
    page.keyboard.press("Enter")
    is_done(page)
    expect(page.locator(".images-prompt")).to_have_value("A lighthouse, at dawn!")

    # The engine is known now: what it does without guidance is told, with its remedy.
    page.get_by_label("Negative prompt").fill("fog")
    page.get_by_role("button", name="set guidance to 4").click()
    expect(page.get_by_label("Guidance (CFG)")).to_have_value("4")
    expect(page.get_by_text("It does nothing without guidance")).to_have_count(0)

    page.reload()
    tiles(page).get_by_role("link").first.click()
    facts = page.locator(".images-facts")
    expect(facts).to_contain_text(re.compile("64 . 64"))
    expect(facts).to_contain_text("demo-image")
    seed = page.locator(".images-facts div", has_text="seed").locator("dd").inner_text()
    with page.expect_download() as download:
        page.get_by_role("button", name="download").click()
    assert download.value.suggested_filename == f"a-lighthouse-at-dawn-{seed}.png"
    keep(page, "images-details")


def test_progress_moves_nothing_and_orders_are_served_in_their_order_or_given_up(visit: Visit) -> None:
    page = ready(visit, draft=ENDLESS)
    asked = names_of_the_asked(page)
    draw(page, "first")
    drawing = page.locator(".images-drawing")
    expect(drawing).to_be_visible(timeout=ANSWERS_WITHIN_MS)
    box = page.locator(".images-preview").first
    before = box.bounding_box()
    meter = page.get_by_role("meter", name="Steps drawn")
    expect(meter).to_have_attribute(
        "aria-valuetext", re.compile(r"step \d+ of 200 · about"), timeout=ANSWERS_WITHIN_MS
    )
    assert before is not None
    assert box.bounding_box() == before
    assert abs(before["width"] / before["height"] - 512 / 384) < 0.02
    expect(page).to_have_title(re.compile(r"^\d+\s?% · images"))
    expect(page.locator("link[rel=icon]")).to_have_attribute("href", re.compile("^data:image/svg"))
    keep(page, "images-progress")

    for prompt in ("second", "third"):
        draw(page, prompt)
        expect(page.locator(".images-waiting")).to_contain_text(prompt)
    waiting = page.locator(".images-waiting li")
    waiting.filter(has_text="third").get_by_role("button", name="earlier").click()
    expect(waiting.first).to_contain_text("third")
    waiting.filter(has_text="second").get_by_role("button", name="stop").click()
    expect(waiting).to_have_count(1)
    drawing.get_by_role("button", name="stop").click()

    expect(drawing).to_contain_text("third", timeout=ANSWERS_WITHIN_MS)
    drawing.get_by_role("button", name="stop").click()
    expect(page.locator(".images-stopped")).to_have_count(3)
    expect(page).to_have_title(re.compile(r"^images"))
    assert page.evaluate(ENDS, asked) == ["cancelled", "cancelled"]


def test_an_order_that_is_stopped_before_it_is_asked_for_never_is_and_the_next_one_is(visit: Visit) -> None:
    visit.tolerate("404")  # it is looked for where it never came to
    visit.page.add_init_script(SLOW_DISK)
    page = ready(visit)
    asked = names_of_the_asked(page)
    draw(page, "first")
    draw(page, "second")

    page.locator(".images-asking").filter(has_text="first").get_by_role("button", name="stop").click()

    expect(page.locator(".images-stopped")).to_contain_text("first")
    expect(page.locator(".images-done")).to_contain_text("second", timeout=ANSWERS_WITHIN_MS)
    assert len(asked) == 1


def test_an_order_that_cannot_be_asked_for_keeps_the_next_one_from_nothing(visit: Visit) -> None:
    visit.page.add_init_script(SLOW_DISK + NO_LOOKING_AROUND)
    page = ready(visit, draft=SMALL | {"mode": "edit"})
    add_image(page, png())
    page.evaluate(FORGET_FILES)

    draw(page, "first")
    draw(page, "second")

    expect(page.locator(".images-failed")).to_have_count(2)


def test_a_reload_goes_on_where_it_was_and_the_tab_tells_the_end(visit: Visit) -> None:
    page = ready(visit, draft=SLOW)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method) if "/v1/images/" in request.url else None)
    draw(page, "over a reload")
    is_drawing(page)

    page.reload()
    visit.until("images")
    is_drawing(page)
    page.evaluate(HIDE)
    is_done(page)

    expect(tiles(page)).to_have_count(1)
    assert asked == ["POST"]
    expect(page).to_have_title(re.compile("^✓ · images"))


def test_what_an_engine_refuses_leaves_everything_as_it_was(visit: Visit) -> None:
    visit.tolerate("400")
    page = ready(visit, draft=SMALL | {"steps": None, "sigmas": "0.5"})

    draw(page, "keep me")

    notice = page.get_by_role("alert")
    expect(notice).to_contain_text("needs 2", timeout=ANSWERS_WITHIN_MS)
    expect(page.locator(".images-prompt")).to_have_value("keep me")
    keep(page, "images-error")
    page.get_by_role("button", name="try again").click()
    expect(notice).to_contain_text("needs 2", timeout=ANSWERS_WITHIN_MS)


def test_a_proxy_that_dies_costs_time_and_no_picture(new_visit: NewVisit, stack: Stack) -> None:
    proxy = stack.new_proxy().start()
    visit = new_visit(proxy.url)
    visit.tolerate("ERR_", "409", "502", "503")
    page = ready(visit, draft=SLOW | {"seed": 7, "locked": True})
    draw(page, "over a kill")
    is_drawing(page)

    proxy.kill()
    expect(page.locator(".images-work")).to_contain_text("trying again", timeout=ANSWERS_WITHIN_MS)
    proxy.start()

    is_done(page)
    expect(tiles(page)).to_have_count(1)
    expect(page.locator(".images-work")).to_contain_text("seed 7")


def test_a_mask_is_painted_mended_kept_and_sent_in_the_images_size(visit: Visit) -> None:
    page = ready(visit, draft=SMALL | {"mode": "edit"})
    add_image(page, png(96, 64))
    page.get_by_role("button", name="paint a mask").click()
    side = page.locator(".images-mask-side")
    expect(side).to_have_text("Paint over what is to change.")
    board = page.locator(".images-board")
    expect(board).to_be_focused()
    box = board.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    stroke(page, (x - 60, y), (x + 60, y))
    expect(side).to_contain_text("The tinted part will change")
    whole = page.evaluate(MARKED)
    page.keyboard.press("e")
    stroke(page, (x, y), (x + 80, y))
    page.wait_for_function(f"() => ({MARKED})() < {whole * 0.7}")
    page.keyboard.press("Control+z")
    is_marked(page, whole)
    page.keyboard.press("i")
    is_marked(page, 96 * 64 - whole)
    page.keyboard.press("Control+z")
    page.keyboard.press("b")
    for _ in range(5):
        page.keyboard.press("[")
    expect(page.get_by_text("1 px")).to_be_visible()
    page.mouse.click(x - 100, y - 100)
    is_marked(page, whole + 1)
    keep(page, "images-mask")

    page.reload()
    is_marked(page, whole + 1)
    expect(board).to_be_focused()
    page.keyboard.press("Control+z")
    is_marked(page, whole)
    page.get_by_role("button", name="done").click()
    draw(page, "make it winter")
    is_done(page)
    assert page.evaluate(SENT_MASK) == [96, 64, whole]

    tiles(page).get_by_role("link").first.click()
    page.get_by_role("button", name="hold to see before").focus()
    badge = page.locator(".images-large-badge")
    page.keyboard.down("Space")
    expect(badge).to_have_text("before")
    page.keyboard.up("Space")
    expect(badge).to_have_count(0)
    page.get_by_role("link", name="compare with before").click()
    expect(page.get_by_role("slider")).to_be_focused()
    expect(page.locator(".images-edge img")).to_have_count(2)


def test_two_fingers_zoom_and_leave_no_mark(new_visit: NewVisit) -> None:
    visit = new_visit(has_touch=True, is_mobile=True)
    page = ready(visit, draft=SMALL | {"mode": "edit"}, width=390, height=844)
    add_image(page, png(96, 64))
    page.get_by_role("button", name="paint a mask").click()
    board = page.locator(".images-board")
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    scale = "() => new DOMMatrix(getComputedStyle(document.querySelector('.images-board-layer')).transform).a"
    before = page.evaluate(scale)
    hands = page.context.new_cdp_session(page)

    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": px, "y": py, "id": at} for at, (px, py) in enumerate(places)]
        hands.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (x - 20, y))
    touch("touchStart", (x - 20, y), (x + 20, y))
    touch("touchMove", (x - 60, y), (x + 60, y))
    touch("touchEnd")

    page.wait_for_function(f"() => ({scale})() > {before * 2}")
    assert page.evaluate(MARKED) == 0
    page.touchscreen.tap(x, y)
    page.wait_for_function(f"() => ({MARKED})() > 0")
    assert fits(page)


def test_what_a_model_does_not_offer_says_why_and_what_it_offers_is_there(visit: Visit) -> None:
    page = ready(visit, draft=SMALL | {"model": "demo-image-words", "mode": "edit"})
    adapters = page.get_by_role("group", name="LoRA")

    expect(page.get_by_text("This model only draws from words.").first).to_be_visible()
    expect(page.get_by_role("button", name="paint a mask")).to_be_disabled()
    expect(adapters).to_contain_text(re.compile("Not known before|This model offers none"))

    told = {"from_words": True, "native_size": "64x64", "loras": ["ink", "oil"]}
    page.route("**/upstream/**", lambda route: route.fulfill(json={"data": [{"capabilities": told}]}))
    remembered = json.dumps({"demo-image-words": told})
    page.evaluate("(offers) => { localStorage['switchyard.images.offers'] = offers }", remembered)
    page.reload()
    adapters.get_by_role("checkbox", name="ink").check()
    adapters.get_by_role("spinbutton", name="Strength of ink").fill("0.5")
    page.get_by_text("draw", exact=True).first.click()
    with page.expect_request("**/v1/images/generations") as asked:
        draw(page, "with ink")
    assert json.loads(asked.value.post_data or "")["lora"] == [{"name": "ink", "scale": 0.5}]


def test_of_many_pictures_those_in_sight_are_there_and_the_way_back_leads_to_the_search(
    visit: Visit,
) -> None:
    page = ready(visit, seed={"pictures": [kept(number) for number in range(500)]})
    expect(page.get_by_text("500", exact=True)).to_be_visible()
    assert tiles(page).count() < 120

    page.get_by_role("searchbox").fill("picture 377")

    expect(tiles(page)).to_have_count(1, timeout=ANSWERS_WITHIN_MS)
    tiles(page).get_by_role("link").click()
    is_open(page)
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"q=picture\+377"))
    expect(tiles(page).get_by_role("link")).to_be_focused()


def test_a_picture_that_was_deleted_comes_back_and_two_are_compared(visit: Visit) -> None:
    page = ready(visit, "/p00001", seed={"pictures": [kept(number) for number in range(3)]})
    is_open(page)

    page.keyboard.press("Delete")
    expect(page).to_have_url(re.compile("p00000"))
    page.get_by_role("link", name="gallery").click()
    expect(tiles(page)).to_have_count(2)
    page.get_by_role("button", name="undo").click()
    expect(tiles(page)).to_have_count(3)

    page.get_by_role("button", name="select").click()
    for at in (0, 2):
        page.get_by_role("checkbox", name=re.compile("^Picture: picture")).nth(at).click()
    page.get_by_role("button", name="compare").click()
    edge = page.get_by_role("slider")
    edge.press("ArrowLeft")
    expect(edge).to_have_value("49")
    box = page.locator(".images-edge").bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    stroke(page, (box["x"] + box["width"] / 2, y), (box["x"] + box["width"] / 4, y))
    expect(edge).to_have_value("25")
    keep(page, "images-compare")


def test_everything_of_a_picture_is_used_again_and_what_is_hostile_in_it_stays_text(visit: Visit) -> None:
    said = {"prompt": HOSTILE, "negative": "fog", "steps": 9, "size": "96x64", "guidance": 2.5}
    page = ready(visit, "/p00005", seed={"pictures": [kept(5, model=HOSTILE, **said)]})
    expect(page.locator(".images-text").first).to_have_text(HOSTILE)
    expect(page.locator(".images-facts")).to_contain_text(HOSTILE)
    seed = page.locator("[name=seed]")

    page.get_by_role("button", name="use seed").click()
    expect(seed).to_have_value("5")
    expect(page.locator(".images-prompt")).to_have_value("")
    visit.go("images/p00005")
    page.get_by_role("button", name="use all").click()

    expect(page.locator(".images-prompt")).to_have_value(HOSTILE)
    expect(page.locator("[name=steps]")).to_have_value("9")
    expect(page.locator("[name=guidance]")).to_have_value("2.5")
    expect(page.locator("[name=width]")).to_have_value("96")
    expect(seed).to_have_value("5")
    expect(page.get_by_role("checkbox", name="keep this seed")).to_be_checked()
    expect(page).to_have_title(re.compile("^images"))


def test_a_result_goes_on_as_input_of_an_edit_and_of_a_chat(visit: Visit) -> None:
    page = ready(visit, seed={"pictures": [kept(5)]}, draft=SMALL | {"mode": "edit"})
    tiles(page).get_by_role("link").first.drag_to(page.locator(".images-references"))
    expect(page.locator(".images-references .media-strip li")).to_have_count(1)

    tiles(page).get_by_role("link").first.click()
    page.get_by_role("article", name="Picture").get_by_role("button", name="edit").click()
    expect(page.locator(".images-references .media-strip li")).to_have_count(2)

    tiles(page).get_by_role("link").first.click()
    page.get_by_role("button", name="to the chat").click()
    visit.until("chat")
    expect(page.locator(".media-strip li")).to_have_count(1)


def test_a_phone_in_russian_has_room_for_all(new_visit: NewVisit) -> None:
    long = "длинноесловокотороеникуданевлезает" * 4
    visit = new_visit(locale="ru-RU", has_touch=True)
    seed = {"pictures": [kept(number, prompt=long) for number in range(9)]}
    page = ready(
        visit, width=360, height=740, lang="ru", theme="paper", seed=seed, draft=SMALL | {"prompt": long}
    )

    assert fits(page)
    keep(page, "images-phone")
    page.get_by_text("изменить", exact=True).first.click()
    assert fits(page)
    tiles(page).get_by_role("link").first.click()
    expect(page.locator(".images-facts")).to_be_visible()
    assert fits(page)
