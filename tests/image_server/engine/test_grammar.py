"""Answers keep to their form, even those of a model without any idea: dice, in these tests."""

import json
from typing import Any

import jsonschema_rs
import pytest
import torch

from switchyard_image_server.chat.grammar import Grammar, Grammars
from switchyard_image_server.chat.habits import END_THINK, THINK
from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.chat.tool_calls import Call, CallReader
from switchyard_image_server.errors import InvalidValue
from tests.image_server.engine.tiny_language import make_tokenizer

JSON_CALLS = "{% if tools %}<tool_call>{% endif %}"
XML_CALLS = "{% if tools %}<tool_call><function=f>{% endif %}"
THINKS = "{% if enable_thinking %}<think></think>{% endif %}"
POINT = {
    "type": "object",
    "properties": {
        "x": {"type": "integer"},
        "y": {"type": "number", "minimum": 0, "maximum": 99},
        "name": {"type": "string", "maxLength": 5},
    },
    "required": ["x", "y", "name"],
    "additionalProperties": False,
}
SCHEMAS: list[dict[str, Any]] = [
    POINT,
    {"type": "array", "items": {"enum": ["red", "green", 5, None]}, "minItems": 1, "maxItems": 4},
    {"anyOf": [{"type": "boolean"}, {"const": "neither"}]},
    {"type": "string", "pattern": "^[a-c]{2,4}$"},
    {"type": "integer", "multipleOf": 5},
    {
        "oneOf": [
            {"type": "boolean"},
            {
                "type": "object",
                "properties": {'"}é😀\n': {"type": "null"}},
                "required": ['"}é😀\n'],
                "additionalProperties": False,
            },
        ]
    },
    {
        "type": "object",
        "properties": {"points": {"type": "array", "items": {"$ref": "#/$defs/point"}, "maxItems": 2}},
        "required": ["points"],
        "additionalProperties": False,
        "$defs": {"point": POINT},
    },
]
LOOK = {
    "name": "look",
    "parameters": {
        "type": "object",
        "properties": {
            "city": {"type": "string", "maxLength": 10},
            "days": {"type": "integer"},
            "unit": {"enum": ["C", "F"]},
            "near": {"$ref": "#/$defs/point"},
        },
        "required": ["days", "unit"],
        "additionalProperties": False,
        "$defs": {"point": POINT},
    },
}
WAIT = {"name": "wait", "parameters": {"properties": {"seconds": {"type": "integer"}}}}


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return make_tokenizer()


@pytest.fixture(scope="module")
def size(tokenizer: Any) -> int:
    return len(tokenizer) + 20  # models round their vocabulary up


@pytest.fixture(scope="module")
def end(tokenizer: Any) -> int:
    return int(tokenizer.convert_tokens_to_ids("<|im_end|>"))


def asked(**more: Any) -> ChatRequest:
    return ChatRequest.model_validate({"messages": [{"role": "user", "content": "hi"}]} | more)


def by(schema: Any, **more: Any) -> ChatRequest:
    schema = {"name": "it", "schema": schema, **more}
    return asked(response_format={"type": "json_schema", "json_schema": schema})


def calling(*functions: dict[str, Any], **more: Any) -> ChatRequest:
    tools = [{"type": "function", "function": function} for function in functions]
    return asked(tools=tools, **({"tool_choice": "required"} | more))


def diced(grammar: Grammar | None, size: int, seed: int, end: int, limit: int = 1500) -> list[int]:
    """What a model would say that finds every token equally fitting."""
    assert grammar is not None
    dice = torch.Generator().manual_seed(seed)
    tokens: list[int] = []
    while len(tokens) < limit:
        scores = grammar.allow(torch.zeros(size))
        token = int(torch.multinomial(scores.softmax(-1), 1, generator=dice))
        if token != end:
            tokens.append(token)
        if grammar.take(token) or token == end:
            return tokens
    raise AssertionError(f"this never came to an end: …{make_tokenizer().decode(tokens[-80:])!r}")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_answer_fits_its_schema(
    tokenizer: Any, size: int, end: int, schema: dict[str, Any], seed: int
) -> None:
    grammars = Grammars(tokenizer, size, frozenset({end}), "")

    said = tokenizer.decode(diced(grammars.of(by(schema, strict=True), thinking=False), size, seed, end))

    assert jsonschema_rs.is_valid(schema, json.loads(said)), said


def test_an_answer_that_must_be_json_is_an_object(tokenizer: Any, size: int, end: int) -> None:
    grammars = Grammars(tokenizer, size, frozenset({end}), "")
    grammar = grammars.of(asked(response_format={"type": "json_object"}), thinking=False)
    assert grammar is not None

    allowed = grammar.allow(torch.zeros(size)).isfinite().nonzero().flatten().tolist()

    assert {tokenizer.decode([token]).lstrip()[:1] for token in allowed} <= {"{", ""}
    assert end not in allowed


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("template", [JSON_CALLS, XML_CALLS])
@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "look"}}])
def test_calls_that_must_be_made_are_made(
    tokenizer: Any, size: int, end: int, template: str, seed: int, choice: Any
) -> None:
    grammars = Grammars(tokenizer, size, frozenset({end}), template)
    grammar = grammars.of(calling(LOOK, WAIT, tool_choice=choice, parallel_tool_calls=False), thinking=False)

    said = tokenizer.decode(diced(grammar, size, seed, end))

    reader = CallReader({"look": LOOK["parameters"]})  # type: ignore[dict-item]
    (call,) = [*reader.add(said), *reader.rest()]
    assert isinstance(call, Call), said
    assert call.name in ({"look", "wait"} if choice == "required" else {"look"})
    if call.name == "look":
        arguments = json.loads(call.arguments)
        arguments["city"] = arguments.get("city", "")[:10]  # the XML form leaves the text of strings free
        assert jsonschema_rs.is_valid(LOOK["parameters"], arguments), said


def test_an_answer_may_be_a_call_in_place_of_json(tokenizer: Any, size: int, end: int) -> None:
    grammars = Grammars(tokenizer, size, frozenset({end}), JSON_CALLS)
    grammar = grammars.of(
        calling(WAIT, tool_choice="auto", response_format={"type": "json_object"}), thinking=False
    )
    assert grammar is not None

    allowed = grammar.allow(torch.zeros(size)).isfinite()

    assert allowed[tokenizer.convert_tokens_to_ids("<tool_call>")]
    assert allowed[tokenizer.convert_tokens_to_ids("{")]


def test_a_free_answer_has_no_grammar(tokenizer: Any, size: int, end: int) -> None:
    grammars = Grammars(tokenizer, size, frozenset({end}), JSON_CALLS)

    assert grammars.of(asked(), thinking=False) is None
    assert grammars.of(calling(WAIT, tool_choice="auto"), thinking=False) is None


def test_thoughts_are_free_until_they_end(tokenizer: Any, size: int, end: int) -> None:
    grammar = Grammars(tokenizer, size, frozenset({end}), THINKS).of(by(POINT), thinking=True)
    assert grammar is not None

    thinking = grammar.allow(torch.zeros(size)).isfinite()
    took = [grammar.take(token) for token in tokenizer.encode("so<tool_call>" + END_THINK)]
    answering = grammar.allow(torch.zeros(size)).isfinite()

    assert thinking.sum() == size - 1
    assert not thinking[end]
    assert not any(took)
    assert answering[tokenizer.convert_tokens_to_ids("{")]
    assert answering.sum() < 50


def test_thoughts_end_where_their_mark_is_spread_over_tokens(tokenizer: Any, size: int, end: int) -> None:
    grammar = Grammars(tokenizer, size, frozenset({end}), THINKS).of(by(POINT), thinking=True)
    assert grammar is not None

    for letter in END_THINK:
        assert grammar.allow(torch.zeros(size)).isfinite().sum() == size - 1
        grammar.take(tokenizer.convert_tokens_to_ids(letter))

    assert grammar.allow(torch.zeros(size)).isfinite().sum() < 50


def test_a_model_that_thinks_may_begin_with_thoughts_or_the_answer(tokenizer: Any, size: int, end: int) -> None:
    think = tokenizer.convert_tokens_to_ids(THINK)
    grammars = Grammars(tokenizer, size, frozenset({end}), THINKS)
    thoughtful, hushed = (
        grammars.of(
            by(POINT).model_copy(update={"chat_template_kwargs": {"enable_thinking": thinks}}), thinking=False
        )
        for thinks in (True, False)
    )
    assert thoughtful is not None
    assert hushed is not None

    before = thoughtful.allow(torch.zeros(size)).isfinite()
    thoughtful.take(think)

    assert before[think]
    assert before[tokenizer.convert_tokens_to_ids("{")]
    assert thoughtful.allow(torch.zeros(size)).isfinite().sum() == size - 1
    assert not hushed.allow(torch.zeros(size)).isfinite()[think]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"type": "string", "pattern": "(?=x)y"},
        {"type": "string", "pattern": "("},
        {"not": {"type": "string"}},
        {"$ref": "#/$defs/nowhere"},
        {"$ref": "http://localhost:1/schema.json"},
        {"type": "integer", "minimum": 5, "maximum": 1},
        {"type": "object", "properties": 5},
        {"type": "integer", "multipleOf": 1_234_567},
        {"const": "\ud800"},
    ],
)
def test_a_schema_that_cannot_be_kept_is_refused_by_name(
    tokenizer: Any, size: int, end: int, schema: dict[str, Any]
) -> None:
    grammars = Grammars(tokenizer, size, frozenset({end}), "")

    with pytest.raises(InvalidValue, match="cannot keep the answer to this schema: ") as refusal:
        grammars.of(by(schema), thinking=False)

    assert refusal.value.param == "response_format.json_schema"


def test_a_schema_that_need_not_be_kept_strictly_is_kept_as_far_as_can_be(
    tokenizer: Any, size: int, end: int
) -> None:
    grammars = Grammars(tokenizer, size, frozenset({end}), "")
    schema = {"type": "array", "uniqueItems": True, "items": {"type": "boolean"}, "maxItems": 2}

    said = tokenizer.decode(diced(grammars.of(by(schema, strict=False), thinking=False), size, 0, end))

    assert set(map(type, json.loads(said))) <= {bool}


def test_names_the_tool_whose_schema_cannot_be_kept(tokenizer: Any, size: int, end: int) -> None:
    grammars = Grammars(tokenizer, size, frozenset({end}), JSON_CALLS)
    broken = {"name": "broken", "parameters": {"properties": {"x": {"type": "nonsense"}}}}

    with pytest.raises(InvalidValue) as refusal:
        grammars.of(calling(WAIT, broken), thinking=False)

    assert refusal.value.param == "tools[1].function.parameters"


def test_white_space_does_not_go_on_for_ever(tokenizer: Any, size: int, end: int) -> None:
    grammar = Grammars(tokenizer, size, frozenset({end}), "").of(by(POINT), thinking=False)
    assert grammar is not None
    grammar.take(tokenizer.convert_tokens_to_ids("{"))
    space = tokenizer.convert_tokens_to_ids("Ġ")

    spaces = 0
    while grammar.allow(torch.zeros(size)).isfinite()[space]:
        grammar.take(space)
        spaces += 1

    assert spaces == 20
