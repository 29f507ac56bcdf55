"""The grammar's text. Whether models keep to it is tested with real ones, beside the engine."""

from typing import Any

import pytest

from switchyard_image_server.chat.forms import Calls, Form, Schema
from switchyard_image_server.chat.habits import CallForm
from switchyard_image_server.chat.lark import Marks, lark_of, literal, schemas_in
from switchyard_image_server.chat.tools import Tool
from switchyard_image_server.errors import InvalidValue

MARKS = Marks("<[7]>", "<[8]>")


def calls(form: CallForm, *, several: bool = True, **parameters: Any) -> Form:
    return Form(calls=Calls((Tool("look", "tools[0]", parameters),), form, several))


def rules(form: Form) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in lark_of(form, MARKS).splitlines())


def test_an_answer_or_a_call_will_do_where_both_may_come() -> None:
    both = Form(Schema("x", {}), calls(CallForm.JSON).calls)

    assert rules(both)["start"] == "answer | calls"


def test_a_call_is_written_as_the_model_has_learnt_it() -> None:
    told = rules(calls(CallForm.JSON))

    assert told["call"] == '<[7]> "\\n" (tool0) "\\n" <[8]>'
    assert told["tool0"] == literal('{"name": "look", "arguments": ') + ' arguments0 "}"'


def test_one_call_is_the_end_where_only_one_may_come() -> None:
    assert rules(calls(CallForm.JSON, several=False))["calls"] == "call"
    assert rules(calls(CallForm.JSON, several=True))["calls"] == 'call ("\\n" call){0,15}'


def test_arguments_in_xml_are_values_by_their_types() -> None:
    told = rules(
        calls(
            CallForm.XML,
            properties={"n": {"type": "integer"}, "s": {"type": "string"}, "e": {"enum": ["a", "b"]}},
            required=["n"],
        )
    )

    assert (
        told["tool0"]
        == literal("<function=look>\n") + ' parameter0_0 parameter0_1? parameter0_2? "</function>"'
    )
    assert "parameter0_0_value" in told["parameter0_0"]
    assert told["parameter0_0_value"].startswith('%json {"type": "integer"')
    assert told["parameter0_1"].endswith(" text0")
    assert '("a" | "b")' in told["parameter0_2"]


def test_refuses_an_argument_whose_name_would_break_the_call() -> None:
    with pytest.raises(InvalidValue, match="look"):
        lark_of(calls(CallForm.XML, properties={"a>b": {}}), MARKS)


def test_a_client_has_no_say_in_the_grammars_own_options() -> None:
    told = dict(schemas_in(Form(Schema("x", {"x-guidance": {"whitespace_pattern": ".*"}}))))

    assert told["x"]["x-guidance"]["whitespace_pattern"] == r"[ \t\n\r]{0,20}"


def test_names_the_field_of_each_schema() -> None:
    form = Form(Schema("response_format.json_schema", {}), calls(CallForm.JSON).calls)

    assert [param for param, _ in schemas_in(form)] == ["response_format.json_schema", "tools[0]"]
