import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchyard_image_server.chat.tool_calls import Call, CallReader, read_call

SCHEMAS: dict[str, Any] = {
    "look": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
}
JSON_CALL = '<tool_call>\n{"name": "look", "arguments": {"city": "Paris", "days": 2}}\n</tool_call>'
XML_CALL = (
    "<tool_call>\n<function=look>\n<parameter=city>\nParis\n</parameter>\n<parameter=days>\n2\n</parameter>\n"
    "</function>\n</tool_call>"
)
LOOK = Call("look", '{"city": "Paris", "days": 2}')
PARTS = [
    JSON_CALL,
    XML_CALL,
    "<tool_call>",
    "</tool_call>",
    "{",
    '"',
    " ",
    "\n",
    "<function=f>",
    "</function>",
    "text",
]


def heard(pieces: list[str], *, several: bool = True) -> list[str | Call]:
    """What comes out, with texts that follow each other joined."""
    reader = CallReader(SCHEMAS, several=several)
    told = [one for piece in pieces for one in reader.add(piece)] + reader.rest()
    joined: list[str | Call] = []
    for one in told:
        if isinstance(one, str) and joined and isinstance(joined[-1], str):
            joined[-1] += one
        else:
            joined.append(one)
    return joined


@pytest.mark.parametrize("call", [JSON_CALL, XML_CALL])
def test_reads_a_call_and_the_text_before_it(call: str) -> None:
    assert heard([f"I'll look.\n\n{call}\n"]) == ["I'll look.", LOOK]


@pytest.mark.parametrize("call", [JSON_CALL, XML_CALL])
def test_reads_several_calls(call: str) -> None:
    assert heard([f"{call}\n{call}\n{call}"]) == [LOOK] * 3


def test_reads_only_the_first_call_where_one_is_wanted() -> None:
    assert heard([f"{JSON_CALL}\n{XML_CALL}"], several=False) == [LOOK]


def test_text_after_a_call_is_text() -> None:
    assert heard([f"{JSON_CALL}\nDone."]) == [LOOK, "\nDone."]


def test_text_without_calls_stays_as_it_is() -> None:
    text = " Write <tool_call> around it.\n Then </tool_call>. \n"

    assert heard([text]) == [text]


@pytest.mark.parametrize(
    "broken",
    [
        '<tool_call>\n{"name": "look", "arguments": {\n</tool_call>',
        '<tool_call>\n{"arguments": {}}\n</tool_call>',
        '<tool_call>\n{"name": 5, "arguments": {}}\n</tool_call>',
        '<tool_call>\n{"name": "look", "arguments": [1]}\n</tool_call>',
        '<tool_call>\n{"name": "look", "arguments": "[1]"}\n</tool_call>',
        '<tool_call>\n{"name": "look", "arguments": {"days": NaN}}\n</tool_call>',
        '<tool_call>\n{"name": "\\ud800", "arguments": {}}\n</tool_call>',
        "<tool_call>\n" + '{"name": ' + "[" * 100_000 + "\n</tool_call>",
        "<tool_call>\n<function=look>\n<parameter=city>\nParis\n</function>\n</tool_call>",
        "<tool_call>\n<function=look>\nParis\n</function>\n</tool_call>",
        '<tool_call>\n{"name": "look", "arguments": {"ci',
        "<tool_call>\n<function=look>\n<parameter=city>\nPar",
        "<tool_call>",
        "<tool_c",
    ],
)
def test_a_broken_call_comes_out_as_text(broken: str) -> None:
    assert heard([f"Now: \n{broken}"]) == [f"Now: \n{broken}"]


def test_a_call_after_a_broken_one_is_read() -> None:
    broken = '<tool_call>{"name": 5}</tool_call>'

    assert heard([broken + JSON_CALL]) == [broken, LOOK]


@pytest.mark.parametrize("call", [JSON_CALL, XML_CALL])
def test_a_call_without_its_last_mark_counts(call: str) -> None:
    assert heard([call.removesuffix("\n</tool_call>")]) == [LOOK]


@pytest.mark.parametrize(
    "call",
    [
        '<tool_call>\n{"name": "look", "arguments": {"city": "a </tool_call> b"}}\n</tool_call>',
        XML_CALL.replace("Paris", "a </tool_call> b").replace("<parameter=days>\n2\n</parameter>\n", ""),
    ],
)
def test_an_argument_may_hold_the_mark_that_ends_calls(call: str) -> None:
    assert heard([call]) == [Call("look", '{"city": "a </tool_call> b"}')]


def test_an_argument_may_hold_the_mark_that_ends_arguments() -> None:
    value = "<parameter=x>\n1\n</parameter> is XML"
    call = f"<function=look>\n<parameter=city>\n{value}\n</parameter>\n</function>"

    assert read_call(call, SCHEMAS) == Call("look", json.dumps({"city": value}))


def test_keeps_the_lines_of_an_argument() -> None:
    call = "<function=look>\n<parameter=city>\n\n  if x:\n    y\n\n</parameter>\n</function>"

    assert read_call(call, SCHEMAS) == Call("look", json.dumps({"city": "\n  if x:\n    y\n"}))


@pytest.mark.parametrize(
    ("body", "arguments"),
    [
        ('{"name": "f"}', "{}"),
        ('{"name": "f", "arguments": null}', "{}"),
        ('{"name": "f", "arguments": "{\\"a\\": 1}"}', '{"a": 1}'),
        ('{"name": "f", "arguments": {"a": "é"}}', '{"a": "é"}'),
        (
            '{"arguments" :  {"a": 1e999, "b": {"arguments": 1.0}} , "name":"f"}',
            '{"a": 1e999, "b": {"arguments": 1.0}}',
        ),
        ('{"name": "f", "arguments": {"a": "\\ud800"}}', '{"a": "\\ud800"}'),
        ("<function=f>\n</function>", "{}"),
    ],
)
def test_arguments_are_json_text_that_can_be_sent(body: str, arguments: str) -> None:
    call = read_call(body, {})

    assert call == Call("f", arguments)
    assert call.arguments.encode()


@given(parts=st.lists(st.sampled_from(PARTS), max_size=8), cuts=st.lists(st.integers(0, 600), max_size=60))
def test_wherever_the_text_is_cut_the_same_comes_out(parts: list[str], cuts: list[int]) -> None:
    text = "".join(parts)
    places = sorted({0, len(text), *(cut for cut in cuts if cut <= len(text))})
    pieces = [text[begin:end] for begin, end in pairwise(places)]

    assert heard(pieces) == heard([text])
    assert heard(list(text)) == heard([text])


@given(parts=st.lists(st.sampled_from([part for part in PARTS if "look" not in part]), max_size=12))
def test_text_that_holds_no_call_is_never_lost(parts: list[str]) -> None:
    text = "".join(parts)
    told = heard(list(text))

    calls = [one for one in told if isinstance(one, Call)]
    assert calls or told == ([text] if text else [])
