"""Debian's Chromium, without a window: for tests of the page, what measures it, and what takes its pictures.

The build that never has one (`chromium-headless-shell`) opens a page in a quarter of the time.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# As root a browser has no sandbox, and it should not look for its maker's hosts.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MISSING = "no Chromium here: install Debian's package chromium-headless-shell, or chromium"
up: list[Browser] = []


def is_here() -> bool:
    return _program() is not None


@contextmanager
def launched() -> Iterator[Browser]:
    """Playwright can be begun once at a time: whoever asks while a browser is up is given that one."""
    if up:
        yield up[0]
        return
    program = _program()
    if program is None:
        raise FileNotFoundError(MISSING)
    with sync_playwright() as playwright:
        up.append(playwright.chromium.launch(executable_path=program, args=list(FLAGS)))
        try:
            yield up[0]
        finally:
            up.pop().close()


def _program() -> str | None:
    return next(filter(None, map(shutil.which, PROGRAMS)), None)
