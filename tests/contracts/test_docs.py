"""What is generated is up to date, and nothing an operator may write is left unexplained."""

import json
import re
import shutil
from pathlib import Path

import pytest
from docs import generate
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from switchyard_contracts.catalog import (
    CatalogRefused,
    GpuOverride,
    ImageServerArgs,
    Model,
    Mount,
    Names,
    RequestChanges,
    Settings,
    Variant,
    VirtualModel,
    VisionOverride,
    VllmArgs,
    catalog_schema,
    read_catalog,
)

PAGE = generate.ROOT / "docs/models-json.md"


def test_nothing_that_is_generated_has_drifted() -> None:
    assert generate.drifted(generate.ROOT) == []


def test_a_part_that_was_changed_by_hand_is_named(tmp_path: Path) -> None:
    for file in {part.file for part in generate.PARTS}:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(generate.ROOT / file, tmp_path / file)
    page = tmp_path / "docs/models-json.md"
    page.write_text(page.read_text("utf-8").replace("`ageing_s`", "`aging_s`"), "utf-8")
    (tmp_path / "models.schema.json").unlink()

    assert generate.drifted(tmp_path) == ["models.schema.json", "docs/models-json.md#settings"]

    generate.write(tmp_path)
    assert generate.drifted(tmp_path) == []


def test_a_page_that_lost_a_marker_is_an_error() -> None:
    part = generate.Part("page.md", "numbers", lambda: "1")

    with pytest.raises(SystemExit, match=r"^cannot find <!-- generated:numbers --> \.\.\. <!-- end --> once"):
        generate.renewed(part, "# A page\n")


KINDS = [Model, Mount, Settings, GpuOverride, VllmArgs, ImageServerArgs]
KINDS += [Names, RequestChanges, Variant, VirtualModel, VisionOverride]


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_in_the_page_on_models_json(kind: type[BaseModel]) -> None:
    rows = set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text("utf-8"), re.MULTILINE))

    assert set(kind.model_fields) - {"name"} <= rows


@pytest.mark.parametrize("example", re.findall(r"```json\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL))
def test_every_example_in_the_page_works_as_it_stands(example: str) -> None:
    Draft202012Validator(catalog_schema()).validate(json.loads(example))

    assert read_catalog(example).models


def test_the_fault_that_the_page_begins_with_is_the_one_that_is_told() -> None:
    shown = re.findall(r"^models\.qwen3\.vram_mb: .*$", PAGE.read_text("utf-8"), re.MULTILINE)

    with pytest.raises(CatalogRefused) as refused:
        read_catalog('{"models": {"qwen3": {"type": "text", "repo": "Qwen/Qwen3-8B", "vram_mb": 1}}}')

    assert shown == [str(fault) for fault in refused.value.faults]
