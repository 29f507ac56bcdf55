"""The JSON Schema of `models.json` as people write it: for editors, and committed as `models.schema.json`.

It accepts whatever `read_catalog` accepts. The reverse does not hold: rules that span entries are not here.
"""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from switchyard_contracts.catalog.engine_args import ContainerArgs, ImageServerArgs, VllmArgs
from switchyard_contracts.catalog.fields import COMMENT_PATTERN, NAME_PATTERN
from switchyard_contracts.catalog.model import ARGS_OF, Defaults, Model, ModelType
from switchyard_contracts.catalog.serving_fields import Names
from switchyard_contracts.catalog.settings import GpuOverride, Settings

DRAFT = "https://json-schema.org/draft/2020-12/schema"
SECTIONS = {
    "settings": {"$ref": "#/$defs/Settings", "description": "Numbers that hold for all models together."},
    "defaults": {
        "$ref": "#/$defs/Defaults",
        "description": "What every model has that does not say otherwise.",
    },
    "gpus": {
        "type": "array",
        "items": {"$ref": "#/$defs/GpuOverride"},
        "description": "What to believe about single GPUs, in place of what their driver says.",
    },
}


def catalog_schema() -> dict[str, Any]:
    """The whole schema, made anew."""
    models = {
        "type": "object",
        "description": "The models, each under its name.",
        "minProperties": 1,
        "propertyNames": {"anyOf": [{"pattern": NAME_PATTERN}, {"pattern": COMMENT_PATTERN}]},
        "patternProperties": {COMMENT_PATTERN: True},
        "additionalProperties": {"$ref": "#/$defs/Model"},
    }
    definitions = _definitions()
    sections = SECTIONS | definitions.pop("Names")["properties"] | {"models": models}
    return {
        "$schema": DRAFT,
        "title": "Switchyard catalog",
        "description": "The models that Switchyard serves. docs/models-json.md explains every field.",
        "type": "object",
        "properties": {"$schema": {"type": "string", "description": "Where this schema lies."}} | sections,
        "patternProperties": {COMMENT_PATTERN: True},
        "additionalProperties": {"$ref": "#/$defs/Model"},
        "if": {"anyOf": [{"required": [section]} for section in sections]},
        "then": {
            "required": ["models"],
            "propertyNames": {"anyOf": [{"enum": ["$schema", *sections]}, {"pattern": COMMENT_PATTERN}]},
        },
        "$defs": definitions,
    }


def _definitions() -> dict[str, Any]:
    kinds: tuple[type[BaseModel], ...] = (Model, Defaults, Settings, GpuOverride, Names)
    _, generated = models_json_schema([(kind, "validation") for kind in kinds])
    definitions: dict[str, Any] = generated["$defs"]
    for definition in definitions.values():
        _tidy(definition)
    model = definitions["Model"]
    del model["properties"]["name"]
    model["required"] = []
    model["anyOf"] = [
        {"required": ["container", "port"]},
        {"required": ["type", "repo"]},
        {"required": ["type", "path"]},
        {"required": ["type", "image", "port"]},
    ]
    model["allOf"] = _args_follow_the_engine()
    return definitions


def _tidy(definition: dict[str, Any]) -> None:
    """Notes are allowed in every object; titles made from field names only repeat them."""
    for field in definition.get("properties", {}).values():
        field.pop("title", None)
    if definition.get("additionalProperties") is False:
        definition["patternProperties"] = {COMMENT_PATTERN: True}


def _args_follow_the_engine() -> list[dict[str, Any]]:
    """Offer the flags of the engine that an entry has, said or not."""
    named = [
        _when({"properties": {"engine": {"const": engine.value}}, "required": ["engine"]}, kind)
        for engine, kind in ARGS_OF.items()
    ]
    unsaid = {"not": {"required": ["engine"]}}
    existing = {"required": ["container"]}
    of_text = {"properties": {"type": {"const": ModelType.TEXT.value}}}
    return [
        *named,
        _when({**unsaid, **existing}, ContainerArgs),
        _when({"allOf": [unsaid, {"not": existing}, of_text]}, VllmArgs),
        _when({"allOf": [unsaid, {"not": existing}, {"not": of_text}]}, ImageServerArgs),
    ]


def _when(condition: dict[str, Any], kind: type[BaseModel]) -> dict[str, Any]:
    return {"if": condition, "then": {"properties": {"engine_args": {"$ref": f"#/$defs/{kind.__name__}"}}}}
