"""How a model of vLLM's behaves where its entry does not say: what it is for, how it calls tools, how it
thinks.

By its files where they are at hand (`Files`), else by what its weights are called. What the operator wrote goes
before all of it. Pure: others read the files.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from switchyard_contracts.catalog.engine_args import VllmArgs
from switchyard_contracts.catalog.families import (
    FAMILIES,
    HERMES,
    TEMPLATES,
    THINKS_NEED,
    TOOLS_NEED,
    Family,
    Use,
)

NONE = "none"  # in place of a parser: do not parse

# A template that thinks unless told otherwise says so; one that asks only whether it was told to does not
# think.
_UNLESS_TOLD = re.compile(
    r"enable_thinking is (?:defined and enable_thinking is )?false|(?:and|if) not enable_thinking"
    r"|enable_thinking\s*\|\s*default\(\s*true|enable_thinking is defined else true",
    re.IGNORECASE,
)
# Only these take an answer that never says `</think>` for a thought from its first word to its last.
_TAGS = frozenset({"qwen3", "deepseek_r1"})
_RANKERS = "ForSequenceClassification"
_ENCODERS = re.compile(r"(?:Bert|Roberta|BertNew|MPNet|Gte\w*|T5Encoder)Model$")
# What many houses train on, and teach other ways of calling; of the rest, the family's own parser knows best.
_SHARED = frozenset({None, "hermes", "llama3_json", "mistral"})


@dataclass(frozen=True, slots=True)
class Files:
    """What the files beside the weights say."""

    kind: str | None = None  # `model_type`
    architectures: tuple[str, ...] = ()
    template: str | None = None  # for chats
    embeds: bool = False  # they say how to make one vector of a text
    lacks: frozenset[str] = frozenset()  # of what parsers need, words that its tokenizer does not have


@dataclass(frozen=True, slots=True)
class Manner:
    """`family`: after whom it behaves so, for people; empty: nobody knows."""

    use: Use = Use.GENERATE
    tools: str | None = None
    thinks: str | None = None
    family: str = ""


def manner_of(called: str, files: Files | None = None) -> Manner:
    """`called`: the repository, or the folder, of its weights."""
    files = files or Files()
    family = _family(called, files.kind)
    use = _use(files) or (family.use if family else Use.GENERATE)
    name = family.name if family else ""
    if use is not Use.GENERATE:
        return Manner(use, family=name)
    tools, thinks = _tools(family, files.template), _thinks(family, files.template)
    return Manner(
        use,
        None if TOOLS_NEED.get(tools or "") in files.lacks else tools,
        None if THINKS_NEED.get(thinks or "") in files.lacks else thinks,
        name,
    )


def settled(args: VllmArgs, manner: Manner, capabilities: Collection[str] = ()) -> VllmArgs:
    """The flags with what follows from the manner. `capabilities`: those that somebody wrote down."""
    use = _said_use(args, capabilities) or manner.use
    added: dict[str, object] = {}
    if use is not Use.GENERATE:
        added["runner"] = args.runner or "pooling"
    elif manner.tools and args.enable_auto_tool_choice is not False:
        added = {"enable_auto_tool_choice": True, "tool_call_parser": args.tool_call_parser or manner.tools}
    if use is Use.GENERATE and manner.thinks and args.reasoning_parser is None:
        added["reasoning_parser"] = manner.thinks
    return args.model_copy(update=added) if added else args


def ranks(args: VllmArgs, manner: Manner) -> bool:
    """Whether it ranks, and makes no embeddings that anybody could use."""
    return args.convert == "classify" or (manner.use is Use.RANK and args.convert is None)


def _said_use(args: VllmArgs, capabilities: Collection[str]) -> Use | None:
    if args.runner is not None:
        return Use.GENERATE if args.runner == "generate" else Use.EMBED
    pooled = {"embeddings", "rerank"}
    if capabilities:
        return Use.EMBED if pooled >= set(capabilities) else Use.GENERATE
    return Use.EMBED if args.convert in {"embed", "classify"} else None


def _family(called: str, kind: str | None) -> Family | None:
    name = called.rstrip("/").rpartition("/")[2] or called
    whole = called if called.count("/") == 1 else name  # a folder's place says nothing
    fitting = _of_kind(kind)
    by_name = next((one for one in fitting if one.called.search(whole if one.use is Use.RANK else name)), None)
    by_name = by_name or next((one for one in fitting if one.called.search(whole)), None)
    if by_name is not None or kind is None:
        return by_name
    return next((one for one in fitting if kind in one.kinds and not one.only_called), None)


def _of_kind(kind: str | None) -> Iterable[Family]:
    return [one for one in FAMILIES if kind is None or not one.kinds or kind in one.kinds]


def _use(files: Files) -> Use | None:
    """None: the files do not tell."""
    if any(_RANKERS in name for name in files.architectures):
        return Use.RANK
    if files.embeds or any(map(_ENCODERS.search, files.architectures)):
        return Use.EMBED
    return None


def _tools(family: Family | None, template: str | None) -> str | None:
    of_family = family.tools if family else None
    if template is None:
        return of_family
    if "tools" not in template:
        return None
    if of_family not in _SHARED:
        return of_family
    outright = next((parser for mark, parser in TEMPLATES if mark.search(template)), None)
    return outright or of_family or ("hermes" if HERMES.search(template) else None)


def _thinks(family: Family | None, template: str | None) -> str | None:
    parser = family.thinks if family else None
    if template is None or (parser is not None and parser not in _TAGS):
        return parser
    if "<think>" not in template and "</think>" not in template:
        return None
    return (parser or "qwen3") if _thinks_unless_told(template) else None


def _thinks_unless_told(template: str) -> bool:
    if _UNLESS_TOLD.search(template):
        return True
    turn = template[template.rfind("add_generation_prompt") :]
    return "enable_thinking" not in template and "<think>" in turn
