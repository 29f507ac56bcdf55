"""What templates tell: shortened from those of real models, with everything in them that is looked at."""

import pytest

from switchyard_image_server.chat.habits import CallForm, Habits, habits_of, may_open_thoughts, with_effort
from switchyard_image_server.chat.request import ChatRequest
from switchyard_image_server.errors import Unsupported

QWEN2_5_VL = "{% for message in messages %}<|im_start|>{{ message.role }}{% endfor %}"
QWEN3 = """{%- if tools %}{{- "# Tools\\n<tools></tools>" }}
{%- for tool in tools %}{{ tool | tojson }}{% endfor %}
{{- "<tool_call>\\n{\\"name\\": <function-name>, \\"arguments\\": <args-json-object>}\\n</tool_call>" }}
{%- endif %}
{%- set content = message.content.split('</think>')[-1] %}{{- '<think>\\n' + reasoning + '\\n</think>' }}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}
{%- if enable_thinking is defined and enable_thinking is false %}
{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}{% endif %}"""
QWEN3_VL = """{%- if tools %}{{- '<tool_call>\\n{"name": <function-name>}\\n</tool_call>' }}{% endif %}"""
QWEN3_VL_THINKING = (
    QWEN3_VL
    + """{{ message.content.split('</think>')[-1] }}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n<think>\\n' }}{%- endif %}"""
)
QWEN3_5 = """{%- if tools and tools is iterable %}{{- '<tool_call>\\n<function=example_name>' }}{%- endif %}
{%- if add_generation_prompt %}
{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}
{%- else %}{{- '<think>\\n' }}{%- endif %}{%- endif %}"""
QWEN3_8 = "{%- if reasoning_effort %}{{ reasoning_effort }}{% endif %}" + QWEN3_5
LLAMA = """{% if tools is not none %}{{ '{"name": function name, "parameters": {}}' }}{% endif %}"""
SAYS_TOOLS = "{{ 'There are no tools here, and enable_thinking is no switch' }}{{ message.tools }}"


@pytest.mark.parametrize(
    ("template", "habits"),
    [
        ("", Habits()),
        (QWEN2_5_VL, Habits()),
        (QWEN3, Habits(thinks=True, hushes=True, reads_tools=True, calls=CallForm.JSON)),
        (QWEN3_VL, Habits(reads_tools=True, calls=CallForm.JSON)),
        (QWEN3_VL_THINKING, Habits(thinks=True, opens=True, reads_tools=True, calls=CallForm.JSON)),
        (QWEN3_5, Habits(thinks=True, opens=True, hushes=True, reads_tools=True, calls=CallForm.XML)),
        (
            QWEN3_8,
            Habits(
                thinks=True, opens=True, hushes=True, reads_effort=True, reads_tools=True, calls=CallForm.XML
            ),
        ),
        (LLAMA, Habits(reads_tools=True)),
        (SAYS_TOOLS, Habits()),
    ],
)
def test_reads_a_models_habits_from_its_template(template: str, habits: Habits) -> None:
    assert habits_of(template) == habits


def asked(**more: object) -> ChatRequest:
    return ChatRequest.model_validate({"messages": [{"role": "user", "content": "hi"}]} | more)


@pytest.mark.parametrize(
    ("template", "effort", "variables"),
    [
        (QWEN3, "none", {"enable_thinking": False}),
        (QWEN3, "low", {"enable_thinking": True}),
        (QWEN3_8, "high", {"reasoning_effort": "high", "enable_thinking": True}),
        (QWEN3_8, "none", {"reasoning_effort": "none", "enable_thinking": False}),
        (QWEN3_VL_THINKING, "high", {}),
        (QWEN3_VL, "none", {}),
    ],
)
def test_tells_the_template_the_effort_in_its_own_words(
    template: str, effort: str, variables: dict[str, object]
) -> None:
    request = with_effort(asked(reasoning_effort=effort), habits_of(template))

    assert request.chat_template_kwargs == variables


def test_what_the_caller_tells_the_template_wins_over_the_effort() -> None:
    request = asked(reasoning_effort="high", chat_template_kwargs={"enable_thinking": False})

    assert with_effort(request, habits_of(QWEN3)).chat_template_kwargs == {"enable_thinking": False}


@pytest.mark.parametrize(("template", "effort"), [(QWEN3_VL, "high"), (QWEN3_VL_THINKING, "none")])
def test_refuses_an_effort_that_the_model_cannot_make(template: str, effort: str) -> None:
    with pytest.raises(Unsupported) as refusal:
        with_effort(asked(reasoning_effort=effort), habits_of(template))

    assert refusal.value.param == "reasoning_effort"


def test_a_model_that_was_told_not_to_think_opens_no_thoughts() -> None:
    assert may_open_thoughts(asked(), habits_of(QWEN3))
    assert not may_open_thoughts(asked(chat_template_kwargs={"enable_thinking": False}), habits_of(QWEN3))
    assert not may_open_thoughts(asked(), habits_of(QWEN3_VL))


def test_a_model_whose_prompt_opens_its_thoughts_opens_none_itself() -> None:
    assert not may_open_thoughts(asked(), habits_of(QWEN3_5))
    assert not may_open_thoughts(asked(), habits_of(QWEN3_VL_THINKING))
