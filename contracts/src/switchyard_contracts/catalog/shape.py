"""Read plain values into one of the catalog's types, and say what does not fit in the operator's words.

What is wrong is reported and left out, so that the rest can still be read and checked: one wrong key must not
hide the faults beside it. Pydantic's own words never leave this module.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from switchyard_contracts.catalog.faults import Found, Place, shown
from switchyard_contracts.catalog.wording import Schema, schema_of, schemas_at, unknown_key, wanted

T = TypeVar("T", bound=BaseModel)
# A field whose default follows from others was not worked out because one of those is wrong.
FOLLOWS_FROM_ANOTHER = "default_factory_not_called"


def read_shape(kind: type[T], raw: dict[str, Any], place: Place) -> tuple[T | None, list[Found]]:
    """The value, without what is wrong in it (`None` if too little is left), and what is wrong."""
    found: dict[Place, str] = {}
    rest = raw
    while True:
        try:
            return kind.model_validate(rest), [((*place, *inner), message) for inner, message in found.items()]
        except ValidationError as error:
            wrong = _messages(error, rest, schema_of(kind))
        found.update(wrong)
        less = rest
        for inner in wrong:
            less = _without(less, inner)
        if less == rest:
            return None, [((*place, *inner), message) for inner, message in found.items()]
        rest = less


def read_object(raw: object, place: Place, found: list[Found]) -> dict[str, Any]:
    """The object at a place; anything else is a fault, and reads as an empty one."""
    if isinstance(raw, dict):
        return raw
    found.append((place, f"cannot use {shown(raw)}; write an object {{...}}"))
    return {}


def _messages(error: ValidationError, raw: dict[str, Any], root: Schema) -> dict[Place, str]:
    """One sentence per place. Of nested places only the innermost: it is the one to mend."""
    messages: dict[Place, str] = {}
    for detail in error.errors(include_url=False, include_context=False):
        if detail["type"] == FOLLOWS_FROM_ANOTHER:
            continue
        inner = _place_in(raw, detail["loc"], missing=detail["type"] == "missing")
        messages.setdefault(inner, _sentence(detail["type"], detail["input"], inner, root))
    return {
        inner: message
        for inner, message in messages.items()
        if not any(other != inner and other[: len(inner)] == inner for other in messages)
    }


def _place_in(raw: Any, loc: Iterable[str | int], *, missing: bool) -> Place:
    """Pydantic's location without the labels of union branches, which the file does not have."""
    place: list[str | int] = []
    steps = list(loc)
    for position, step in enumerate(steps):
        is_key = isinstance(raw, dict) and step in raw
        is_index = isinstance(raw, list) and isinstance(step, int)
        if is_key or is_index:
            place.append(step)
            raw = raw[step]
        elif missing and position == len(steps) - 1:
            place.append(step)
    return tuple(place)


def _sentence(kind: str, given: object, place: Place, root: Schema) -> str:
    if kind == "extra_forbidden":
        return unknown_key(str(place[-1]), schemas_at(root, place[:-1]))
    what = wanted(schemas_at(root, place), root)
    if kind == "missing":
        return f"cannot leave out '{place[-1]}'; write {what}"
    return f"cannot use {shown(given)}; write {what}"


def _without(raw: dict[str, Any], place: Place) -> dict[str, Any]:
    """A copy without what is at a place; of a list that has a wrong item, nothing can be kept."""
    if not place or place[0] not in raw:
        return raw
    key, *deeper = place
    inner = raw[str(key)]
    if deeper and isinstance(inner, dict):
        return {**raw, str(key): _without(inner, tuple(deeper))}
    return {name: value for name, value in raw.items() if name != key}
