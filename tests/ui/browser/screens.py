"""Makes the README's three pictures: `python -m tests.ui.browser.screens FOLDER`.

They are staged: the models have the names of the starter catalog, a small engine stands for all of them, and
the conversation was written here. The page, the proxy and the manager are the real ones.
"""

import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.e2e.conftest import Yard, demo_catalog
from tests.ui.browser.conftest import BROWSERS, FLAGS
from tests.ui.browser.scenes import CHAT, png, talk
from tests.ui.browser.stack import Stack, engines
from tests.ui.browser.visit import Visit

WIDTH, HEIGHT = 1440, 900
CHATS_WITH = "qwen3-8b"
READY = (CHATS_WITH, "qwen3-coder-30b")
PROMPTS = ("a lighthouse at dawn, fog", "a harbour in the rain", "a signal box, autumn", "rails at night")
HUES = ((70, 130, 160), (120, 90, 150), (170, 110, 60), (60, 120, 90))


def catalog() -> dict[str, Any]:
    """The starter catalog, with nothing to download and no GPU wanted."""
    starters: Any = demo_catalog()["models"]
    stand_in = {"engine": "image-server", "path": ".", "gpus": 0}
    kept = ("type", "description", "aliases", "context_length")
    return {
        "models": {
            name: {key: said[key] for key in kept if key in said} | stand_in
            for name, said in starters.items()
            if not name.startswith("demo-") and said["type"] in {"text", "vision", "image"}
        }
    }


def pictures() -> dict[str, list[dict[str, Any]]]:
    """A gallery, as the page keeps one."""
    at = 1_760_000_000
    small = [{"$blob": png(384, 384, hue), "type": "image/png"} for hue in HUES]
    return {
        "pictures": [
            {
                "id": f"p{number}",
                "at": at + number,
                "batch": f"b{number}",
                "width": 384,
                "height": 384,
                "thumb": small[number],
                "params": {"prompt": prompt, "model": "z-image-turbo", "seed": 7 + number, "steps": 8},
            }
            for number, prompt in enumerate(PROMPTS)
        ],
        "picture_blobs": [{"id": f"p{number}", "blob": small[number]} for number in range(len(PROMPTS))],
    }


@contextmanager
def staged(folder: Path) -> Iterator[Stack]:
    (folder / "demo").mkdir()
    yard = Yard(folder / "yard", folder / "demo", settings={"SWITCHYARD_IMAGE_SERVER": str(engines(folder))})
    yard.write_catalog(catalog())
    yard.up()
    try:
        yield Stack(yard)
    finally:
        yard.end(signal.SIGTERM)


def take(browser: Browser, url: str, folder: Path) -> None:
    shots = (
        ("chat", f"chat/{CHAT}", "phosphor", talk(CHATS_WITH)),
        ("models", "models", "amber", None),
        ("images", "images", "paper", pictures()),
    )
    for name, view, theme, seed in shots:
        context = browser.new_context(locale="en-US", device_scale_factor=1)
        page = Visit.begin(context, url).open(
            view, width=WIDTH, height=HEIGHT, theme=theme, seed=seed, model=CHATS_WITH
        )
        page.wait_for_timeout(2500)  # fonts, highlighting, the first news of the machines
        page.screenshot(path=folder / f"{name}.png")
        context.close()


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = next(filter(None, map(shutil.which, BROWSERS)))
    with tempfile.TemporaryDirectory() as name, staged(Path(name)) as stack, sync_playwright() as playwright:
        for model in READY:
            stack.ask(model, "come up").raise_for_status()
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        take(browser, stack.url, folder)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
