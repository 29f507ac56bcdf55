"""What a model's own files say of it, where they are on this machine already. Blocking; believes no file.

Reading never raises: what is missing, too large or makes no sense says nothing.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from switchyard_contracts.catalog import Engine, Files, Lora, Model, VllmArgs, settle
from switchyard_manager.places import Places

LARGEST_FILE = 8 * 2**20  # a tokenizer's configuration may list every token that was ever added
COMMIT = re.compile(r"[0-9a-f]{40}")


def settle_by_files(model: Model, places: Places) -> Model:
    """The model with what follows from its files; where there are none yet, from its name."""
    if model.engine is not Engine.VLLM:
        return model
    folder = folder_of(model, places)
    return settle(model, None if folder is None else read_files(folder, own_template=_has_template(model)))


def folder_of(model: Model | Lora, places: Places) -> Path | None:
    if model.path is not None:
        folder = places.weights(model.path)
        return folder if folder.is_dir() else None
    return snapshot(model.repo, model.revision, places) if model.repo else None


def snapshot(repo: str, revision: str | None, places: Places) -> Path | None:
    """Where the Hub's cache on this machine has that revision of it."""
    home = places.hub / f"models--{repo.replace('/', '--')}"
    wanted = revision or "main"
    commit = wanted if COMMIT.fullmatch(wanted) else _line(home / "refs" / wanted)
    folder = home / "snapshots" / commit if commit else None
    return folder if folder is not None and folder.is_dir() else None


def read_files(folder: Path, *, own_template: bool = True) -> Files:
    """`own_template`: chats go by the template that is here."""
    config = _object_in(folder / "config.json")
    kind, architectures = config.get("model_type"), config.get("architectures")
    return Files(
        kind=kind if isinstance(kind, str) else None,
        architectures=tuple(map(str, architectures)) if isinstance(architectures, list) else (),
        template=_template(folder) if own_template else None,
        embeds=(folder / "modules.json").is_file() or (folder / "1_Pooling").is_dir(),
    )


def lora_rank(folder: Path) -> int | None:
    """The highest in it: some layers may have one of their own."""
    said = _object_in(folder / "adapter_config.json")
    by_layer = said.get("rank_pattern")
    ranks = [said.get("r"), *(by_layer.values() if isinstance(by_layer, dict) else ())]
    return max((rank for rank in ranks if isinstance(rank, int) and rank > 0), default=None)


def _has_template(model: Model) -> bool:
    args = model.engine_args
    return not (isinstance(args, VllmArgs) and args.chat_template)


def _template(folder: Path) -> str | None:
    if (text := _text_of(folder / "chat_template.jinja")) is not None:
        return text
    said = _object_in(folder / "chat_template.json") or _object_in(folder / "tokenizer_config.json")
    return "\n".join(_templates(said.get("chat_template"))) or None


def _templates(said: Any) -> Iterator[str]:
    """One, or several by name: the default, and another for tools."""
    if isinstance(said, str):
        yield said
    elif isinstance(said, list):
        for one in said:
            if isinstance(one, dict) and isinstance(text := one.get("template"), str):
                yield text


def _object_in(file: Path) -> dict[str, Any]:
    text = _text_of(file)
    try:
        value = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _line(file: Path) -> str:
    return (_text_of(file) or "").strip()


def _text_of(file: Path) -> str | None:
    try:
        if not file.is_file() or file.stat().st_size > LARGEST_FILE:
            return None
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
