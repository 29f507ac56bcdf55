"""What a model's own files say of it, where they are on this machine already. Blocking; believes no file.

Reading never raises: what is missing, too large or makes no sense says nothing.
"""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from switchyard_contracts.catalog import Engine, Files, Lora, Model, VllmArgs, settle
from switchyard_contracts.catalog.families import NEEDED
from switchyard_manager.places import Places

LARGEST_FILE = 8 * 2**20  # a tokenizer's configuration may list every token that was ever added
COMMIT = re.compile(r"[0-9a-f]{40}")
VOCABULARIES = ("tokenizer.json", "vocab.json", "tekken.json", "tokenizer.model*")
PIECE, LONGEST_WORD = 2**20, 100
ADDED = ("tokenizer_config.json", "added_tokens.json")


def settle_by_files(model: Model, places: Places) -> Model:
    """The model with what follows from its files; where there are none yet, from its name."""
    if model.engine is not Engine.VLLM:
        return model
    folder = folder_of(model, places)
    if folder is None:
        return settle(model)
    args = model.engine_args if isinstance(model.engine_args, VllmArgs) else VllmArgs()
    said = read_files(folder, own_template=not args.chat_template, own_words=not args.tokenizer)
    return settle(model, said)


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
    folder = home / "snapshots" / commit if COMMIT.fullmatch(commit) else None
    return folder if folder is not None and folder.is_dir() else None


def read_files(folder: Path, *, own_template: bool = True, own_words: bool = True) -> Files:
    """`own_template`: chats go by the template that is here; `own_words`: texts by the tokenizer that is."""
    config = _object_in(folder / "config.json")
    kind, architectures = config.get("model_type"), config.get("architectures")
    return Files(
        kind=kind if isinstance(kind, str) else None,
        architectures=tuple(map(str, architectures)) if isinstance(architectures, list) else (),
        template=_template(folder) if own_template else None,
        embeds=(folder / "modules.json").is_file() or (folder / "1_Pooling").is_dir(),
        lacks=_lacks(folder) if own_words else frozenset(),
    )


def lora_rank(folder: Path) -> int | None:
    """The highest in it: some layers may have one of their own."""
    said = _object_in(folder / "adapter_config.json")
    by_layer = said.get("rank_pattern")
    ranks = [said.get("r"), *(by_layer.values() if isinstance(by_layer, dict) else ())]
    return max((rank for rank in ranks if isinstance(rank, int) and rank > 0), default=None)


def _lacks(folder: Path) -> frozenset[str]:
    """Of the words that parsers need. None, where the vocabulary is not here in a form that can be searched."""
    whole = [file for pattern in VOCABULARIES for file in folder.glob(pattern)]
    if not whole:
        return frozenset()
    found: set[str] = set()
    for file in (*whole, *(folder / name for name in ADDED)):
        try:
            state = file.stat()
            found |= _words_in(file, state.st_mtime_ns, state.st_size)
        except (OSError, ValueError):
            if file in whole:
                return frozenset()
    return NEEDED - found


@lru_cache(maxsize=256)
def _words_in(file: Path, changed_ns: int, size: int) -> frozenset[str]:
    """Searched and not parsed: it may have tens of megabytes, and is asked for again and again."""
    missing, before = {word: _forms(file, word) for word in NEEDED}, b""
    with file.open("rb") as opened:
        while missing and (piece := opened.read(PIECE)):
            text = before + piece
            missing = {word: forms for word, forms in missing.items() if not any(one in text for one in forms)}
            before = text[-LONGEST_WORD:]
    return NEEDED - missing.keys()


def _forms(file: Path, word: str) -> tuple[bytes, ...]:
    """In JSON a word stands in quotes; in a chat template it does not."""
    if file.suffix != ".json":
        return (word.encode(),)
    return json.dumps(word, ensure_ascii=False).encode(), json.dumps(word).encode()


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
