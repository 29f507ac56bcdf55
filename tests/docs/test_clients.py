"""The pages on clients: each says the same things, and names nothing that is not there."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from docs import generate

from switchyard_contracts.catalog import read_catalog
from switchyard_manager.settings import SETTINGS
from switchyard_proxy.settings import SETTINGS as PROXY_SETTINGS
from tests.clients import agents

INDEX = (generate.ROOT / "docs/clients.md").read_text("utf-8")
PAGES = sorted((generate.ROOT / "docs/clients").glob("*.md"))
CATALOG = read_catalog((generate.ROOT / "models.json").read_text("utf-8"))
# What a page shows as a name of the reader's own.
OWN = {"coder", "whisper"}
EVERY = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
LISTED = dict(re.findall(r"^\| \[[^]]+\]\(clients/([\w-]+)\.md\) \|[^|]*\| ([^|]*) \|$", INDEX, re.MULTILINE))


def text(page: Path) -> str:
    return page.read_text("utf-8")


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text(page), re.DOTALL)


def test_every_page_is_listed_and_every_listed_page_is_there() -> None:
    assert set(LISTED) == {page.stem for page in PAGES}
    assert len(PAGES) == 8


@EVERY
def test_a_page_tells_of_cold_starts_pitfalls_and_of_what_was_run(page: Path) -> None:
    headings = re.findall(r"^## (.*)$", text(page), re.MULTILINE)

    assert {"While a model loads", "Pitfalls"} <= set(headings)
    assert headings[-1] == "What was run"
    assert "**Cold start.**" in text(page)
    assert "http://HOST:8080" in text(page)


@EVERY
def test_a_page_says_that_the_program_itself_was_run_only_where_a_test_runs_it(page: Path) -> None:
    ran = text(page).split("## What was run")[1].strip()

    is_run = hasattr(agents, page.stem.replace("-", "_"))
    assert is_run is (LISTED[page.stem] == "yes")
    assert bool(re.search(r"itself \(.*\), against the real proxy", ran)) is is_run


@EVERY
def test_a_page_names_settings_of_ours_that_there_are(page: Path) -> None:
    known = set(SETTINGS) | {row.env for row in PROXY_SETTINGS} | {"SWITCHYARD_KEY"}

    assert set(re.findall(r"SWITCHYARD_[A-Z_]+", text(page))) <= known


@EVERY
def test_a_page_names_models_of_the_starter_catalog_or_the_readers_own(page: Path) -> None:
    known = set(CATALOG.models) | {alias for model in CATALOG.models.values() for alias in model.aliases} | OWN
    named = re.findall(
        r"\b(?:qwen[\w.-]*\d[\w.-]*(?::\w+)?|gpt-oss-\w+|bge-[\w-]+|qwen3-embedding)", text(page)
    )

    for name in named:
        model, _, variant = name.rstrip(".").partition(":")
        assert model in known, name
        assert not variant or variant in CATALOG.models[model].variants, name


@EVERY
def test_what_a_page_shows_as_a_file_can_be_read_as_one(page: Path) -> None:
    for block in blocks(page, "json"):
        read = json.loads(block)
        if "models" in read:
            assert read_catalog(block).models
    for block in blocks(page, "toml"):
        assert tomllib.loads(block)
    for block in blocks(page, "yaml"):
        assert not re.search(r"^\s*\t", block, re.MULTILINE)
        assert all(re.match(r"\s*(?:- )?[\w.-]+:(?: \S.*)?$", line) for line in block.splitlines()), block
