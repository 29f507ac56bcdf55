"""What a model is, told from the names in its files. Pure but for reading two small ones."""

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from switchyard_image_server.errors import StartCode, StartFailure

PIPELINE_FILE = "model_index.json"
CONFIG_FILE = "config.json"


class Kind(StrEnum):
    TEXT = "text"
    VISION = "vision"
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Identity:
    """`class_name` is the pipeline's class, for images."""

    kind: Kind
    class_name: str | None = None


def identify(model: str, pipeline: str | None, config: str | None) -> Identity:
    """From the texts of the two files, `None` for one that is not there."""
    if pipeline is not None:
        class_name = _object(model, PIPELINE_FILE, pipeline).get("_class_name")
        if not isinstance(class_name, str):
            raise _unsupported(model, f"{PIPELINE_FILE} names no pipeline class")
        return Identity(Kind.IMAGE, class_name)
    if config is None:
        raise StartFailure(
            StartCode.MODEL_NOT_FOUND,
            f"cannot load {model}: it has neither {PIPELINE_FILE} nor {CONFIG_FILE}, so it is no model",
        )
    return Identity(Kind.VISION if "vision_config" in _object(model, CONFIG_FILE, config) else Kind.TEXT)


def identify_folder(folder: Path) -> Identity:
    if not folder.is_dir():
        raise StartFailure(StartCode.MODEL_NOT_FOUND, f"cannot load {folder}: there is no such folder")
    return identify(str(folder), _text(folder / PIPELINE_FILE), _text(folder / CONFIG_FILE))


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _object(model: str, file: str, text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError:
        raise _unsupported(model, f"{file} is not JSON") from None
    if not isinstance(content, dict):
        raise _unsupported(model, f"{file} is not an object")
    return content


def _unsupported(model: str, why: str) -> StartFailure:
    return StartFailure(StartCode.UNSUPPORTED_MODEL, f"cannot load {model}: {why}")
