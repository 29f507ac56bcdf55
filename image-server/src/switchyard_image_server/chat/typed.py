"""Give an argument that came as plain text the type that the tool's schema asks for. Pure.

The narrowest type that fits wins: with `number` and `string` both allowed, 5 is a number and "5 km" a string.
What fits no type stays the text that it is: the tool's own check says it better.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

_MOST = 200  # references and alternatives that are followed; schemas may refer to themselves
_BRANCHES = ("anyOf", "oneOf", "allOf")


def typed(text: str, name: str, schema: Mapping[str, Any]) -> Any:
    """The value of the parameter `name`, by the schema of all parameters."""
    properties = schema.get("properties")
    asked = properties.get(name) if isinstance(properties, Mapping) else None
    kinds = frozenset(kinds_of(asked, schema))
    value = _plain(text.strip())
    return value if _kind(value) & kinds else text


def _plain(text: str) -> Any:
    """As JSON, or as Python writes the same."""
    literal = {"true": True, "false": False, "null": None, "none": None}
    if text.lower() in literal:
        return literal[text.lower()]
    try:
        value = json.loads(text)
        json.dumps(value, allow_nan=False)  # what cannot be written again, as 1e999, stays text
    except (ValueError, RecursionError):
        return text
    return value


def _kind(value: Any) -> set[str]:
    match value:
        case bool():
            return {"boolean"}
        case int():
            return {"integer", "number"}
        case float():
            return {"number"}
        case None:
            return {"null"}
        case dict():
            return {"object"}
        case list():
            return {"array"}
        case _:
            return set()  # text is what it is already


def kinds_of(asked: Any, root: Mapping[str, Any]) -> Iterator[str]:
    """The types that a schema allows, as far as it says so."""
    ahead = [asked]
    for _ in range(_MOST):
        if not ahead:
            return
        schema = ahead.pop()
        if not isinstance(schema, Mapping):
            continue
        told = schema.get("type")
        yield from (kind for kind in (told if isinstance(told, list) else [told]) if isinstance(kind, str))
        if told is None:
            for value in [*_listed(schema.get("enum")), schema.get("const", "")]:
                yield from _kind(value)
        ahead += [one for branch in _BRANCHES for one in _listed(schema.get(branch))]
        ahead.append(_referred(schema.get("$ref"), root))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _referred(reference: Any, root: Mapping[str, Any]) -> Any:
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return None
    place: Any = root
    for step in reference.removeprefix("#/").split("/"):
        place = place.get(step) if isinstance(place, Mapping) else None
    return place
