"""What an answer must look like: JSON, JSON by a schema, tool calls. Decided here, enforced by `grammar`. Pure.

Whatever the model's template cannot do, or the request contradicts itself in, is refused here, before the
request is queued.
"""

from dataclasses import dataclass
from typing import Any

from switchyard_image_server.chat.habits import CallForm, Habits
from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.chat.tools import Choice, Insistence, Tool, choice_of
from switchyard_image_server.errors import InvalidValue, MissingParameter, Unsupported

ANY_OBJECT: dict[str, Any] = {"type": "object"}


@dataclass(frozen=True, slots=True)
class Schema:
    """`lenient`: what of it cannot be enforced is left out, as OpenAI does without `strict`."""

    param: str
    schema: dict[str, Any]
    lenient: bool = False


@dataclass(frozen=True, slots=True)
class Calls:
    tools: tuple[Tool, ...]
    form: CallForm
    several: bool


@dataclass(frozen=True, slots=True)
class Form:
    """What the answer must be. Where it names both, either will do."""

    answer: Schema | None = None
    calls: Calls | None = None


def check_form(request: ChatRequest, habits: Habits) -> Choice:
    """The tools that the answer may call. Raises what `form_of` would."""
    choice = choice_of(request)
    if choice.insistence is not Insistence.NONE and habits.calls is None:
        raise Unsupported(_why_no_tools(habits), param="tools")
    if request.top_logprobs and not request.logprobs:
        raise InvalidValue(
            "cannot send top_logprobs without logprobs; set logprobs to true", param="top_logprobs"
        )
    _answer(request)
    return choice


def form_of(request: ChatRequest, habits: Habits) -> Form | None:
    """`None`: the answer is free."""
    choice = check_form(request, habits)
    answer = _answer(request)
    calls = None if habits.calls is None else Calls(choice.tools, habits.calls, choice.several)
    match choice.insistence:
        case Insistence.REQUIRED:
            return Form(calls=calls)
        case Insistence.AUTO:
            return None if answer is None else Form(answer, calls)
        case Insistence.NONE:
            return None if answer is None else Form(answer)


def _why_no_tools(habits: Habits) -> str:
    if habits.reads_tools:
        return (
            "cannot offer tools: this model writes its calls in a way that this server does not read; "
            'leave tools out, or set tool_choice to "none"'
        )
    return (
        "cannot offer tools: this model's chat template has no place for them; leave tools out, or set "
        'tool_choice to "none"'
    )


def _answer(request: ChatRequest) -> Schema | None:
    asked = request.response_format
    if asked is None or asked.type == "text":
        return None
    if asked.type == "json_object":
        return Schema("response_format", ANY_OBJECT)
    param = "response_format.json_schema"
    if asked.json_schema is None or asked.json_schema.schema_ is None:
        raise MissingParameter(
            "cannot answer by a schema that is not there; add response_format.json_schema.schema", param=param
        )
    schema = asked.json_schema.schema_
    if schema is False:
        raise InvalidValue("cannot answer by the schema `false`: nothing fits it", param=param)
    return Schema(param, {} if schema is True else schema, lenient=asked.json_schema.strict is False)
