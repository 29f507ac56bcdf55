"""The page in a real browser, on one stack for all tests.

`stack`  the manager, the proxy and the engines (see `stack.py`); once for the whole run. Models: `demo-chat`,
         `demo-vision`, `demo-image` (real engines on tiny weights), `echo` (says back what it is told, at a
         pace and with faults that the message orders: see `echo_engine.py`), `slow-to-load`, `broken`, and one
         with a long name. `stack.new_proxy(auth="on").start()` is a proxy of the test's own, to be killed.
`visit`  a page of the test's own, with nothing in its storage (see `visit.py`):

             def test_it_says_so(visit: Visit) -> None:
                 page = visit.open("models", width=360, lang="ru", theme="paper", density="compact")
                 expect(page.get_by_role("heading")).to_have_text("…")

         It fails the test on an error of the console, an exception, a report of the policy, or a request to
         another host. `visit.tolerate("503")` before what is provoked. The browser is the same for all tests:
         the page's files are at hand, and so is whatever else belongs to a context of Playwright's: a test that
         stops its clock takes `new_visit`.
`page`   `visit.open()`: the chat at 1280 px in English, for tests to whom all that is the same.
`regular`  a visit by somebody who has been here before: quick, as the page need not be fetched again. For tests
         that leave nothing in the browser but settings, which `open` writes anew, and route no requests.
`locked`  a proxy of the stack that asks for keys (`locked.new_key("guest")`), never to be killed.
`new_tour("ru")`  a page that goes through all scenes (see `scenes.py`); one for each language and all tests.
`new_visit(url=…, **options)`  one by a new browser, with options of Playwright's (`locale="ru-RU"`).

A test that waits for an engine's first answer gives it `ANSWERS_WITHIN_MS`. Screenshots of failed tests, and
those that tests keep with `keep(page, name)`, go to `.switchyard/screenshots`, or to the folder that the
variable SCREENSHOTS names.
"""

import os
import re
import signal
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests import chromium
from tests.e2e.conftest import ROOT, Yard, demo
from tests.ui.browser.scenes import Tour
from tests.ui.browser.stack import LONG, OwnProxy, Stack, catalog, engines
from tests.ui.browser.visit import Visit, new_context

__all__ = ["ANSWERS_WITHIN_MS", "demo"]

ANSWERS_WITHIN_MS = 60_000
SCREENSHOTS = Path(os.environ.get("SCREENSHOTS") or ROOT / ".switchyard" / "screenshots")
HAS_FAILED = pytest.StashKey[bool]()
# A browser and its engines share the machine with other tests.
expect.set_options(timeout=20_000)
NewVisit = Callable[..., Visit]
NewTour = Callable[[str], Tour]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test of a run also waits for the stack, and a busy machine is slow."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(300))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[HAS_FAILED] = item.stash.get(HAS_FAILED, False) or report.failed
    return report


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, demo: Path) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    yard = Yard(folder / "yard", demo, settings={"SWITCHYARD_IMAGE_SERVER": str(engines(folder))})
    yard.write_catalog(catalog())
    yard.up()
    stack = Stack(yard)
    yield stack
    for proxy in stack.made:
        proxy.kill()
    yard.end(signal.SIGTERM)
    assert yard.processes() == []


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not chromium.is_here():
        pytest.skip(chromium.MISSING)
    with chromium.launched() as browser:
        yield browser


@pytest.fixture
def new_visit(browser: Browser, stack: Stack, request: pytest.FixtureRequest) -> Iterator[NewVisit]:
    made: list[tuple[BrowserContext, Visit]] = []

    def make(url: str = "", **options: Any) -> Visit:
        context = new_context(browser, **options)
        made.append((context, Visit.begin(context, url or stack.url)))
        return made[-1][1]

    yield make
    for context, visit in made:
        keep_if_failed(request, visit)
        context.close()
    for _, visit in made:
        visit.judge()


@pytest.fixture(scope="session")
def visit_of_a_regular(browser: Browser, stack: Stack) -> Iterator[Visit]:
    context = new_context(browser)
    yield Visit.begin(context, stack.url)
    context.close()


@pytest.fixture
def regular(visit_of_a_regular: Visit, request: pytest.FixtureRequest) -> Iterator[Visit]:
    visit = visit_of_a_regular
    yield visit
    keep_if_failed(request, visit)
    visit.page.goto("about:blank")
    visit.judge()
    visit.tolerated.clear()


@pytest.fixture(scope="session")
def locked(stack: Stack) -> OwnProxy:
    return stack.new_proxy(auth="on").start()


@pytest.fixture(scope="session")
def new_tour(browser: Browser, stack: Stack) -> Iterator[NewTour]:
    """One for each language, for all tests that go through the scenes: most of a visit is its beginning."""
    tours: dict[str, Tour] = {}
    contexts: list[BrowserContext] = []
    stack.ask(LONG, "something")
    stack.ask("nobody", "anything")

    def tour(lang: str) -> Tour:
        if lang not in tours:
            contexts.append(new_context(browser))
            tours[lang] = Tour.begin(Visit.begin(contexts[-1], stack.url), lang)
        return tours[lang]

    yield tour
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def context_of_visits(browser: Browser) -> Iterator[BrowserContext]:
    context = new_context(browser)
    yield context
    context.close()


@pytest.fixture
def visit(context_of_visits: BrowserContext, stack: Stack, request: pytest.FixtureRequest) -> Iterator[Visit]:
    visit = Visit.begin(context_of_visits, stack.url)
    yield visit
    keep_if_failed(request, visit)
    visit.end()
    visit.judge()


@pytest.fixture
def page(visit: Visit) -> Page:
    return visit.open()


def keep_if_failed(request: pytest.FixtureRequest, visit: Visit) -> None:
    """How the page looked when its test failed."""
    if request.node.stash.get(HAS_FAILED, False):
        keep(visit.page, f"last-{request.node.name}")


def keep(page: Page, name: str) -> None:
    """A screenshot as an artefact."""
    page.screenshot(path=SCREENSHOTS / f"{re.sub(r'[^a-z0-9-]+', '-', name.lower())}.png")
