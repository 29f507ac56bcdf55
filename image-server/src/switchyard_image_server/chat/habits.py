"""What a chat template tells of its model: whether it thinks aloud, and how it writes tool calls. Pure.

Read from the template's text, as nothing else says it. What a template only says in a string, to the model,
does not count as something that it reads.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.errors import Unsupported

THINK, END_THINK = "<think>", "</think>"
CALL, END_CALL = "<tool_call>", "</tool_call>"
_TAG = re.compile(r"\{[{%].*?[%}]\}", re.DOTALL)
_NO_THOUGHTS = re.compile(r"<think>(?:\\n|\s)*</think>")
_STRING = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'', re.DOTALL)


class CallForm(StrEnum):
    """What stands between `<tool_call>` and `</tool_call>`."""

    JSON = "json"  # {"name": …, "arguments": {…}}
    XML = "xml"  # <function=…><parameter=…>…


@dataclass(frozen=True, slots=True)
class Habits:
    """`calls` is None where tools cannot be offered, or calls would come in a form that is not read here."""

    thinks: bool = False
    opens: bool = False  # it is the prompt that opens its thoughts, not the model
    hushes: bool = False  # its thoughts can be switched off
    reads_effort: bool = False
    reads_tools: bool = False
    calls: CallForm | None = None


@lru_cache(maxsize=8)
def habits_of(template: str) -> Habits:
    code = _STRING.sub("''", " ".join(_TAG.findall(template)))

    def reads(name: str) -> bool:
        return re.search(rf"(?<![.\w]){name}\b", code) is not None

    answer = template.rpartition("add_generation_prompt")[2]
    opens = THINK in _NO_THOUGHTS.sub("", answer)
    form = CallForm.XML if "<function=" in template else CallForm.JSON if CALL in template else None
    return Habits(
        thinks=opens or END_THINK in template or reads("enable_thinking"),
        opens=opens,
        hushes=reads("enable_thinking"),
        reads_effort=reads("reasoning_effort"),
        reads_tools=reads("tools"),
        calls=form if reads("tools") else None,
    )


def may_open_thoughts(request: ChatRequest, habits: Habits) -> bool:
    """Whether the answer may begin with thoughts that the prompt has not opened."""
    hushed = request.chat_template_kwargs.get("enable_thinking") is False
    return habits.thinks and not habits.opens and not hushed


def with_effort(request: ChatRequest, habits: Habits) -> ChatRequest:
    """The same request, with `reasoning_effort` as what this template reads. Refused where it cannot be kept.

    What the caller sets in `chat_template_kwargs` wins.
    """
    effort = request.reasoning_effort
    if effort is None:
        return request
    variables: dict[str, object] = {}
    if habits.reads_effort:
        variables["reasoning_effort"] = effort
    if habits.hushes:
        variables["enable_thinking"] = effort != "none"
    elif effort == "none" and habits.thinks and not habits.reads_effort:
        raise Unsupported(
            "cannot keep this model from thinking: its chat template has no switch; leave reasoning_effort out",
            param="reasoning_effort",
        )
    elif effort != "none" and not habits.thinks and not habits.reads_effort:
        raise Unsupported(
            f"cannot think with effort {effort!r}: this model does not think before it answers; leave "
            "reasoning_effort out",
            param="reasoning_effort",
        )
    return request.model_copy(update={"chat_template_kwargs": variables | request.chat_template_kwargs})
