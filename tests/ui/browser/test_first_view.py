"""The first view is light: what a phone on a slow wire waits for. How long, `bench.ui.first_view` says."""

import pytest
from bench.ui.first_view import FirstView, measured
from playwright.sync_api import Browser

from tests.ui.browser.stack import Stack

FIRST_PAINT_KB = 100
FIRST_PAINT_FILES = 25
BEFORE_ANY_CHAT_KB = 300


@pytest.fixture(scope="module")
def view(browser: Browser, stack: Stack) -> FirstView:
    return measured(browser, f"{stack.url}/")


def test_something_is_seen_after_few_files_and_few_bytes(view: FirstView) -> None:
    files, kilobytes = view.until(view.drawn_ms)

    assert files < FIRST_PAINT_FILES
    assert 20 < kilobytes <= FIRST_PAINT_KB


def test_all_of_the_chat_is_there_for_few_bytes_more(view: FirstView) -> None:
    _, kilobytes = view.until(float("inf"))

    assert 50 < kilobytes <= BEFORE_ANY_CHAT_KB


def test_what_is_only_needed_sometimes_is_not_there_yet(view: FirstView) -> None:
    names = " ".join(one["name"] for one in view.files)

    for later in ("katex", "highlight", "/images/", "/activity/", "/settings/view"):
        assert later not in names
