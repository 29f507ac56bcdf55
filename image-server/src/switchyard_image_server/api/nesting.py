"""What a client meant by the fields of a form that are lists or objects. Pure.

All fields of a form are text, so clients spell it out, each in its way: `seed[]`, `seed[0]`, `lora[name]`,
`lora[][name]`, `lora[0][name]`, a name several times, or JSON text.
"""

import re
from typing import Any

from pydantic_core import from_json

from switchyard_image_server.errors import InvalidValue

Entry = tuple[tuple[str, ...], str]  # the keys after the name, and the text
PLACE = re.compile(r"\d{1,4}", re.ASCII)


def nested(name: str, entries: list[Entry]) -> Any:
    depths = {len(keys) for keys, _ in entries}
    if depths == {0}:
        values = [_read(text) for _, text in entries]
        return values[0] if len(values) == 1 else values
    firsts = [keys[0] if keys else "" for keys, _ in entries]
    listed = all(first == "" or PLACE.fullmatch(first) for first in firsts)
    if depths == {1} and listed:
        ordered = sorted(zip(firsts, entries, strict=True), key=lambda pair: int(pair[0] or 0))
        return [text for _, (_, text) in ordered]
    if depths == {1}:
        return dict(zip(firsts, (text for _, text in entries), strict=True))
    if depths == {2} and listed:
        return _objects(name, entries)
    raise InvalidValue("cannot tell what these fields mean together; send JSON text", param=name)


def _read(text: str) -> Any:
    """Empty is as good as not sent, as browsers have it. Lists and objects come as JSON."""
    if text[:1] in {"[", "{"}:
        try:
            return from_json(text)
        except ValueError:
            return text
    return text or None


def _objects(name: str, entries: list[Entry]) -> list[dict[str, str]]:
    """Without numbers, all values of one field come before those of the next, as openai-python sends them."""
    columns: dict[str, list[tuple[str, str]]] = {}
    for keys, text in entries:
        columns.setdefault(keys[1], []).append((keys[0], text))
    rows: dict[str, dict[str, str]] = {}
    for key, cells in columns.items():
        for number, (place, text) in enumerate(cells):
            rows.setdefault(place or f"number {number}", {})[key] = text
    unnumbered = any(keys[0] == "" for keys, _ in entries)
    if unnumbered and len({len(row) for row in rows.values()}) > 1:
        raise InvalidValue("cannot tell which of these fields belong together; send JSON text", param=name)
    return list(rows.values())
