"""Bodies as nobody in their right mind would send them, made from those that are usual. Nothing is sent."""

import json
from collections.abc import Iterator
from typing import Any

from tests.image_server.conftest import data_url, png

CHAT, COUNT = "/v1/chat/completions", "/v1/tokenize"
DRAW, EDIT = "/v1/images/generations", "/v1/images/edits"
DEEP = 10_000
SAYS = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}
DRAWS = {"prompt": "x", "size": "64x64", "steps": 2}
USUAL = {CHAT: SAYS, COUNT: SAYS, DRAW: DRAWS, EDIT: DRAWS | {"images": [data_url(png())]}}


def with_field(path: str, field: str) -> bytes:
    """A body in which one more field is spelled out."""
    return json.dumps(USUAL[path]).encode()[:-1] + b"," + field.encode() + b"}"


def odd_bodies(path: str) -> Iterator[tuple[str, bytes]]:
    usual = json.dumps(USUAL[path]).encode()
    yield "nothing", b""
    yield "null", b"null"
    yield "a list", b"[]"
    yield "a list of lists", b"[" * DEEP + b"]" * DEEP
    yield "an object of objects", b'{"a":' * DEEP + b"1" + b"}" * DEEP
    for field in ("nobody_knows_it", "chat_template_kwargs", "tools", "response_format", "lora", "seed"):
        yield f"depths in {field}", with_field(path, f'"{field}":{"[" * DEEP}{"]" * DEEP}')
        yield f"some depth in {field}", with_field(path, f'"{field}":{{"a":{"[" * 150}{"]" * 150}}}')
    for number in (
        "1e400",
        "-1e400",
        "NaN",
        "-Infinity",
        "9" * 400,
        "9" * 5000,
        "5e-324",
        "-0.0",
        "1e-9",
        "01",
    ):
        for field in NUMBERS:
            yield f"{field} of {number[:12]}", with_field(path, f'"{field}":{number}')
    yield "a field twice", with_field(path, '"n":1,"n":2,"model":"image","model":"vision"')
    yield "a model of a megabyte", with_field(path, f'"model":"{"x" * 2**20}"')
    yield "a user of a megabyte", with_field(path, f'"user":"{"x" * 2**20}"')
    yield "a key of a megabyte", with_field(path, f'"logit_bias":{{"{"x" * 2**20}":1}}')
    yield "100 000 fields", with_field(path, ",".join(f'"{number}":0' for number in range(100_000)))
    yield "a mark before it", b"\xef\xbb\xbf" + usual
    yield "two octets each", json.dumps(USUAL[path]).encode("utf-16")
    yield "no UTF-8", with_field(path, '"user":"?"').replace(b"?", b"\xff")
    yield "half of it", usual[: len(usual) // 2]
    yield "it twice", usual * 2


NUMBERS = (
    *("temperature", "top_p", "top_k", "min_p", "repetition_penalty", "presence_penalty", "seed", "n"),
    *("max_tokens", "guidance_scale", "true_cfg_scale", "strength", "steps", "resolution", "sigmas"),
)


def fields_of_text(schema: Any, way: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The way to each place in a body that takes any text."""
    for one in schema.get("anyOf", schema.get("oneOf", [])):
        yield from fields_of_text(one, way)
    if schema.get("type") == "string" and way:
        yield way
    if "items" in schema:
        yield from fields_of_text(schema["items"], (*way, 0))
    for name, inner in schema.get("properties", {}).items():
        yield from fields_of_text(inner, (*way, name))


def put(body: Any, way: tuple[str | int, ...], text: str) -> Any:
    """The body, changed in one place. What is missing on the way is made, and what must stand beside it."""
    if not way:
        return text
    step, rest = way[0], way[1:]
    if isinstance(step, int):
        first = body[0] if isinstance(body, list) and body else None
        return [put(first, rest, text)]
    known = body if isinstance(body, dict) else {}
    return known | BESIDE.get(step, {}) | {step: put(known.get(step), rest, text)}


# Where the page says no more than that there may be anything.
FREE: tuple[tuple[str | int, ...], ...] = (
    *(("tools", 0, "function", name) for name in ("name", "description")),
    ("tools", 0, "function", "parameters", "properties", "x", "description"),
    ("tool_choice", "function", "name"),
    ("messages", 0, "tool_calls", 0, "function", "name"),
    ("messages", 0, "tool_calls", 0, "function", "arguments"),
    ("chat_template_kwargs", "enable_thinking"),
    *(
        ("response_format", "json_schema", "schema", name)
        for name in ("pattern", "format", "$ref", "const", "type")
    ),
)

# So that a field is looked at.
BESIDE: dict[str | int, dict[str, Any]] = {
    "text": {"type": "text"},
    "label": {"type": "image_url", "image_url": data_url(png())},
    "function": {"type": "function", "id": "x"},
    "name": {"arguments": "{}"},
    "arguments": {"name": "f"},
    "parameters": {"name": "f"},
    "properties": {"type": "object"},
    "tool_calls": {"role": "assistant"},
    "json_schema": {"type": "json_schema"},
    "tool_choice": {"tools": [{"type": "function", "function": {"name": "f"}}]},
    **{
        name: {"type": "video_url" if "video" in name else "image_url"}
        for name in ("image_url", "input_image", "data", "b64_json", "video_url", "input_video", "video")
    },
}
ODD_TEXTS = {
    "NUL": "\0",
    "a path with NUL": "/a\0b.safetensors",
    "half a character": "\ud800",
    "no character": "\uffff",
    "control characters": "\x1b[2J\r\n\x7f\u202e",
    "a file": "file:///etc/hostname",
    "a file with NUL": "file:///etc\0hostname",
    "an address": "http://[::1",
    "an empty data address": "data:,",
    "a data address": "data:image/png;base64,\0",
    "50 000 letters": "x" * 50_000,
}
