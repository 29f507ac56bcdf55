"""Makes the README's three pictures: `.venv/bin/python -m tests.ui.browser.screens docs/pictures`.

They are staged. The models have the names of the starter catalog, but a small engine stands for all of them;
the cards are stand-ins, too (`stand_in_nvml.py`), and the conversation was written here. Scripts paint the
gallery (`motifs.js`). The page, the proxy and the manager are the real ones.
"""

import io
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.chromium import launched
from tests.e2e.conftest import Yard, demo_catalog
from tests.ui.browser.scenes import CHAT, talk
from tests.ui.browser.stack import ECHO, Stack
from tests.ui.browser.visit import Visit, new_context

HERE = Path(__file__).parent
WIDTH, HEIGHT = 1440, 900
MOST_BYTES = 150_000  # a picture with more of them gets fewer colours
TALKS = (
    "A garden in spring",
    "Borrow checking, shown",
    "A regex that backtracks",
    "A note to the landlord",
    "What to back up first",
    "Names for a small boat",
    "A photo of a fuse box",
)
CHATS_WITH = "qwen3-8b"
LOADING = "qwen3-embedding"
ASLEEP = "qwen3-vl-4b"
PAINTS = "qwen-image-2.1-turbo"
READY = ("qwen3-coder-30b", CHATS_WITH)
KEPT = (
    "qwen3-8b",
    "qwen3-14b",
    "qwen3-coder-30b",
    "qwen3.5-4b",
    "qwen3-vl-4b",
    "qwen3-embedding",
    PAINTS,
    "qwen-image-edit-2511",
)
CLAIMS_MIB = {ASLEEP: 9_800, PAINTS: 20_500, "qwen-image-edit-2511": 21_800}
PROMPT = "a lighthouse at dawn, fog over the water, flat colours, like an old travel poster"
# What an engine is told that matters to the one that stands for it.
ENGINE = """#!{python}
import os, sys, time
said = sys.argv
name = said[said.index("--served-model-name") + 1]
if name == "{loading}":
    print("Loading safetensors checkpoint shards:  62% Completed | 5/8", flush=True)
    time.sleep(3600)
wanted = ("--served-model-name", "--host", "--port")
os.execv("{echo}", ["{echo}", *(part for flag in wanted for part in (flag, said[said.index(flag) + 1]))])
"""
# By motif: the prompt, the seeds, and the colours that they take in turn.
SCENERY: dict[str, dict[str, Any]] = json.loads((HERE / "motifs.json").read_text())


def catalog() -> dict[str, Any]:
    """Some of the starter catalog, with nothing to download."""
    starters: Any = demo_catalog()["models"]
    kept = (
        "type",
        "engine",
        "description",
        "aliases",
        "context_length",
        "capabilities",
        "vram_mib",
        "variants",
    )
    return {
        "models": {
            name: {key: starters[name][key] for key in kept if key in starters[name]}
            | {"path": ".", "gpus": 1}
            | ({"vram_mib": CLAIMS_MIB[name]} if name in CLAIMS_MIB else {})
            for name in KEPT
        }
    }


@contextmanager
def staged(folder: Path) -> Iterator[Stack]:
    for name in ("demo", "cards"):
        (folder / name).mkdir()
    shutil.copy(HERE / "stand_in_nvml.py", folder / "cards" / "pynvml.py")
    echo, engine = folder / "echo", folder / "engine"
    echo.write_text(f"#!{sys.executable} -SE\n{ECHO.read_text()}")
    engine.write_text(ENGINE.format(python=sys.executable, echo=echo, loading=LOADING))
    for program in (echo, engine):
        program.chmod(0o755)
    settings = {
        "PYTHONPATH": str(folder / "cards"),
        "SWITCHYARD_IMAGE_SERVER": str(engine),
        "SWITCHYARD_VLLM": str(engine),
    }
    yard = Yard(folder / "yard", folder / "demo", settings=settings)
    yard.write_catalog(catalog())
    yard.up()
    try:
        yield Stack(yard)
    finally:
        yard.end(signal.SIGTERM)


def raise_curtain(stack: Stack) -> None:
    """Two models up, one on its way, one asleep."""
    orders = f"{stack.url}/api/managers/0/models"
    stack.ask(ASLEEP, "come up").raise_for_status()
    httpx.post(f"{orders}/{ASLEEP}/sleep", timeout=60).raise_for_status()
    Yard.until(lambda: httpx.get(f"{orders}/{ASLEEP}").json()["phase"] == "asleep", 60)
    for model in READY:
        stack.ask(model, "come up").raise_for_status()
    httpx.post(f"{orders}/{LOADING}/load", timeout=60).raise_for_status()


def painted(page: Page) -> dict[str, list[dict[str, Any]]]:
    """A gallery as the page keeps one, the newest last."""
    page.add_script_tag(content=(HERE / "motifs.js").read_text())
    records: list[dict[str, Any]] = []
    takes = len(next(iter(SCENERY.values()))["colours"])
    for first in (takes, 0):
        for motif, said in reversed(SCENERY.items()):
            for at in reversed(range(takes)):
                wish = {"motif": motif, "seed": said["seeds"][first + at], "colours": said["colours"][at]}
                records.append(record(page, len(records), said["prompt"], wish))
    return {"pictures": records}


def record(page: Page, number: int, prompt: str, wish: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"p{number:02}",
        "at": 1_760_000_000 + number,
        "batch": wish["motif"],
        "width": 512,
        "height": 512,
        "thumb": {"$blob": page.evaluate("paint", wish), "type": "image/png"},
        "params": {"prompt": prompt, "model": PAINTS, "seed": wish["seed"]},
    }


def opened(browser: Browser, url: str, view: str, theme: str, seed: dict[str, Any] | None = None) -> Page:
    context = new_context(browser, device_scale_factor=1)
    page = Visit.begin(context, url).open(
        view, width=WIDTH, height=HEIGHT, theme=theme, seed=seed, model=CHATS_WITH
    )
    expect(page.locator(".live-model").first).to_be_visible()
    return page


def chat(browser: Browser, url: str) -> Page:
    page = opened(browser, url, f"chat/{CHAT}", "phosphor", talk(CHATS_WITH, TALKS))
    expect(page.locator(".message-answer math").first).to_be_attached()
    expect(page.locator(".message-answer pre span[class]").first).to_be_attached()
    return page


def models(browser: Browser, url: str) -> Page:
    page = opened(browser, url, "models", "amber")
    expect(page.locator(".models-legend").first).to_contain_text("qwen3")
    return page


def images(browser: Browser, url: str) -> Page:
    scenery = painted(browser.new_page())
    page = opened(browser, url, "images", "paper", scenery)
    page.locator(".images-prompt").fill(PROMPT)
    expect(page.locator(".images-tile img")).to_have_count(len(scenery["pictures"]))
    page.evaluate("Promise.all([...document.images].map((one) => one.decode()))")
    return page


def take(page: Page, path: Path) -> None:
    page.evaluate("document.activeElement.blur()")
    page.evaluate("document.fonts.ready.then(() => null)")
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.save(path, optimize=True)
    if path.stat().st_size > MOST_BYTES:
        picture.quantize(dither=Image.Dither.NONE).save(path, optimize=True)
    page.context.close()


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, staged(Path(name)) as stack, launched() as browser:
        raise_curtain(stack)
        for show in (chat, models, images):
            take(show(browser, stack.url), folder / f"{show.__name__}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
