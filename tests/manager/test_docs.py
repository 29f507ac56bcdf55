"""Nothing that an operator can meet is left out of the docs, and no page points at what is not there."""

import pkgutil
import re
from pathlib import Path

import pytest
from docs import generate

import switchyard_manager
from switchyard_contracts.errors import ErrorCode, Reason
from switchyard_contracts.status import Phase
from switchyard_manager.api.metrics import METRICS
from switchyard_manager.cli.main import COMMANDS
from switchyard_manager.engines.reasons import ENVIRONMENT
from switchyard_manager.scheduler import StopReason
from switchyard_manager.settings import SETTINGS
from switchyard_proxy.settings import SETTINGS as PROXY_SETTINGS

DOCS = generate.ROOT / "docs"
OPERATIONS = (DOCS / "operations.md").read_text("utf-8")
FAILURES = (DOCS / "failures.md").read_text("utf-8")
PAGES = [generate.ROOT / "README.md", generate.ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")]
SETUP = (generate.ROOT / "setup.sh").read_text("utf-8")


def section(page: str, heading: str) -> str:
    found = re.search(rf"^## {heading}$(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert found, f"there is no section {heading}"
    return found[1]


def rows(text: str) -> set[str]:
    """What stands between backticks in the first cells of its tables."""
    cells = re.findall(r"^\| (.*?) \|", text, re.MULTILINE)
    return {word for cell in cells for word in re.findall(r"`([^`]+)`", cell)}


def test_every_phase_is_explained_with_what_to_do() -> None:
    assert set(Phase) <= rows(section(OPERATIONS, "Phases"))


def test_every_reason_for_which_a_run_ends_is_explained() -> None:
    assert set(StopReason) <= rows(section(OPERATIONS, "Phases"))


def test_every_error_code_is_explained() -> None:
    assert set(ErrorCode) <= rows(section(OPERATIONS, "Errors"))


def test_every_metric_is_explained() -> None:
    assert rows(section(OPERATIONS, "Metrics")) == set(METRICS)


def test_every_command_is_explained() -> None:
    named = {row.split()[0] for row in rows(section(OPERATIONS, "Commands"))}

    assert {command.__name__ for command in COMMANDS} <= named


def test_every_setting_is_explained() -> None:
    named = rows(section(OPERATIONS, "Settings"))

    assert set(SETTINGS) | {row.env for row in PROXY_SETTINGS} <= named


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_section_that_says_what_to_do(reason: Reason) -> None:
    parts = [part for part in FAILURES.split("\n### ")[1:] if f'<a id="{reason}">' in part]

    assert len(parts) == 1
    heading, text = parts[0].split("\n", 1)
    assert f"(`{reason}`" in heading
    assert ("*machine*" in heading) is (reason in ENVIRONMENT)
    assert "**You see**" in text
    assert "**Do.**" in text


def test_every_package_of_the_manager_is_on_the_map() -> None:
    named = rows((DOCS / "architecture.md").read_text("utf-8"))

    assert {module.name for module in pkgutil.iter_modules(switchyard_manager.__path__)} <= named


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        led = (page.parent / file).resolve() if file else page
        assert led.exists(), target
        assert not anchor or anchor in anchors(led), target


def anchors(page: Path) -> set[str]:
    """As GitHub makes them."""
    text = page.read_text("utf-8")
    said = [re.sub(r"<[^>]+>", "", heading) for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)]
    made = {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in said}
    return made | set(re.findall(r'<a id="([^"]+)">', text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_names_a_command_of_setup_that_there_is_not(page: Path) -> None:
    known = {
        word for line in re.findall(r"^    ([a-z |-]+)\) ", SETUP, re.MULTILINE) for word in line.split(" | ")
    }

    assert set(re.findall(r"\./setup\.sh ([a-z]+)", page.read_text("utf-8"))) <= known
