"""Find the files of the operator's LoRAs, when the model is loaded: what is missing is told then.

A source is a safetensors file, a folder or a repository that holds one, or `owner/name/file.safetensors`.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from switchyard_image_server.errors import StartCode, StartFailure
from switchyard_image_server.images.lora_names import ENDING
from switchyard_image_server.settings import NamedLora

MAX_HEADER = 100 * 1024 * 1024  # safetensors' own limit
TITLES = ("modelspec.title", "ss_output_name", "title", "name")

Fetch = Callable[[str, str, NamedLora], Path]  # of a repository, a file in it or "", and whose it is


def file_of(lora: NamedLora, fetch: Fetch) -> Path:
    """On this machine, fetched if need be. Raises `StartFailure`."""
    path = Path(lora.source).expanduser()
    if path.is_dir():
        return path / only_one([one.name for one in sorted(path.glob(f"*{ENDING}"))], lora)
    if path.is_file():
        if path.suffix != ENDING:
            raise failure(lora, f"LoRAs are read from {ENDING} files only")
        return path
    owner, _, rest = lora.source.partition("/")
    name, _, inside = rest.partition("/")
    if lora.source.startswith((".", "/", "~")) or not (owner and name):
        raise failure(lora, "there is no such file or folder")
    if inside and not inside.endswith(ENDING):
        raise failure(lora, f"LoRAs are read from {ENDING} files only")
    return fetch(f"{owner}/{name}", inside, lora)


def only_one(names: Sequence[str], lora: NamedLora) -> str:
    if len(names) != 1:
        told = ", ".join(names[:8]) or "none"
        raise failure(lora, f"name one file: it holds {len(names)} {ENDING} files ({told})")
    return names[0]


def title_of(path: Path) -> str:
    """What the file says it is, from its header; nothing if it says nothing, or is no safetensors file."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            said = json.loads(file.read(length)) if length <= MAX_HEADER else {}
    except (OSError, ValueError):
        return ""
    metadata = said.get("__metadata__") if isinstance(said, dict) else None
    return (
        " ".join(str(metadata[key]) for key in TITLES if key in metadata) if isinstance(metadata, dict) else ""
    )


def failure(lora: NamedLora, why: str) -> StartFailure:
    return StartFailure(
        StartCode.BAD_ENGINE_ARGUMENT,
        f"cannot load the LoRA {lora.name} from {lora.source}: {why}; mend --lora",
    )
