"""The families of language models: how each calls tools and thinks, and which of them do not write text at all.

A table and nothing else; `manners` decides by it. The names of parsers are those that vLLM 0.32 registers. A
family is found by what the weights are called, among those whose `model_type` the files name, if there are
files; the first row that fits counts, so the narrower stands before the wider.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class Use(StrEnum):
    """What a model is for."""

    GENERATE = "generate"
    EMBED = "embed"
    RANK = "rank"


@dataclass(frozen=True, slots=True)
class Family:
    name: str
    called: re.Pattern[str]  # in the name of a repository or a folder
    kinds: frozenset[str] = frozenset()  # `model_type` in config.json; empty: any
    tools: str | None = None
    thinks: str | None = None
    use: Use = Use.GENERATE
    only_called: bool = False  # its kind is shared: without the name nothing tells that a model is one of it


def _row(name: str, called: str, kinds: str = "", **said: "str | bool | Use | None") -> Family:
    return Family(name, re.compile(called, re.IGNORECASE), frozenset(kinds.split()), **said)  # type: ignore[arg-type]


_QWEN3 = "qwen3 qwen3_moe qwen3_next qwen3_vl qwen3_vl_moe qwen3_omni_moe"
_QWEN35 = "qwen3_5 qwen3_5_moe qwen3_5_text"
_DEEPSEEK3 = "deepseek_v3 deepseek_v32"

FAMILIES: tuple[Family, ...] = (
    # What writes no text. Before all others: an embedder is called after the model that it was made of.
    _row("a model for ranking", r"rerank|cross-?encoder", use=Use.RANK, only_called=True),
    _row(
        "a model for embeddings",
        r"embed|(?:^|[-_/])(?:bge|gte|e5|multilingual-e5)-|minilm|mpnet|gtr-t5|sentence-t5|(?:^|/)stella|snowflake-arctic-e",
        use=Use.EMBED,
        only_called=True,
    ),
    # What was taught by another house than the one whose shape it has.
    _row("DeepSeek R1 (distilled)", r"deepseek-r1-distill|r1-distill", thinks="deepseek_r1", only_called=True),
    _row("Hermes", r"hermes-?[234]", tools="hermes", only_called=True),
    _row("xLAM", r"xlam", tools="xlam", only_called=True),
    _row("QwQ", r"qwq", "qwen2", tools="hermes", thinks="deepseek_r1", only_called=True),
    # Qwen
    _row("Qwen3-Coder", r"qwen3[-_]coder", f"{_QWEN3}", tools="qwen3_xml", only_called=True),
    _row("Qwen3 (without thinking)", r"qwen3.*instruct", _QWEN3, tools="hermes", only_called=True),
    _row("Qwen3.5", r"qwen-?3[._]5|qwen3[._]6", _QWEN35, tools="qwen3_xml", thinks="qwen3"),
    _row("Qwen3", r"qwen-?3", _QWEN3, tools="hermes", thinks="qwen3"),
    _row("Qwen2.5", r"qwen-?2|qwen", "qwen2 qwen2_moe qwen2_vl qwen2_5_vl", tools="hermes"),
    # Meta
    _row("Llama 4", r"llama-?4", "llama4 llama4_text", tools="llama4_pythonic"),
    _row("Llama 3", r"llama-?3(?:[._-]?[123])", "llama mllama", tools="llama3_json", only_called=True),
    # Mistral
    _row("Magistral", r"magistral", tools="mistral", thinks="mistral", only_called=True),
    _row(
        "Mistral",
        r"mistral|ministral|mixtral|devstral|codestral|pixtral|voxtral",
        "mistral mixtral mistral3 ministral3 pixtral",
        tools="mistral",
        only_called=True,
    ),
    # Google
    _row("FunctionGemma", r"functiongemma", tools="functiongemma", only_called=True),
    _row("Gemma 4", r"gemma-?4", "gemma4 gemma4_text", tools="gemma4", thinks="gemma4"),
    # DeepSeek
    _row("DeepSeek V4", r"deepseek-v4", "deepseek_v4", tools="deepseek_v4", thinks="deepseek_v4"),
    _row(
        "DeepSeek V3.2",
        r"deepseek-v3[._]2",
        _DEEPSEEK3,
        tools="deepseek_v32",
        thinks="deepseek_v3",
        only_called=True,
    ),
    _row(
        "DeepSeek V3.1",
        r"deepseek-v3[._]1",
        _DEEPSEEK3,
        tools="deepseek_v31",
        thinks="deepseek_v3",
        only_called=True,
    ),
    _row(
        "DeepSeek R1", r"deepseek-r1", _DEEPSEEK3, tools="deepseek_v3", thinks="deepseek_r1", only_called=True
    ),
    _row("DeepSeek V3", r"deepseek-v3", "deepseek_v3", tools="deepseek_v3"),
    # The others, by the alphabet
    _row("ERNIE 4.5 (thinking)", r"ernie.*thinking", tools="ernie45", thinks="ernie45", only_called=True),
    _row("GLM 4.7", r"glm-?4[._]7|glm-?5", "glm4_moe_lite glm_moe_dsa", tools="glm47", thinks="glm47"),
    _row("GLM 4.5", r"glm-?4[._][56]", "glm4_moe glm4v_moe", tools="glm45", thinks="glm45"),
    _row("gpt-oss", r"gpt-oss", "gpt_oss", tools="openai", thinks="openai_gptoss"),
    _row("Granite 4", r"granite-?4", "granitemoehybrid", tools="granite4"),
    _row("Granite 3", r"granite-?3", "granite granitemoe", tools="granite"),
    _row("Hunyuan A13B", r"hunyuan-a13b", "hunyuan_v1_moe", tools="hunyuan_a13b", thinks="hunyuan_a13b"),
    _row("InternLM", r"internlm-?[23]", "internlm2 internlm3", tools="internlm"),
    _row("Jamba", r"jamba", "jamba", tools="jamba"),
    _row("Kimi K2 (thinking)", r"kimi-k2.*thinking", tools="kimi_k2", thinks="kimi_k2", only_called=True),
    _row("Kimi K2", r"kimi-k2", "kimi_k2", tools="kimi_k2"),
    _row("LFM 2", r"lfm-?2", "lfm2 lfm2_moe", tools="lfm2"),
    _row("MiMo", r"mimo", "mimo mimo_v2_flash", tools="mimo", thinks="mimo", only_called=True),
    _row("MiniMax M3", r"minimax-m3", "minimax_m3", tools="minimax_m3", thinks="minimax_m3"),
    _row("MiniMax M2", r"minimax-m2", "minimax_m2", tools="minimax_m2", thinks="minimax_m2"),
    _row("Olmo 3 (thinking)", r"olmo-?3.*think", "olmo3", tools="olmo3", thinks="olmo3", only_called=True),
    _row("Olmo 3", r"olmo-?3", "olmo3", tools="olmo3", only_called=True),
    _row("Phi 4 mini", r"phi-?4-mini-instruct", "phi3", tools="phi4_mini_json", only_called=True),
    _row("Seed-OSS", r"seed-oss", "seed_oss", tools="seed_oss", thinks="seed_oss"),
    _row("Step 3.5", r"step-?3[._p]5", "step3p5", tools="step3p5", thinks="step3p5"),
    _row("Step 3", r"step-?3", "step3_vl step3", tools="step3", thinks="step3", only_called=True),
)

# What a chat template says outright. It goes before the name: a model that was trained on calls a new way
# brings a template of its own, whatever it is called.
TEMPLATES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"<minimax:tool_call>"), "minimax_m2"),
    (re.compile(r"<tool_call>.*<arg_key>", re.DOTALL), "glm45"),
    (re.compile(r"<tool_call>.*<function=", re.DOTALL), "qwen3_xml"),
    (re.compile(r"<\|tool_calls_section_begin\|>"), "kimi_k2"),
    (re.compile(r"\[TOOL_CALLS\]"), "mistral"),
    (re.compile(r"<\|python_tag\|>"), "llama3_json"),
)
HERMES = re.compile(r"<tool_call>")  # many write so; only where the name says nothing

# What a parser must find in the tokenizer's vocabulary: without it vLLM ends as it starts.
TOOLS_NEED = {
    "deepseek_v3": "<\uff5ctool\u2581calls\u2581begin\uff5c>",
    "deepseek_v31": "<\uff5ctool\u2581calls\u2581begin\uff5c>",
    "jamba": "<tool_calls>",
    "lfm2": "<|tool_call_start|>",
    "llama3_json": "<|python_tag|>",
    "mistral": "[TOOL_CALLS]",
}
THINKS_NEED = {
    "deepseek_r1": "<think>",
    "ernie45": "<think>",
    "minimax_m3": "<mm:think>",
    "mistral": "[TOOL_CALLS]",
    "step3": "</think>",
}
NEEDED = frozenset({*TOOLS_NEED.values(), *THINKS_NEED.values()})
