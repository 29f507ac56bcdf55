from typing import Any

import pytest

from switchyard_image_server.chat.forms import Calls, Form, Schema, check_form, form_of
from switchyard_image_server.chat.habits import CallForm, Habits
from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.chat.tools import Tool
from switchyard_image_server.errors import Refused

CALLS = Habits(reads_tools=True, calls=CallForm.JSON)
LOOK = {"type": "function", "function": {"name": "look"}}
ONE = (Tool("look", "tools[0].function.parameters"),)
EVERYTHING, NOTHING = True, False  # schemas
PARAM = "response_format.json_schema"


def asked(**more: Any) -> ChatRequest:
    return ChatRequest.model_validate({"messages": [{"role": "user", "content": "hi"}]} | more)


def by(schema: object, **more: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema} | more}


@pytest.mark.parametrize(
    ("body", "form"),
    [
        ({}, None),
        ({"response_format": {"type": "text"}}, None),
        ({"tools": [LOOK]}, None),
        ({"response_format": {"type": "json_object"}}, Form(Schema("response_format", {"type": "object"}))),
        ({"response_format": by({"type": "integer"})}, Form(Schema(PARAM, {"type": "integer"}))),
        ({"response_format": by(EVERYTHING)}, Form(Schema(PARAM, {}))),
        ({"response_format": by({}, strict=True)}, Form(Schema(PARAM, {}))),
        ({"response_format": by({}, strict=False)}, Form(Schema(PARAM, {}, lenient=True))),
        (
            {"tools": [LOOK], "tool_choice": "required"},
            Form(calls=Calls(ONE, CallForm.JSON, several=True)),
        ),
        (
            {"tools": [LOOK], "tool_choice": "required", "response_format": {"type": "json_object"}},
            Form(calls=Calls(ONE, CallForm.JSON, several=True)),
        ),
        (
            {"tools": [LOOK], "parallel_tool_calls": False, "response_format": by({})},
            Form(Schema(PARAM, {}), Calls(ONE, CallForm.JSON, several=False)),
        ),
    ],
)
def test_settles_what_the_answer_must_be(body: dict[str, Any], form: Form | None) -> None:
    assert form_of(asked(**body), CALLS) == form


@pytest.mark.parametrize(
    ("body", "habits", "param", "code"),
    [
        ({"tools": [LOOK]}, Habits(), "tools", "unsupported_parameter"),
        ({"tools": [LOOK]}, Habits(reads_tools=True), "tools", "unsupported_parameter"),
        ({"response_format": {"type": "json_schema"}}, CALLS, PARAM, "missing_required_parameter"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
            CALLS,
            PARAM,
            "missing_required_parameter",
        ),
        ({"response_format": by(NOTHING)}, CALLS, PARAM, "invalid_value"),
        ({"top_logprobs": 2}, CALLS, "top_logprobs", "invalid_value"),
    ],
)
def test_refuses_what_the_answer_cannot_be(body: dict[str, Any], habits: Habits, param: str, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        check_form(asked(**body), habits)

    assert (refusal.value.param, str(refusal.value.code)) == (param, code)


def test_tools_that_must_not_be_called_need_no_template_for_them() -> None:
    assert check_form(asked(tools=[LOOK], tool_choice="none"), Habits()).tools == ()
