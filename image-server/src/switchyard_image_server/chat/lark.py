"""Write down, as a grammar, what an answer must look like: text in llguidance's kind of Lark. Pure.

White space in JSON is free but bounded: a model without an idea would fill the whole answer with it.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from switchyard_image_server.chat.forms import Calls, Form, Schema
from switchyard_image_server.chat.habits import CallForm
from switchyard_image_server.chat.tools import Tool
from switchyard_image_server.chat.typed import kinds_of
from switchyard_image_server.errors import InvalidValue

MAX_CALLS = 16
MAX_COUNTED_LENGTH = 1000
_WHITE_SPACE = r"[ \t\n\r]{0,20}"
_TEXT_END = "\n</parameter>\n"


@dataclass(frozen=True, slots=True)
class Marks:
    """How the grammar writes `<tool_call>` and `</tool_call>`: as tokens where they are some, else as text."""

    begin: str
    end: str


def literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def schemas_in(form: Form) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every JSON schema that the grammar of this form holds, ready to be compiled, and the field it came in."""
    if form.answer is not None:
        yield form.answer.param, _guided(form.answer.schema, lenient=form.answer.lenient)
    for tool in () if form.calls is None else form.calls.tools:
        yield tool.param, _guided(_arguments(tool), lenient=not tool.strict)


def lark_of(form: Form, marks: Marks) -> str:
    ways = [name for name, way in (("answer", form.answer), ("calls", form.calls)) if way is not None]
    lines = [f"start: {' | '.join(ways)}"]
    if form.answer is not None:
        lines.append(_json_rule("answer", form.answer))
    if form.calls is not None:
        lines += _calls(form.calls, marks)
    return "\n".join(lines)


def _calls(calls: Calls, marks: Marks) -> list[str]:
    rules = _json_tools if calls.form is CallForm.JSON else _xml_tools
    more = f' ("\\n" call){{0,{MAX_CALLS - 1}}}' if calls.several else ""
    names = " | ".join(f"tool{i}" for i in range(len(calls.tools)))
    return [
        f"calls: call{more}",
        f'call: {marks.begin} "\\n" ({names}) "\\n" {marks.end}',
        *(line for i, tool in enumerate(calls.tools) for line in rules(i, tool)),
    ]


def _json_tools(i: int, tool: Tool) -> Iterator[str]:
    before = f'{{"name": {literal(tool.name)}, "arguments": '
    yield f'tool{i}: {literal(before)} arguments{i} "}}"'
    yield _json_rule(f"arguments{i}", Schema(tool.param, _arguments(tool), lenient=not tool.strict))


def _xml_tools(i: int, tool: Tool) -> Iterator[str]:
    schema = _arguments(tool)
    properties = schema.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    required = schema.get("required")
    needed = set(required) if isinstance(required, list) else set()
    names = [f"parameter{i}_{k}{'' if name in needed else '?'}" for k, name in enumerate(properties)]
    if not properties:
        names = [f"any{i}{{0,{MAX_CALLS}}}"]
        yield f'any{i}: "<parameter=" /[A-Za-z0-9_.-]{{1,64}}/ ">\\n" text{i}'
    yield f'tool{i}: {literal(f"<function={tool.name}>" + chr(10))} {" ".join(names)} "</function>"'
    yield f"text{i}[suffix={literal(_TEXT_END)}]: /(?s:.*)/"
    for k, (name, asked) in enumerate(properties.items()):
        if any(mark in name for mark in "<>\n"):
            raise InvalidValue(
                f"cannot have {tool.name!r} called with an argument {name!r}; leave <, > and new lines out",
                param=tool.param,
            )
        yield from _parameter(f"parameter{i}_{k}", name, asked, schema, f"text{i}")


def _parameter(rule: str, name: str, asked: Any, schema: Mapping[str, Any], text: str) -> Iterator[str]:
    begin = literal(f"<parameter={name}>\n")
    allowed = asked.get("enum") if isinstance(asked, Mapping) else None
    kinds = set(kinds_of(asked, schema))
    if isinstance(allowed, list) and allowed and all(isinstance(one, str) for one in allowed):
        yield f"{rule}: {begin} ({' | '.join(literal(one) for one in allowed)}) {literal(_TEXT_END)}"
    elif kinds and "string" not in kinds:
        yield f"{rule}: {begin} {rule}_value {literal(_TEXT_END)}"
        definitions = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
        yield _json_rule(f"{rule}_value", Schema("", definitions | dict(asked), lenient=True))
    elif (longest := _longest(asked)) is not None:
        yield f"{rule}: {begin} /(?s:.{{0,{longest}}})/ {literal(_TEXT_END)}"
    else:
        yield f"{rule}: {begin} {text}"


def _longest(asked: Any) -> int | None:
    """How long a text may be, where the schema says it and it is not too much for a grammar."""
    told = asked.get("maxLength") if isinstance(asked, Mapping) else None
    return told if isinstance(told, int) and 0 <= told <= MAX_COUNTED_LENGTH else None


def _arguments(tool: Tool) -> dict[str, Any]:
    """Arguments are an object, whether the schema says so or not."""
    return tool.parameters | {"type": "object"}


def _json_rule(name: str, schema: Schema) -> str:
    return f"{name}: %json {json.dumps(_guided(schema.schema, lenient=schema.lenient))}"


def _guided(schema: Mapping[str, Any], *, lenient: bool) -> dict[str, Any]:
    """`x-guidance` are llguidance's own options; a client's are overruled. `oneOf` is kept as `anyOf` is."""
    options = {"whitespace_pattern": _WHITE_SPACE, "coerce_one_of": True, "lenient": lenient}
    return dict(schema) | {"x-guidance": options}
