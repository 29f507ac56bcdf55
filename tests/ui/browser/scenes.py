"""States of the page, for the checks of the whole: each view, empty or at work, and what opens over it.

A scene is an address, and what is done once the view stands. A tour goes from one to the next within one page.
"""

import base64
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page, expect

from tests.ui.browser.stack import HOSTILE, LONG
from tests.ui.browser.visit import Visit

CHAT = "c0000001"
QUESTION = "How do I find out what fills the disk?"
GARDEN = "A plan for the garden in spring"
THOUGHT = "They want one command, and what to look at next."
ANSWER = """Ask for the sizes of the folders, largest first:

```bash
du -xh --max-depth=2 / 2>/dev/null | sort -rh | head -20
```

What usually turns up:

| folder | what lies there | safe to clear? |
| --- | --- | --- |
| `/var/log` | logs, rotated and not | the old ones |
| `~/.cache` | what programs can fetch again | yes |
| `/var/lib/docker` | images and volumes | `docker system prune` |

1. **Look before you delete**: a file that a program holds open frees nothing until it is closed.
2. Of a drive with $n$ blocks, $\\lfloor 0.05 n \\rfloor$ are kept for root.

> A full disk is rarely full of what one expects.
"""


# When it was asked, when the first token came, how many there were.
AT = 1_760_000_000_000
FIGURES = {
    "asked": AT,
    "first": AT + 410,
    "since": AT + 410,
    "ended": AT + 4_730,
    "usage": {"read": 48, "made": 247},
}


def png(width: int, height: int, hue: tuple[int, int, int] = (60, 140, 90)) -> str:
    """A picture of a few soft bands, as base64."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    shade = [0.35 + 0.65 * abs((y * 3 // height + y / height) % 2 - 1) for y in range(height)]
    rows = b"".join(b"\0" + bytes(int(c * s) for c in hue) * width for s in shade)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(parts)).decode()


def talk(
    model: str = "echo", others: Sequence[str] = (GARDEN, HOSTILE, LONG)
) -> dict[str, list[dict[str, Any]]]:
    """Some conversations, one of them with an answer in Markdown, one with a name that means no good."""
    titles = {CHAT: QUESTION} | {f"c{at:07}": title for at, title in enumerate(others, start=2)}
    said: list[dict[str, Any]] = [
        {"id": "m0000000", "parent": "", "role": "user", "text": QUESTION},
        {"id": "m0000001", "parent": "m0000000", "role": "assistant", "text": ANSWER, "thought": THOUGHT}
        | FIGURES,
    ]
    common = {"conversation": CHAT, "model": model, "state": "done", "at": AT}
    return {
        "conversations": [
            {
                "id": chat,
                "title": title,
                "created": AT,
                "updated": AT - at,
                "pinned": at == 0,
                "model": model,
                "system": "",
                "sampling": {},
                "leaf": "m0000001" if chat == CHAT else None,
                "deleted": None,
            }
            for at, (chat, title) in enumerate(titles.items())
        ],
        "messages": [common | one for one in said],
    }


@dataclass(frozen=True)
class Scene:
    name: str
    view: str
    then: Callable[[Page], None] = field(default=lambda page: None)


def _answered(page: Page) -> None:
    expect(page.locator(".message-answer table")).to_be_visible()
    expect(page.locator(".message-answer math").first).to_be_attached()


def _listed(page: Page) -> None:
    expect(page.locator(".models-cell-phase").first).to_be_visible()


def _detailed(page: Page) -> None:
    expect(page.get_by_role("heading", name=LONG)).to_be_visible()


def _opened(page: Page) -> None:
    expect(page.locator(".activity-open").first).to_be_visible()
    page.locator(".activity-open").first.click()
    expect(page.locator(".activity-details")).to_be_visible()


def _summed(page: Page) -> None:
    expect(page.locator(".activity-shares")).to_be_visible()


def _helped(page: Page) -> None:
    page.keyboard.press("F1")
    expect(page.get_by_role("dialog")).to_be_visible()


def _commanded(page: Page) -> None:
    page.keyboard.press("Control+k")
    expect(page.get_by_role("listbox").first).to_be_visible()


SCENES = (
    Scene("chat-empty", "chat"),
    Scene("chat", f"chat/{CHAT}", _answered),
    Scene("images", "images"),
    Scene("models", "models", _listed),
    Scene("model", f"models/{LONG}", _detailed),
    Scene("add-model", "models?page=add"),
    Scene("models-json", "models?page=file"),
    Scene("activity", "activity", _opened),
    Scene("sums", "activity/stats", _summed),
    Scene("settings", "settings"),
    Scene("help", "settings", _helped),
    Scene("palette", "settings", _commanded),
)


DRAWN = """(theme) => {
  document.documentElement.dataset.theme = theme;
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""


@dataclass
class Tour:
    """One page in one language, with conversations in it."""

    visit: Visit

    @classmethod
    def begin(cls, visit: Visit, lang: str) -> "Tour":
        # What a model that cannot load has to say is asked for, and is an error.
        visit.tolerate("50[0-9]")
        visit.page.emulate_media(reduced_motion="reduce")
        visit.open("settings", lang=lang, seed=talk())
        return cls(visit)

    def show(self, scene: Scene, width: int = 1280, height: int = 800, theme: str = "phosphor") -> Page:
        page = self.visit.page
        for dialog in page.get_by_role("dialog").all():
            page.keyboard.press("Escape")
            expect(dialog).to_have_count(0)
        self.resize()
        self.visit.go(scene.view)
        scene.then(page)
        self.resize(width, height, theme)
        return page

    def resize(self, width: int = 1280, height: int = 800, theme: str = "phosphor") -> None:
        """The same scene otherwise, once that is drawn."""
        self.visit.page.set_viewport_size({"width": width, "height": height})
        self.visit.page.evaluate(DRAWN, theme)
