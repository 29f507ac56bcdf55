"""How smooth the page stays: replies that stream, the longest ones, and histories of ten thousand messages.

    .venv/bin/python -m bench.ui [--only WORDS] [--length SIGNS] [--messages N] [--write]

Debian's Chromium, without a window. Frames are timed with the layout they cause; a task is what the browser
itself calls a long one. Ends with 1 where a task is longer than the page promises. Times on a machine that does
other things besides are longer than they would be.
"""

import argparse
import os
import platform
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.ui.history import history, names
from bench.ui.pages import pages
from bench.ui.report import LONG_TASK_MS, Seen, faults, table
from playwright.sync_api import Page

from tests import chromium

PAGE = Path(__file__).parents[2] / "docs/web-interface.md"
SHAPES = ("mixed", "one list", "one table", "one block of code", "one paragraph", "one line")
SMOOTH_MS = 50  # the longest task while a reply streams at a model's pace
TOKEN = 4  # signs
SCENE = "async ([scene, wish]) => (await import('/bench/scenes.js'))[scene](wish)"
Wish = dict[str, Any]


def scenes(length: int) -> Iterator[tuple[str, str, Wish, float]]:
    """Name, function, what it is told, and the longest task that is allowed."""
    yield (
        "200 tokens a second into a reply of 30,000 signs",
        "paced",
        {"before": 20_000, "length": 10_000, "perSecond": 200},
        SMOOTH_MS,
    )
    for shape in SHAPES:
        wish = {"shape": shape, "length": length, "perFrame": 1_000}
        yield f"{length // TOKEN:,} tokens, as fast as frames come: {shape}", "flood", wish, LONG_TASK_MS
    for shape in SHAPES:
        wish = {"shape": shape, "length": length}
        yield f"{length // TOKEN:,} tokens of history: {shape}", "settled", wish, LONG_TASK_MS


def watched(page: Page, url: str, length: int, only: str) -> Iterator[Seen]:
    for name, scene, wish, allowed in scenes(length):
        if only not in name:
            continue
        page.goto(f"{url}/bench/page.html")
        found = page.evaluate(SCENE, [scene, wish])
        yield Seen(name, tuple(found["frames"]), tuple(found["tasks"]), allowed)


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m bench.ui", description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--only", default="", help="scenes whose name has this in it")
    options.add_argument("--length", type=int, default=400_000, help="signs of the longest reply")
    options.add_argument("--messages", type=int, default=10_000, help="of the longest history")
    options.add_argument("--write", action="store_true", help="write what is found into docs/")
    asked = options.parse_args()
    if asked.write and asked.only:
        options.error("cannot write a part of the page; leave --only out")
    if not chromium.is_here():
        sys.exit(f"cannot measure: {chromium.MISSING}")
    with pages() as url, chromium.launched() as browser:
        version = browser.version
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        seen = [*watched(page, url, asked.length, asked.only)]
        if any(asked.only in name for name in names(asked.messages)):
            seen += history(browser, asked.messages)
    print(table(seen))
    if asked.write:
        write(seen, version)
    broken = [fault for one in seen for fault in faults(one)]
    if broken:
        sys.exit("\n".join(broken))


def write(seen: Sequence[Seen], version: str) -> None:
    machine = f"{platform.machine()}, {os.cpu_count()} cores, no graphics"
    browser = f"Chromium {version.partition('.')[0]}"
    found = f"<!-- measured -->\n{machine}; {browser}.\n\n{table(seen)}\n<!-- end -->"
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(re.sub(r"<!-- measured -->.*<!-- end -->", lambda _: found, text, flags=re.DOTALL))


if __name__ == "__main__":
    main()
