"""What a model wrote, in a real document; and streams, across a cut wire and a reload."""

from typing import Any

from playwright.sync_api import Page, expect

from tests.ui.browser.conftest import ANSWERS_WITHIN_MS, NewVisit, keep
from tests.ui.browser.relay import Relay
from tests.ui.browser.stack import Stack

# `room(name)` is a module of the page; `text` draws in an element of its own, over the view.
PREPARE = """async () => {
  const root = document.querySelector("script[type=module]").src.replace(/app\\.js.*/, "");
  globalThis.room = (name) => import(root + name);
  const {loadArea} = await room("i18n/index.js");
  await loadArea("text");
  globalThis.paper = document.createElement("div");
  paper.id = "paper";
  paper.style.cssText = "position: fixed; inset: 0; z-index: 9; overflow: auto; padding: 1rem";
  paper.style.background = "var(--bg)";
  document.body.append(paper);
  globalThis.sheet = () => {
    const made = document.createElement("div");
    made.className = "prose";
    paper.replaceChildren(made);
    return made;
  };
}"""
STREAM = """async ([pieces, every]) => {
  const {LiveText} = await room("text/live.js");
  const live = new LiveText(sheet());
  for (const [index, piece] of pieces.entries()) {
    live.append(piece);
    if (index % every === 0) await new Promise(requestAnimationFrame);
  }
  await live.finish();
}"""
SETTLE = """async (text) => {
  const {renderMarkdown} = await room("text/settled.js");
  sheet().append(renderMarkdown(text));
}"""
DRAWN = """() => { // colours and formulas come when there is time: what is compared is what they are drawn from
  const copy = paper.firstChild.cloneNode(true);
  for (const math of copy.querySelectorAll("[data-tex]")) math.replaceChildren();
  for (const part of copy.querySelectorAll(".code-part")) part.textContent = part.textContent;
  for (const one of copy.querySelectorAll("[data-coloured]")) one.removeAttribute("data-coloured");
  for (const one of copy.querySelectorAll(".math-broken")) one.classList.remove("math-broken");
  return copy.innerHTML;
}"""
LISTEN = """async ([wish, begin]) => {
  const streams = await room("streams.js");
  globalThis.heard = {words: "", states: [], seqs: []};
  globalThis.stream = streams[begin]({
    ...wish,
    onEvent: ({id, data}) => {
      heard.seqs.push(Number(id));
      if (data !== "[DONE]") heard.words += JSON.parse(data).choices?.[0]?.delta?.content ?? "";
    },
    onState: (state) => {
      if (heard.states.at(-1) !== state) heard.states.push(state);
      paper.dataset.state = state;
    },
  });
}"""
STATUS = """async () => {
  const {data} = await (await fetch("/v1/streams")).json();
  return data.find(({id}) => id === stream.id).status;
}"""
UNTIL_HEARD = """async (count) => {
  while (heard.seqs.length < count) await new Promise((done) => setTimeout(done, 20));
}"""
SAMPLE = """# Title

Words with **stress**, `code`, $x^2$ and $5 for $6, [a link](https://example.com), [later] and <b>no html</b>.

- one
- two
  ```python
  def f(x):
      return x  # a comment
  ```

1. loose

2. list

| a | b |
|:--|--:|
| 1 | **2** |

> quoted
lazily

$$
\\frac{a}{b}
- c
$$

```js
const a = `b`; // 🐞
```
Broken $\\frac{a$ math.

[later]: https://later.example
"""


def prepared(page: Page) -> Page:
    page.evaluate(PREPARE)
    return page


def drawn(page: Page) -> Any:
    return page.evaluate(DRAWN)


def test_a_text_looks_the_same_however_it_came_and_gets_colours_and_formulas(page: Page) -> None:
    prepared(page)
    page.evaluate(SETTLE, SAMPLE)
    settled = drawn(page)
    assert settled.count("<figure") == 2
    assert settled.count("<math") == 0
    for size in (1, 3, 17, 1000):
        pieces = [SAMPLE[start : start + size] for start in range(0, len(SAMPLE), size)]
        page.evaluate(STREAM, [pieces, 5])
        assert drawn(page) == settled, f"in pieces of {size}"

    page.evaluate(SETTLE, SAMPLE)

    paper = page.locator("#paper")
    expect(paper.locator(".token-keyword").first).to_be_visible(timeout=ANSWERS_WITHIN_MS)
    expect(paper.locator("math")).to_have_count(2, timeout=ANSWERS_WITHIN_MS)
    expect(paper.locator(".math-broken")).to_have_text("\\frac{a", timeout=ANSWERS_WITHIN_MS)
    expect(paper.locator("code").last).to_contain_text("const a = `b`; // 🐞")
    keep(page, "text-sample")


def test_code_is_copied_to_the_letter_and_wrapped_and_its_words_follow_the_language(page: Page) -> None:
    prepared(page)
    code = "".join(f"line {number}\tof many\n" for number in range(250)) + "the last, " + "long " * 100
    page.evaluate(STREAM, [["```text\n", *code.splitlines(keepends=True), "\n```\n"], 20])
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    page.get_by_role("button", name="copy", exact=True).click()
    expect(page.get_by_role("button", name="✓ copied")).to_be_visible()
    wrap = page.locator("#paper").get_by_role("button", name="wrap")
    wrap.click()

    assert page.evaluate("navigator.clipboard.readText()") == code
    expect(wrap).to_have_attribute("aria-pressed", "true")
    assert page.locator("#paper pre").evaluate("(pre) => pre.scrollWidth <= pre.clientWidth")

    page.evaluate("async () => (await room('i18n/index.js')).setLang('ru')")

    expect(page.locator("#paper").get_by_role("button", name="копировать")).to_be_visible()


def test_on_a_phone_only_code_and_tables_are_wider_than_their_column(new_visit: NewVisit) -> None:
    page = prepared(new_visit().open(width=360))
    wide = "| " + " | ".join(f"column{number}" for number in range(20)) + " |\n|" + "---|" * 20 + "\n"
    text = f"{'w' * 300}\n\n`{'c' * 300}`\n\n{wide}\n```\n{'x' * 300}\n```\n\n$$\n{'a + ' * 100}b\n$$\n"

    page.evaluate(SETTLE, text)

    assert page.locator("#paper").evaluate("(paper) => paper.scrollWidth <= paper.clientWidth")
    assert page.locator("#paper .table-scroll").evaluate("(box) => box.scrollWidth > box.clientWidth")


def ask(page: Page, message: str) -> None:
    body = {"model": "echo", "stream": True, "messages": [{"role": "user", "content": message}]}
    page.evaluate(LISTEN, [{"path": "/v1/chat/completions", "json": body}, "startStream"])


def until_heard(page: Page, count: int) -> None:
    page.evaluate(UNTIL_HEARD, count)


def heard(page: Page) -> Any:
    return page.evaluate("heard")


def is_whole(seqs: list[int]) -> bool:
    return seqs == list(range(1, len(seqs) + 1))


def test_a_network_that_was_away_leaves_no_gap_and_no_repeat(new_visit: NewVisit, stack: Stack) -> None:
    with Relay(stack.yard.port) as wire:
        visit = new_visit(wire.url)
        visit.tolerate("ERR_", "Failed to load")
        page = prepared(visit.open())
        ask(page, "[pace 20] [count 150] go")
        until_heard(page, 20)

        wire.cut()
        expect(page.locator("#paper")).to_have_attribute("data-state", "reconnecting")
        wire.mend()

        expect(page.locator("#paper")).to_have_attribute("data-state", "done", timeout=ANSWERS_WITHIN_MS)
        found = heard(page)
    assert is_whole(found["seqs"])
    assert found["words"].split() == [str(number) for number in range(150)]


def test_a_page_that_was_loaded_anew_reads_on_and_stop_stops_the_engine(new_visit: NewVisit) -> None:
    visit = new_visit()
    page = prepared(visit.open())
    ask(page, "[pace 10] [count 5000] go")
    until_heard(page, 20)
    known = page.evaluate("({id: stream.id, lastSeq: stream.lastSeq})")

    page.reload()
    visit.until("chat")
    prepared(page)
    page.evaluate(LISTEN, [known, "resumeStream"])
    until_heard(page, 40)
    assert page.evaluate("stream.stop()")

    found = heard(page)
    first = known["lastSeq"] + 1
    assert found["seqs"] == list(range(first, first + len(found["seqs"])))
    assert found["states"][-1] == "stopped"
    assert page.evaluate(STATUS) == "cancelled"
