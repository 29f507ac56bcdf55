"""What an entry of the catalog needs of the Hub before its engine can start. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from switchyard_contracts.catalog import Engine, ImageServerArgs, Model, VllmArgs

REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
INSIDE = re.compile(rf"({REPO.pattern})/(.+\.safetensors)")
STRENGTH = re.compile(r":[\d.]+$")  # of a LoRA, at its end


class Part(StrEnum):
    """Which files of a repository are needed."""

    MODEL = "model"  # what an engine loads: one form of the weights, and what belongs to them
    MISTRAL = "mistral"  # the same in the form that Mistral's own tools write
    SMALL = "small"  # all but the weights: a tokenizer
    ADAPTER = "adapter"  # a LoRA


@dataclass(frozen=True, slots=True)
class Need:
    repo: str
    revision: str | None = None
    part: Part = Part.MODEL
    file: str | None = None  # only this one
    code: bool = False  # Python that its configuration names in other repositories belongs to it
    must: bool = True  # else: where there is no such repository, the name is a folder of the engine's

    @property
    def branch(self) -> str:
        return self.revision or "main"


def has_files(model: Model) -> bool:
    """Whether its files are ours to see to. What a foreign image loads, and from where, nobody told us."""
    return model.engine is not Engine.CONTAINER


def needs_of(model: Model) -> tuple[Need, ...]:
    """Its own repository first. None for a model whose weights are a folder, and all that it names is, too."""
    if not has_files(model):
        return ()
    found = [*_own(model), *_named(model), *_variants(model)]
    return tuple(dict.fromkeys(found))


def _own(model: Model) -> Iterator[Need]:
    args = model.engine_args
    if model.repo is not None:
        form = Part.MODEL
        code = False
        if isinstance(args, VllmArgs):
            form = Part.MISTRAL if args.load_format == "mistral" else Part.MODEL
            code = bool(args.trust_remote_code)
        yield Need(model.repo, model.revision, form, code=code)


def _named(model: Model) -> Iterator[Need]:
    """By the flags of its engine."""
    match model.engine_args:
        case VllmArgs(tokenizer=str(name)) if REPO.fullmatch(name):
            yield Need(name, part=Part.SMALL, must=False)
        case ImageServerArgs() as args:
            if args.controlnet and REPO.fullmatch(args.controlnet):
                yield Need(args.controlnet, must=False)
            for source in (args.lora or {}).values():
                yield from _lora(source)
        case _:
            pass


def _lora(said: str) -> Iterator[Need]:
    source = STRENGTH.sub("", said)
    if REPO.fullmatch(source) and not source.endswith(".safetensors"):
        yield Need(source, part=Part.ADAPTER, must=False)
    elif inside := INSIDE.fullmatch(source):
        yield Need(inside[1], part=Part.ADAPTER, file=inside[2], must=False)


def _variants(model: Model) -> Iterator[Need]:
    for variant in model.variants.values():
        lora = getattr(variant, "lora", None)
        if lora is not None and lora.repo is not None:
            yield Need(lora.repo, lora.revision, Part.ADAPTER)
