"""The JSON Schema: what an editor accepts, completes and explains."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from switchyard_contracts.catalog import catalog_schema, read_catalog
from tests.contracts.catalog.samples import args, container, image, model

ROOT = Path(__file__).resolve().parents[3]
DEMOS = ["demo-chat", "demo-vision", "demo-image"]
SCHEMA = Draft202012Validator(catalog_schema())


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(catalog_schema())


def test_the_starter_catalog_is_valid_and_satisfies_the_schema_it_names() -> None:
    text = (ROOT / "models.json").read_text(encoding="utf-8")
    named = ROOT / json.loads(text)["$schema"]

    catalog = read_catalog(text)

    assert list(catalog.models)[:3] == DEMOS
    Draft202012Validator(json.loads(named.read_text(encoding="utf-8"))).validate(json.loads(text))


def test_the_demo_models_say_that_they_are_a_demo_and_need_no_gpu() -> None:
    catalog = read_catalog((ROOT / "models.json").read_text(encoding="utf-8"))

    for found in catalog.models.values():
        is_demo = found.name in DEMOS
        assert (found.description or "").startswith("Demo:") is is_demo
        assert found.gpus == (0 if is_demo else 1)


@pytest.mark.parametrize(
    "file",
    [
        model(),
        container(),
        container()["models"],
        {"$schema": "./models.schema.json", **container()["models"]},
        image(engine_args={"steps": 4}),
        model(type="vision", engine="vllm", engine_args={"max_num_seqs": 4}),
        model(**{"//": "a note"}),
    ],
)
def test_both_forms_of_the_file_satisfy_the_schema(file: dict[str, Any]) -> None:
    SCHEMA.validate(file)


@pytest.mark.parametrize(
    "file",
    [
        model(vram_mb=1),
        model(type="audio"),
        model(type=...),
        model(repo=...),
        container(port=...),
        container(port="8001"),
        args(dtyp="auto"),
        args(steps=4),
        image(engine_args={"max_num_seqs": 4}),
        model(engine="image-server", engine_args={"max_num_seqs": 4}),
        model(gpus=["0"]),
        {"models": {"a b": model()["models"]["a"]}},
        {"settings": {}},
        {"models": {}},
        {"setings": {}, **model()},
        {"gpus": [{}], **model()},
        [],
    ],
)
def test_an_editor_marks_what_is_certainly_wrong(file: Any) -> None:
    assert not SCHEMA.is_valid(file)


def test_every_field_is_explained() -> None:
    for name, definition in catalog_schema()["$defs"].items():
        for field, schema in definition.get("properties", {}).items():
            assert schema.get("description"), f"{name}.{field}"
