from typing import Any

import pytest

from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.chat.tools import Choice, Insistence, Tool, choice_of
from switchyard_image_server.errors import Refused

LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}, "strict": True}}
WAIT = {"type": "function", "function": {"name": "wait"}}
TOOLS = (
    Tool("look", "tools[0].function.parameters", {"type": "object"}, strict=True),
    Tool("wait", "tools[1].function.parameters"),
)


def choice(**more: Any) -> Choice:
    return choice_of(ChatRequest.model_validate({"messages": [{"role": "user", "content": "hi"}]} | more))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, Choice()),
        ({"tools": []}, Choice()),
        ({"tools": [LOOK, WAIT]}, Choice(TOOLS, Insistence.AUTO)),
        ({"tools": [LOOK, WAIT], "tool_choice": "auto"}, Choice(TOOLS, Insistence.AUTO)),
        ({"tools": [LOOK, WAIT], "tool_choice": "none"}, Choice()),
        ({"tools": [LOOK, WAIT], "tool_choice": "required"}, Choice(TOOLS, Insistence.REQUIRED)),
        (
            {"tools": [LOOK, WAIT], "tool_choice": {"type": "function", "function": {"name": "wait"}}},
            Choice(TOOLS[1:], Insistence.REQUIRED, several=False),
        ),
        ({"tools": [LOOK], "parallel_tool_calls": False}, Choice(TOOLS[:1], Insistence.AUTO, several=False)),
        ({"tool_choice": "auto"}, Choice()),
    ],
)
def test_reads_which_tools_may_and_must_be_called(body: dict[str, Any], told: Choice) -> None:
    assert choice(**body) == told


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "look"}}}, "tool_choice"),
        (
            {"tools": [LOOK], "tool_choice": {"type": "function", "function": {"name": "run"}}},
            "tool_choice",
        ),
        ({"tools": [LOOK], "tool_choice": "sometimes"}, "tool_choice"),
        ({"tools": [LOOK], "tool_choice": {"type": "allowed_tools"}}, "tool_choice"),
        ({"tools": [LOOK, {"type": "custom", "custom": {"name": "x"}}]}, "tools[1].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tools": [{"type": "function", "function": {"name": "a>b"}}]}, "tools[0].function.name"),
        ({"tools": [{"function": {"name": "f", "parameters": [1]}}]}, "tools[0].function.parameters"),
        ({"tools": [LOOK] * 257}, "tools"),
    ],
)
def test_refuses_what_cannot_be_offered_and_names_it(body: dict[str, Any], param: str) -> None:
    with pytest.raises(Refused) as refusal:
        choice(**body)

    assert refusal.value.param == param
    assert refusal.value.message.startswith("cannot ")
