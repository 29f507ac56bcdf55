"""A conversation of ten thousand messages in the page itself: opened, read upward, and written to.

A proxy of the bench's own serves the page; it needs no manager, as nothing is asked of a model.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from bench.ui.report import LONG_TASK_MS, Seen
from playwright.sync_api import Browser, Page

from tests.ports import free_port

UP_WITHIN_S = 180
SHOWN_WITHIN_MS = 60_000
TYPING_MS = 50  # a key must be on the screen in a frame; a task this long is the first that is told
SEED = """async (count) => {
  const db = await new Promise((done, failed) => {
    const asked = indexedDB.open("switchyard");
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => failed(asked.error);
  });
  const words = "Some words with **stress** and `code` that fill a line or two of the page. ";
  const code = "\\n\\n```python\\ndef f(x):\\n    return x\\n```\\n\\n- one\\n- two\\n";
  const id = (n) => `m${String(n).padStart(8, "0")}`;
  const tx = db.transaction(["conversations", "messages"], "readwrite");
  const made = {title: "long", created: 1, updated: 2, pinned: false, model: "m", system: "", sampling: {}};
  tx.objectStore("conversations").put({id: "c1", leaf: id(count - 1), deleted: null, ...made});
  for (let n = 0; n < count; n += 1) {
    tx.objectStore("messages").put({
      id: id(n), conversation: "c1", parent: n ? id(n - 1) : "", role: n % 2 ? "assistant" : "user",
      at: 1760000000000 + n, model: "m", state: "done",
      text: `word${n} ` + words.repeat(1 + n % 9) + (n % 4 === 1 ? code : ""),
    });
  }
  await new Promise((done, failed) => { tx.oncomplete = done; tx.onerror = () => failed(tx.error); });
  db.close();
}"""
WATCH = """() => {
  globalThis.tasks = [];
  globalThis.frames = [];
  new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({duration}) => duration)))
    .observe({type: "longtask", buffered: true});
  let last = performance.now();
  const tick = () => {
    const now = performance.now();
    frames.push(now - last);
    last = now;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}"""
TAKE = """async () => {
  await new Promise((done) => setTimeout(done, 300));
  const found = {tasks, frames};
  globalThis.tasks = [];
  globalThis.frames = [];
  return found;
}"""


SCENES = ("opened", "read upward", "typed into")


def names(count: int) -> list[str]:
    return [f"{count:,} messages: {scene}" for scene in SCENES]


def history(browser: Browser, count: int) -> Iterator[Seen]:
    """The time from one frame to the next, and the long tasks."""
    opened, read, typed = names(count)
    with own_proxy() as url:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(url)
        page.wait_for_selector("html[data-view=chat]", state="attached", timeout=SHOWN_WITHIN_MS)
        page.evaluate(SEED, count)
        page.goto("about:blank")
        page.add_init_script(f"({WATCH})()")
        page.goto(f"{url}/#/chat/c1")
        page.get_by_text(f"word{count - 1} ").first.wait_for(timeout=SHOWN_WITHIN_MS)
        yield taken(page, opened)
        scroll(page)
        yield taken(page, read)
        page.locator(".chat-writing textarea").press_sequentially("a line of words, as one types it", delay=40)
        yield taken(page, typed, TYPING_MS)
        page.close()


def taken(page: Page, name: str, allowed_ms: float = LONG_TASK_MS) -> Seen:
    found = page.evaluate(TAKE)
    return Seen(name, tuple(found["frames"]), tuple(found["tasks"]), allowed_ms)


def scroll(page: Page) -> None:
    page.mouse.move(700, 300)
    for _ in range(60):
        page.mouse.wheel(0, -1500)
        page.wait_for_timeout(50)


@contextmanager
def own_proxy() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as state:
        port = free_port()
        command = (
            Path(sys.executable).parent / "switchyard-proxy", "--port", str(port), "--state", state,
            "--manager", f"http://127.0.0.1:{free_port()}",
        )  # fmt: skip
        bare = {name: value for name, value in os.environ.items() if not name.startswith("SWITCHYARD_")}
        proxy = subprocess.Popen(command, env=bare, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until_up(f"http://127.0.0.1:{port}/")
            yield f"http://127.0.0.1:{port}"
        finally:
            proxy.kill()
            proxy.wait()


def until_up(url: str) -> None:
    deadline = time.monotonic() + UP_WITHIN_S
    while time.monotonic() < deadline:
        try:
            httpx.get(url, timeout=2)
        except httpx.HTTPError:
            time.sleep(0.1)  # noqa: TID251 - it watches another process
        else:
            return
    sys.exit(f"cannot measure: no proxy at {url} after {UP_WITHIN_S} s")
