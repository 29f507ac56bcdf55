"""The tools that a request offers, and how free the model is to call them. Pure."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.errors import InvalidValue, MissingParameter, Unsupported

MAX_TOOLS = 256
MAX_NAME = 256


class Insistence(StrEnum):
    NONE = "none"
    AUTO = "auto"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Tool:
    """`param` names the field that its schema came in."""

    name: str
    param: str
    parameters: dict[str, Any] = field(default_factory=dict)
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """The tools that may be called, and whether one of them must be."""

    tools: tuple[Tool, ...] = ()
    insistence: Insistence = Insistence.NONE
    several: bool = True


def choice_of(request: ChatRequest) -> Choice:
    tools = tuple(_tool(tool, f"tools[{i}]") for i, tool in enumerate(request.tools or []))
    if len(tools) > MAX_TOOLS:
        raise InvalidValue(f"cannot offer {len(tools)} tools: at most {MAX_TOOLS}", param="tools")
    several = request.parallel_tool_calls is not False
    match request.tool_choice:
        case None | "auto":
            return Choice(tools, Insistence.AUTO if tools else Insistence.NONE, several)
        case "none":
            return Choice()
        case "required":
            return Choice(_some(tools), Insistence.REQUIRED, several)
        case {"type": "function", "function": {"name": str(name)}}:
            # Whoever names a tool wants its arguments: one call.
            return Choice(_named(name, _some(tools)), Insistence.REQUIRED, several=False)
        case _:
            raise Unsupported(
                'cannot use this tool_choice: it is "auto", "none", "required" or '
                '{"type": "function", "function": {"name": …}}',
                param="tool_choice",
            )


def _some(tools: tuple[Tool, ...]) -> tuple[Tool, ...]:
    if not tools:
        raise InvalidValue("cannot insist on a tool: the request offers none; add tools", param="tool_choice")
    return tools


def _named(name: str, tools: tuple[Tool, ...]) -> tuple[Tool, ...]:
    found = tuple(tool for tool in tools if tool.name == name)
    if not found:
        raise InvalidValue(f"cannot call {name!r}: it is none of the tools", param="tool_choice")
    return found[:1]


def _tool(told: dict[str, Any], at: str) -> Tool:
    if told.get("type", "function") != "function":
        raise Unsupported(
            f"cannot offer a tool of type {told.get('type')!r}: only functions are known", param=f"{at}.type"
        )
    function = told.get("function")
    if not isinstance(function, dict):
        raise MissingParameter(f"cannot use {at}: it needs a function", param=f"{at}.function")
    name = function.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME or any(mark in name for mark in "<>\n"):
        raise InvalidValue(
            f"cannot use the name of {at}: 1 to {MAX_NAME} characters, with no <, > or new line",
            param=f"{at}.function.name",
        )
    parameters = function.get("parameters")
    if not isinstance(parameters, dict | None):
        raise InvalidValue(
            f"cannot use the parameters of {name!r}: they are described by a JSON schema, an object",
            param=f"{at}.function.parameters",
        )
    return Tool(name, f"{at}.function.parameters", parameters or {}, function.get("strict") is True)
