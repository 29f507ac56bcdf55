"""How a model behaves where its entry does not say: by its files, else by its name; never against the
operator."""

import json
from typing import Any

import pytest

from switchyard_contracts.catalog import (
    Capability,
    Files,
    Manner,
    Model,
    VllmArgs,
    manner_of,
    read_catalog,
    settle,
)
from switchyard_contracts.catalog.families import Use
from switchyard_contracts.catalog.manners import ranks, settled

# The ends of real templates, as far as they matter: what comes before an answer.
ASKS = "{%- if add_generation_prompt %}<|im_start|>assistant\n"
HERMES = '{% if tools %}<tool_call>{"name": …}</tool_call>{% endif %}'
HYBRID = (
    HERMES + ASKS + "{%- if enable_thinking is defined and enable_thinking is false %}"
    "{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}{%- endif %}"
)
ALWAYS = HERMES + ASKS + "<think>\n{%- endif %}"
NEVER = HERMES + ASKS + "{%- endif %}"
WHEN_TOLD = HERMES + ASKS + "{% if enable_thinking %}<think>{% endif %}{%- endif %}"
STRIPS = HERMES + "{{ content.split('</think>')[-1] }}" + NEVER
CODER = "{% if tools %}<tool_call>\n<function=name>\n<parameter=x>{% endif %}" + ASKS + "{%- endif %}"
BARE = "{% for message in messages %}{{ message.content }}{% endfor %}"


def model_of(**said: Any) -> Model:
    return read_catalog(
        json.dumps({"models": {"m": {"type": "text", "repo": "org/unheard-of", **said}}})
    ).models["m"]


@pytest.mark.parametrize(
    ("called", "tools", "thinks"),
    [
        ("Qwen/Qwen2.5-7B-Instruct", "hermes", None),
        ("Qwen/QwQ-32B", "hermes", "deepseek_r1"),
        ("Qwen/Qwen3-8B-AWQ", "hermes", "qwen3"),
        ("Qwen/Qwen3-4B-Instruct-2507", "hermes", None),
        ("Qwen/Qwen3-4B-Thinking-2507", "hermes", "qwen3"),
        ("Qwen/Qwen3-VL-8B-Instruct", "hermes", None),
        ("Qwen/Qwen3-Coder-30B-A3B-Instruct", "qwen3_xml", None),
        ("Qwen/Qwen3.5-9B", "qwen3_xml", "qwen3"),
        ("meta-llama/Llama-3.3-70B-Instruct", "llama3_json", None),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", "llama4_pythonic", None),
        ("mistralai/Mistral-Small-3.2-24B-Instruct-2506", "mistral", None),
        ("mistralai/Magistral-Small-2509", "mistral", "mistral"),
        ("google/gemma-3-12b-it", None, None),
        ("google/gemma-4-12b-it", "gemma4", "gemma4"),
        ("deepseek-ai/DeepSeek-R1-0528", "deepseek_v3", "deepseek_r1"),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", None, "deepseek_r1"),
        ("deepseek-ai/DeepSeek-V3.1", "deepseek_v31", "deepseek_v3"),
        ("deepseek-ai/DeepSeek-V3.2", "deepseek_v32", "deepseek_v3"),
        ("zai-org/GLM-4.5-Air", "glm45", "glm45"),
        ("zai-org/GLM-4.7-Flash", "glm47", "glm47"),
        ("openai/gpt-oss-20b", "openai", "openai_gptoss"),
        ("ibm-granite/granite-3.3-8b-instruct", "granite", None),
        ("ibm-granite/granite-4.0-h-tiny", "granite4", None),
        ("microsoft/Phi-4-mini-instruct", "phi4_mini_json", None),
        ("NousResearch/Hermes-3-Llama-3.1-8B", "hermes", None),
        ("moonshotai/Kimi-K2-Instruct", "kimi_k2", None),
        ("moonshotai/Kimi-K2-Thinking", "kimi_k2", "kimi_k2"),
        ("MiniMaxAI/MiniMax-M2", "minimax_m2", "minimax_m2"),
        ("org/unheard-of", None, None),
        ("/srv/weights/Qwen3-8B", "hermes", "qwen3"),
        ("/srv/qwen3/unheard-of", None, None),  # where a folder lies says nothing of what is in it
    ],
)
def test_a_name_tells_how_a_model_calls_tools_and_thinks(
    called: str, tools: str | None, thinks: str | None
) -> None:
    found = manner_of(called)

    assert (found.use, found.tools, found.thinks) == (Use.GENERATE, tools, thinks)


@pytest.mark.parametrize(
    ("called", "use"),
    [
        ("Qwen/Qwen3-Embedding-0.6B", Use.EMBED),
        ("BAAI/bge-m3", Use.EMBED),
        ("intfloat/multilingual-e5-large", Use.EMBED),
        ("nomic-ai/nomic-embed-text-v1.5", Use.EMBED),
        ("sentence-transformers/all-MiniLM-L6-v2", Use.EMBED),
        ("BAAI/bge-reranker-v2-m3", Use.RANK),
        ("cross-encoder/ms-marco-MiniLM-L6-v2", Use.RANK),
        ("Qwen/Qwen3-8B", Use.GENERATE),
    ],
)
def test_a_name_tells_what_writes_no_text(called: str, use: Use) -> None:
    assert manner_of(called).use is use


@pytest.mark.parametrize(
    ("files", "use"),
    [
        (Files(architectures=("BertModel",)), Use.EMBED),
        (Files(architectures=("XLMRobertaForSequenceClassification",)), Use.RANK),
        (Files(kind="qwen3", architectures=("Qwen3ForCausalLM",), embeds=True), Use.EMBED),
        (Files(kind="qwen3", architectures=("Qwen3ForCausalLM",)), Use.GENERATE),
        (Files(architectures=("GPT2LMHeadModel",)), Use.GENERATE),
        (Files(architectures=("InternVLChatModel",)), Use.GENERATE),
    ],
)
def test_files_tell_it_better(files: Files, use: Use) -> None:
    assert manner_of("org/unheard-of", files).use is use


@pytest.mark.parametrize(
    ("called", "kind", "template", "tools", "thinks"),
    [
        ("x/mine", "qwen3", HYBRID, "hermes", "qwen3"),
        ("x/mine", "qwen3", ALWAYS, "hermes", "qwen3"),
        ("x/mine", "qwen3", NEVER, "hermes", None),
        ("x/mine", "qwen3", WHEN_TOLD, "hermes", None),
        ("x/mine", "qwen3", STRIPS, "hermes", None),
        ("x/mine", "qwen3", CODER, "qwen3_xml", None),
        ("x/mine", "qwen3", BARE, None, None),
        ("x/mine", "unheard-of", NEVER, "hermes", None),
        ("x/mine", "unheard-of", ALWAYS, "hermes", "qwen3"),
        ("Qwen/Qwen3-8B", "llama", NEVER, "hermes", None),  # called after what it was taught by
        ("Qwen/QwQ-32B", "qwen2", ALWAYS, "hermes", "deepseek_r1"),
        ("x/mine", "step3p5", CODER, "step3p5", "step3p5"),  # its own parser knows it closer than a mark
        ("x/mine", "gpt_oss", "{{ tools }}<|channel|>", "openai", "openai_gptoss"),
        ("x/mine", "mistral", "{{ tools }}[TOOL_CALLS]", "mistral", None),
        ("x/mine", "mistral", None, None, None),
    ],
)
def test_a_template_goes_before_the_name(
    called: str, kind: str, template: str | None, tools: str | None, thinks: str | None
) -> None:
    found = manner_of(called, Files(kind=kind, template=template))

    assert (found.tools, found.thinks) == (tools, thinks)


def test_what_the_operator_wrote_goes_before_all_of_it() -> None:
    manner = Manner(tools="hermes", thinks="qwen3")
    own = VllmArgs(tool_call_parser="mine", reasoning_parser="none")

    found = settled(own, manner)

    assert (found.tool_call_parser, found.reasoning_parser) == ("mine", "none")
    assert settled(VllmArgs(enable_auto_tool_choice=False), manner).tool_call_parser is None


def test_what_writes_no_text_runs_to_pool_and_parses_nothing() -> None:
    found = settled(VllmArgs(), Manner(use=Use.EMBED))

    assert found == VllmArgs(runner="pooling")


def test_capabilities_that_are_written_down_say_what_a_model_is_for() -> None:
    can = settle(model_of(capabilities=["embeddings"]))

    assert isinstance(can.engine_args, VllmArgs)
    assert can.engine_args.runner == "pooling"
    assert can.capabilities == (Capability.EMBEDDINGS,)


def test_a_runner_that_is_written_down_goes_before_the_name() -> None:
    writes = settle(model_of(repo="BAAI/bge-m3", engine_args={"runner": "generate"}))

    assert isinstance(writes.engine_args, VllmArgs)
    assert writes.engine_args.runner == "generate"
    assert Capability.CHAT in writes.capabilities


def test_what_follows_is_the_same_when_it_is_asked_again() -> None:
    once = settle(model_of(repo="Qwen/Qwen3-8B"))
    pooled = settle(model_of(repo="BAAI/bge-reranker-v2-m3"))

    assert settle(once) == once
    assert settle(pooled) == pooled
    assert pooled.capabilities == (Capability.RERANK,)


def test_a_model_that_classifies_makes_no_embeddings() -> None:
    assert ranks(VllmArgs(convert="classify"), Manner())
    assert not ranks(VllmArgs(convert="embed"), Manner(use=Use.RANK))


@pytest.mark.parametrize(
    ("called", "lacks", "tools", "thinks"),
    [
        ("mistralai/Mistral-7B-v0.1", "[TOOL_CALLS]", None, None),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "<think>", None, None),
        ("deepseek-ai/DeepSeek-R1", "<think>", "deepseek_v3", None),
        ("meta-llama/Llama-3.1-8B", "<|python_tag|>", None, None),
        ("Qwen/Qwen3-8B", "<think>", "hermes", "qwen3"),  # this parser needs none
    ],
)
def test_a_parser_whose_word_the_tokenizer_lacks_is_not_given(
    called: str, lacks: str, tools: str | None, thinks: str | None
) -> None:
    manner = manner_of(called, Files(lacks=frozenset({lacks})))

    assert (manner.tools, manner.thinks) == (tools, thinks)


def test_whether_a_name_of_a_family_is_meant_is_told_by_the_kind_of_the_model() -> None:
    assert manner_of("someone/not-qwen3-at-all", Files(kind="llama")).tools is None
    assert manner_of("someone/not-qwen3-at-all", Files(kind="qwen3")).tools == "hermes"


def test_what_a_house_is_called_says_nothing_of_its_models() -> None:
    assert manner_of("embedded-lab/Qwen3-8B").use is Use.GENERATE


@pytest.mark.parametrize(
    ("mark", "parser"),
    [
        ("<minimax:tool_call>", "minimax_m2"),
        ("<tool_call>{{ name }}<arg_key>", "glm45"),
        ("<tool_call>\n<function=", "qwen3_xml"),
        ("<|tool_calls_section_begin|>", "kimi_k2"),
        ("[TOOL_CALLS]", "mistral"),
        ("<|python_tag|>", "llama3_json"),
        ("<tool_call>", "hermes"),
    ],
)
def test_a_template_of_nobody_known_tells_how_it_calls_tools(mark: str, parser: str) -> None:
    files = Files(template="{% if tools %}" + mark + "{% endif %}")

    assert manner_of("org/unheard-of", files).tools == parser


def test_a_kind_that_is_shared_tells_of_no_family() -> None:
    assert manner_of("microsoft/Phi-3-mini-4k-instruct", Files(kind="phi3")).tools is None
    assert manner_of("microsoft/Phi-4-mini-instruct", Files(kind="phi3")).tools == "phi4_mini_json"
