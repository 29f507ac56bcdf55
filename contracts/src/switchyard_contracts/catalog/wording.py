"""Say what a field wants, in the operator's words, from the JSON Schema of its type.

One source for three readers: the sentence of a fault, the table in the documentation, the editor's completion.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from switchyard_contracts.catalog.faults import Place, any_of, quoted

Schema = Mapping[str, Any]
LONGEST_KEY_COMPARED = 64  # difflib's time grows with the square of the length
LISTED_KEYS = 8

# What other programs call the same thing.
OTHER_WORDS = {
    "backend": "engine",
    "gpu": "gpus",
    "keep_alive": "idle_unload_s",
    "max_model_len": "context_length",
    "model": "repo",
    "ttl": "idle_unload_s",
    "volumes": "mounts",
}


@cache
def schema_of(kind: type[BaseModel]) -> Schema:
    return kind.model_json_schema()


def variants(schema: Schema, root: Schema) -> Iterator[Schema]:
    """The simple schemas that a schema consists of: references followed, alternatives apart."""
    if reference := schema.get("$ref"):
        yield from variants(root["$defs"][reference.rpartition("/")[2]], root)
    elif "anyOf" in schema:
        for one in schema["anyOf"]:
            yield from variants(one, root)
    else:
        yield schema


def schemas_at(root: Schema, place: Place) -> list[Schema]:
    """What may stand at a place inside a value that `root` describes."""
    here = list(variants(root, root))
    for step in place:
        inner = [_inside(schema, step) for schema in here]
        here = [simple for schema in inner if schema is not None for simple in variants(schema, root)]
    return here


def _inside(schema: Schema, step: str | int) -> Schema | None:
    found: Schema | None
    if isinstance(step, int):
        found = schema.get("items")
    elif step in schema.get("properties", {}):
        found = schema["properties"][step]
    else:
        found = schema.get("additionalProperties") or None
    return found


def wanted(schemas: Iterable[Schema], root: Schema) -> str:
    """What to write, as the end of a sentence that begins with "write"."""
    simple = [one for schema in schemas for one in variants(schema, root)]
    phrases = list(dict.fromkeys(phrase for one in simple for phrase in _phrases(one, root)))
    phrases.sort(key=lambda phrase: phrase == "null")
    is_long = any("," in phrase for phrase in phrases)
    return ", or ".join(phrases) if is_long else any_of(phrases)


def _phrases(schema: Schema, root: Schema) -> list[str]:
    choices = schema.get("enum") or [schema[key] for key in ("const",) if key in schema]
    return [quoted(choice) if isinstance(choice, str) else str(choice) for choice in choices] or [
        _phrase(schema, root)
    ]


def _phrase(schema: Schema, root: Schema) -> str:
    match schema.get("type"):
        case "integer":
            return f"a whole number{_range(schema)}"
        case "number":
            return f"a number{_range(schema)}"
        case "boolean":
            return "true or false"
        case "null":
            return "null"
        case "string":
            ordinary = (
                "text in double quotes, not empty" if schema.get("minLength") else "text in double quotes"
            )
            return str(schema.get("patternErrorMessage", ordinary))
        case "array":
            items = schema.get("items", {})
            return f"a list [...] of which each item is {wanted([items], root)}"
        case _ if isinstance(inner := schema.get("additionalProperties"), Mapping):
            return f"an object {{...}} of which each value is {wanted([inner], root)}"
        case _:
            return "an object {...}"


def _range(schema: Schema) -> str:
    low, above, high = (schema.get(bound) for bound in ("minimum", "exclusiveMinimum", "maximum"))
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if above is not None and high is not None:
        return f" above {above} and at most {high}"
    return "" if low is None else f" of at least {low}"


def unknown_key(key: str, schemas: Iterable[Schema]) -> str:
    """The sentence for a key that nobody knows at its place."""
    known = sorted({name for schema in schemas for name in schema.get("properties", {})})
    if guess := nearest(key, known):
        advice = f"did you mean '{guess}'?"
    elif 0 < len(known) <= LISTED_KEYS:
        advice = f"remove it, or use {any_of(known)}"
    else:
        advice = "remove it, or look it up in docs/models-json.md"
    return f"{unknown(key)}; {advice}"


def unknown(key: str) -> str:
    """How such a sentence begins."""
    return f"cannot use the unknown key '{quoted(key)[1:-1]}'"


def nearest(key: str, known: Iterable[str]) -> str | None:
    """The known key that was probably meant."""
    known = list(known)
    word = key.lower().replace("-", "_")
    if OTHER_WORDS.get(word) in known:
        return OTHER_WORDS[word]
    if len(word) > LONGEST_KEY_COMPARED:
        return None
    return next(iter(difflib.get_close_matches(word, known, n=1)), None)
