from typing import Any

import pytest

from switchyard_image_server.chat.costly import too_costly


def times(*values: float) -> list[dict[str, Any]]:
    return [{"type": "number", "multipleOf": value} for value in values]


def like(count: int) -> list[dict[str, Any]]:
    return [{"type": "string", "pattern": f"a{{{i}}}"} for i in range(count)]


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"multipleOf": 100_000_000},
        {"multipleOf": 0.01},
        {"anyOf": times(0.25, 7, 7, 7, 7, 7, 7, 7, 7)},
        {"properties": {"multipleOf": {"type": "integer"}, "pattern": {"type": "string"}}},
        {"anyOf": like(50)},
        {"allOf": like(4)},
        {"multipleOf": "nonsense"},
    ],
)
def test_an_ordinary_schema_is_tried(schema: dict[str, Any]) -> None:
    assert too_costly(schema) is None


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"multipleOf": 1_234_567}, "multipleOf"),
        ({"multipleOf": 0.001_234_567}, "multipleOf"),
        ({"allOf": times(97, 89, 83)}, "multipleOf"),
        ({"properties": {"x": {"items": {"anyOf": times(9001, 9002)}}}}, "multipleOf"),
        ({"allOf": like(5)}, "allOf and 5 patterns"),
        ({"$defs": {"x": {"allOf": []}}, "anyOf": like(5)}, "allOf and 5 patterns"),
    ],
)
def test_a_schema_that_would_take_for_ever_is_not(schema: dict[str, Any], why: str) -> None:
    assert why in (too_costly(schema) or "")


def test_a_deep_schema_is_looked_through() -> None:
    schema: dict[str, Any] = {"multipleOf": 1_234_567}
    for _ in range(50_000):
        schema = {"items": schema}

    assert too_costly(schema) is not None
