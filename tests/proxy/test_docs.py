"""Nothing of the proxy that anybody can meet is left out of the docs, and no page is about one machine."""

import pkgutil
import re
from pathlib import Path

import pytest
from docs import generate

import switchyard_proxy
from switchyard_contracts.errors import ErrorCode
from switchyard_proxy.accounting.account import Outcome
from switchyard_proxy.accounting.families import FAMILIES
from switchyard_proxy.dialects.catalogue import __all__ as dialects
from switchyard_proxy.replies import CORS
from switchyard_proxy.routes import OLLAMA, ROUTES, Route
from switchyard_proxy.settings import SETTINGS, Setting
from switchyard_proxy.streams.stream import Status
from switchyard_proxy.wire import clocks, passing, service
from tests.manager.test_docs import PAGES, anchors, rows, section

DOCS = generate.ROOT / "docs"
API, CLIENTS, KEYS, OPERATIONS, REQUESTS, STREAMS = (
    (DOCS / f"{name}.md").read_text("utf-8")
    for name in ("api", "clients", "keys", "operations", "requests", "streams")
)
CHANGELOG = generate.ROOT / "CHANGELOG.md"
DECISIONS = sorted((DOCS / "decisions").glob("*.md"))
SOMEBODYS = re.compile(r"(?<![\w.:/])/(?:work|home|root|Users|tmp|mnt)/")
LISTED_CLIENTS = re.findall(r"^\| \[([^]]+)\]\(#([^)]+)\)", CLIENTS, re.MULTILINE)


@pytest.mark.parametrize("route", [*ROUTES, *OLLAMA], ids=lambda route: route.path)
def test_every_route_is_listed(route: Route) -> None:
    shown = route.path + ("…" if route.path.endswith("/") and route.path != "/" else "")

    assert shown in rows(section(API, "Paths"))


def test_every_path_that_is_passed_on_is_listed() -> None:
    listed = set(re.findall(r"`([^`]+)`", section(API, "Paths")))

    assert {*passing.ASKS, *passing.LOOKS} <= listed


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_is_explained(setting: Setting) -> None:
    assert setting.env in rows(section(OPERATIONS, "Settings"))


def test_every_flag_and_variable_that_a_page_names_is_there() -> None:
    flags = {setting.flag for setting in SETTINGS} | {"--help", "--json"}
    of_keys = set(re.findall(r"^\| `(--[a-z-]+)", KEYS, re.MULTILINE)) | rows(
        section(KEYS, "Making and revoking")
    )
    named = {
        flag for page in (API, OPERATIONS, REQUESTS, STREAMS) for flag in re.findall(r"`(--[a-z-]+)`", page)
    }

    assert named <= flags | of_keys | {"--yes"}


def test_every_error_code_is_explained() -> None:
    assert set(ErrorCode) <= rows(section(OPERATIONS, "Errors"))


def test_every_code_that_a_page_names_is_there() -> None:
    named = {code for page in (API, KEYS, STREAMS) for code in re.findall(r"\d{3}, `([a-z_]+)`", page)}

    assert named <= set(ErrorCode)
    assert len(named) > 5


def test_every_metric_is_explained() -> None:
    assert rows(section(REQUESTS, "Metrics")) == set(FAMILIES)


def test_every_outcome_of_a_request_is_explained() -> None:
    assert set(Outcome) <= rows(section(REQUESTS, "Accounts"))


def test_every_end_of_a_stream_is_explained() -> None:
    assert {status for status in Status if status.over} == rows(section(STREAMS, "How streams end"))


def test_every_header_that_pages_may_read_is_explained() -> None:
    exposed = dict(CORS)[b"access-control-expose-headers"].decode().split(", ")

    assert set(exposed) <= rows(section(API, "Headers"))


def test_every_header_that_decides_how_long_a_request_waits_is_explained() -> None:
    read = (clocks.OWN_CLOCK, *clocks.CLIENT_CLOCKS, service.RETRY_COUNT)

    assert {name.decode() for name in read} <= rows(section(API, "Headers"))


def test_every_dialect_has_its_beat_on_the_page() -> None:
    beats = section(API, "While a model loads")

    for told in ("chat/completions", "completions", "responses", "messages", "images", "Ollama"):
        assert re.search(rf"^\| .*{told}", beats, re.MULTILINE), told
    assert len(dialects) == 7  # one more needs a row there


@pytest.mark.parametrize(("name", "anchor"), LISTED_CLIENTS)
def test_every_client_of_the_table_has_a_section_that_tells_of_cold_starts(name: str, anchor: str) -> None:
    assert anchor in anchors(DOCS / "clients.md"), name
    parts = re.split(r"^#{2,3} ", CLIENTS, flags=re.MULTILINE)
    (part,) = [part for part in parts if slug(part.split("\n", 1)[0]) == anchor]

    assert re.search(r"[Cc]old start|first load", part), name


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def test_every_part_of_the_proxy_is_on_the_map() -> None:
    page = (DOCS / "architecture.md").read_text("utf-8")
    shown = page[page.index("### The proxy") : page.index("### The others")]
    named = set(re.findall(r"`([a-z]+)`", shown))

    assert {module.name for module in pkgutil.iter_modules(switchyard_proxy.__path__)} <= named


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.name[:4])
def test_every_decision_says_what_was_decided_and_why(page: Path) -> None:
    text = page.read_text("utf-8")

    assert text.startswith(f"# {int(page.name[:4])}. ")
    assert re.search(r"\n\*\d{4}-\d{2}-\d{2}\*\n\n\*\*Decision\.\*\* ", text)
    assert "**Why" in text


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("page", [CHANGELOG, *PAGES], ids=lambda page: page.name)
def test_no_page_names_a_path_of_somebodys_machine(page: Path) -> None:
    assert not SOMEBODYS.findall(page.read_text("utf-8"))


def test_the_changelog_links_to_what_is_there() -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", CHANGELOG.read_text("utf-8")):
        file, _, anchor = target.partition("#")
        assert (generate.ROOT / file).exists(), target
        assert not anchor or anchor in anchors(generate.ROOT / file), target
