from typing import Any

import pytest

from switchyard_image_server.chat.typed import typed

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "text": {"type": "string"},
        "count": {"type": "integer"},
        "share": {"type": "number"},
        "really": {"type": "boolean"},
        "place": {"type": "object"},
        "list": {"type": "array"},
        "perhaps": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "either": {"type": ["string", "number"]},
        "level": {"enum": [1, 2]},
        "fixed": {"const": True},
        "named": {"$ref": "#/$defs/point"},
        "anything": {},
        "round": {"$ref": "#/$defs/round"},
        "wide": {"anyOf": [{"$ref": "#/properties/wide"}] * 50},
    },
    "$defs": {"point": {"type": "array"}, "round": {"$ref": "#/$defs/round"}},
}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("text", "5", "5"),
        ("text", "true", "true"),
        ("count", " 5 ", 5),
        ("count", "5.5", "5.5"),
        ("count", "five", "five"),
        ("share", "5", 5),
        ("share", "0.5", 0.5),
        ("share", "NaN", "NaN"),
        ("share", "1e999", "1e999"),
        ("list", "[1e999]", "[1e999]"),
        ("really", "True", True),
        ("really", "false", False),
        ("really", "1", "1"),
        ("place", '{"x": [1]}', {"x": [1]}),
        ("place", "{'x': 1}", "{'x': 1}"),
        ("list", "[1, 2]", [1, 2]),
        ("perhaps", "null", None),
        ("perhaps", "None", None),
        ("perhaps", "7", 7),
        ("either", "5", 5),
        ("either", "5 km", "5 km"),
        ("level", "2", 2),
        ("fixed", "true", True),
        ("named", "[1]", [1]),
        ("anything", "5", "5"),
        ("round", "5", "5"),
        ("wide", "5", "5"),
        ("unknown", "5", "5"),
        ("list", "[" * 100_000, "[" * 100_000),
    ],
)
def test_gives_an_argument_its_type(name: str, text: str, value: Any) -> None:
    told = typed(text, name, SCHEMA)

    assert told == value
    assert type(told) is type(value)


@pytest.mark.parametrize(
    "schema", [{}, {"properties": 5}, {"properties": {"x": 5}}, {"properties": {"x": {"type": 5}}}]
)
def test_a_schema_that_says_nothing_leaves_text(schema: dict[str, Any]) -> None:
    assert typed("5", "x", schema) == "5"
