"""Which files of a repository an engine needs. Pure: it is told the names, and what two small files say.

A repository often holds the same weights several times: as safetensors and as .bin, whole and in shards, in the
form of another library. One form is enough, and the wrong total is worse than none.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatch
from typing import Any

from switchyard_manager.engines.estimate import FORMATS, VARIANT
from switchyard_manager.model_files.needs import Need, Part

PIPELINE, CONFIG, MODULES = "model_index.json", "config.json", "modules.json"
TOLD_FIRST = (PIPELINE, CONFIG)  # what has to be read before the rest can be chosen

SMALL = (".json", ".txt", ".jinja", ".model", ".tiktoken", ".py", ".yaml", ".jinja2", ".spm", ".vocab", ".bpe")
OTHER_FORMS = ("original/", "onnx/", "openvino/", "coreml/", "flax/", "gguf/", "metal/", ".git")
CONSOLIDATED = "consolidated*"
SHARD = re.compile(r"-\d{5}-of-\d{5}(?=\.\w+$)")
MISTRALS_TOKENIZER = re.compile(r"tokenizer\.model\.v\d+(m\d+)?$")
MOST_TOLD = 8


class Unclear(Exception):
    """Nothing says which files are meant; the message is for the operator."""


def choose(need: Need, names: Collection[str], told: Mapping[str, Any]) -> tuple[str, ...]:
    """`told`: what those of `TOLD_FIRST` say that there are. Raises `Unclear`."""
    if need.file is not None:
        if need.file not in names:
            raise Unclear(f"it holds no file {need.file}")
        return (need.file,)
    kept = [name for name in names if not name.startswith(OTHER_FORMS)]
    chosen = _chosen(need.part, kept, told)
    if need.part is not Part.SMALL and not any(map(is_weights, chosen)):
        raise Unclear(_no_weights(names))
    return tuple(name for name in names if name in chosen)


def _chosen(part: Part, names: Collection[str], told: Mapping[str, Any]) -> set[str]:
    match part:
        case Part.SMALL:
            return _small(names)
        case Part.ADAPTER:
            return {*_small(names), *_weights(names, "")}
        case Part.MISTRAL:
            return {*_small(names), *(name for name in names if fnmatch(name, f"{CONSOLIDATED}.safetensors"))}
        case Part.MODEL:
            return _pipeline(names, told.get(PIPELINE)) if PIPELINE in names else _model(names)


def is_weights(name: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in FORMATS)


def is_whole(names: Collection[str], told: Mapping[str, Any]) -> bool:
    """Whether a folder holds weights, and all that its own lists name. For what somebody else downloaded."""
    listed = {
        f"{_folder(name)}{shard}"
        for name, said in told.items()
        if name.endswith(".index.json") and isinstance(said, dict)
        for shard in dict(said.get("weight_map") or {}).values()
    }
    parts = {f"{part}/" for part in _components(told.get(PIPELINE))}
    there = all(any(name.startswith(part) for name in names) for part in parts)
    return there and listed <= set(names) and any(map(is_weights, names))


def other_repositories(told: Mapping[str, Any]) -> tuple[str, ...]:
    """Those that `auto_map` takes code from: "owner/name--module.Class"."""
    config = told.get(CONFIG)
    mapped = config.get("auto_map") if isinstance(config, dict) else None
    said = json.dumps(mapped or {})
    return tuple(dict.fromkeys(re.findall(r'"([\w.-]+/[\w.-]+)--', said)))


def _small(names: Iterable[str]) -> set[str]:
    return {name for name in names if name.endswith(SMALL) or MISTRALS_TOKENIZER.search(name)}


def _model(names: Collection[str]) -> set[str]:
    weights = set(_weights(names, ""))
    if not weights:
        weights = set(_only_gguf(names))
    # A model of several parts (a sentence transformer) keeps the later ones in folders of their own.
    for folder in {_folder(name) for name in names if MODULES in names} - {""}:
        weights |= set(_weights(names, folder))
    return _small(names) | weights


def _pipeline(names: Collection[str], index: Any) -> set[str]:
    """The parts that `model_index.json` names. At the root there may be all of it again, in one file."""
    chosen = {name for name in names if "/" not in name and name.endswith(SMALL)}
    for part in _components(index):
        inside = [name for name in names if name.startswith(f"{part}/")]
        chosen |= _small(inside) | set(_weights(inside, f"{part}/"))
    return chosen


def _components(index: Any) -> list[str]:
    if not isinstance(index, dict):
        return []
    return [name for name, made_by in index.items() if isinstance(made_by, list) and any(made_by)]


def _weights(names: Iterable[str], folder: str) -> list[str]:
    """Directly in a folder, in the first form that is there; of numbers in other formats, only if no others."""
    here = [name for name in names if _folder(name) == folder]
    for pattern in FORMATS:
        if pattern == "*.gguf":
            continue
        found = [name for name in here if fnmatch(name, f"{folder}{pattern}")]
        plain = [name for name in found if not fnmatch(_base(name), CONSOLIDATED)] or found
        if plain:
            return [name for name in plain if not VARIANT.search(_base(name))] or plain
    return []


def _only_gguf(names: Iterable[str]) -> list[str]:
    """Of several there is no telling which is meant: each is the whole model."""
    found = [name for name in names if name.endswith(".gguf") and not _base(name).startswith("mmproj")]
    whole = {SHARD.sub("", name) for name in found}
    if len(whole) > 1:
        told = ", ".join(sorted(whole)[:MOST_TOLD]) + (" …" if len(whole) > MOST_TOLD else "")
        raise Unclear(
            f"it holds the model {len(whole)} times, as GGUF files ({told}), and nothing says which is meant"
        )
    return found


def _no_weights(names: Collection[str]) -> str:
    told = ", ".join(sorted(names)[:MOST_TOLD]) or "none at all"
    return f"it holds no weights that an engine could load; its files: {told}"


def _folder(name: str) -> str:
    head, slash, _ = name.rpartition("/")
    return head + slash


def _base(name: str) -> str:
    return name.rpartition("/")[2]
