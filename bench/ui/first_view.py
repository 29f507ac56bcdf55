"""What the first view costs: files and bytes until something is seen, and until it is whole; and the times.

`python -m bench.ui.first_view URL` prints the median of ten visits, each with an empty cache.
"""

import argparse
import statistics
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Page

from tests.chromium import launched

VISITS = 10
WITHIN_MS = 60_000
AFTERWARDS = ("/shell/furniture.js", "/chat/view.js", "/en/chat.js")
# Small answers of the API are no part of the page.
LOADED = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .filter((one) => one.entryType === "navigation" || new URL(one.name).pathname.startsWith("/ui/"))
  .map(({name, startTime, encodedBodySize}) => ({name, at: startTime, bytes: encodedBodySize}))"""
PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
STANDS = """() => new Promise((done) => {
  const root = document.documentElement;
  const look = () => (root.dataset.view ? done(performance.now()) : requestAnimationFrame(look));
  look();
})"""


@dataclass(frozen=True)
class FirstView:
    painted_ms: float
    stands_ms: float
    files: tuple[dict[str, Any], ...]

    @property
    def drawn_ms(self) -> float:
        """When the frame had been drawn, and asked for what need not be there first."""
        return float(min(one["at"] for one in self.files if one["name"].endswith(AFTERWARDS)))

    def until(self, ms: float) -> tuple[int, float]:
        """How many files were asked for before then, and how many kB they were, packed."""
        those = [one for one in self.files if one["at"] < ms]
        return len(those), sum(one["bytes"] for one in those) / 1000


def visited(page: Page, url: str) -> FirstView:
    page.goto(url, wait_until="commit")
    stands = page.evaluate(STANDS)
    page.wait_for_function(PAINTED, timeout=WITHIN_MS)
    page.wait_for_timeout(1500)  # what comes after the first paint, by itself
    return FirstView(page.evaluate(PAINTED), stands, tuple(page.evaluate(LOADED)))


def measured(browser: Browser, url: str) -> FirstView:
    context = browser.new_context(locale="en-US")
    try:
        return visited(context.new_page(), url)
    finally:
        context.close()


def main() -> None:
    options = argparse.ArgumentParser(
        prog="python -m bench.ui.first_view", description=(__doc__ or "").partition("\n")[0]
    )
    options.add_argument("url", help="of a proxy that is up")
    url = options.parse_args().url
    with launched() as browser:
        views = [measured(browser, url) for _ in range(VISITS)]
    painted = statistics.median(view.painted_ms for view in views)
    stands = statistics.median(view.stands_ms for view in views)
    files, kilobytes = views[-1].until(views[-1].drawn_ms)
    everything = views[-1].until(float("inf"))
    print(
        f"painted after {painted:.0f} ms ({files} files, {kilobytes:.1f} kB), "
        f"stands after {stands:.0f} ms, in the end {everything[0]} files, {everything[1]:.1f} kB"
    )


if __name__ == "__main__":
    main()
