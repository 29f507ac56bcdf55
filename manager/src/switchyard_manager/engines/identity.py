"""Tell whether two runs were started with the same specification: one hash of all that an engine is given.

Hashes outlive this process, as labels of containers and as keys of what was learned. So the form is fixed: what
is unset is left out, and a field that the catalog gains later changes no hash until somebody sets it. Where it
runs is not part of it, nor what is Switchyard's own business (name, priority, idle time, aliases …).
"""

import hashlib
import json
import os
from typing import Any

from switchyard_contracts.catalog import Engine, Lora, Model, args_as_written
from switchyard_manager.places import Places

AS_THEY_STAND = (
    "type",
    "engine",
    "repo",
    "revision",
    "gpus",
    "context_length",
    "extra_args",
    "env",
    "container",
    "port",
    "vram_mib",
    "sleep",
)


def spec_hash(model: Model, places: Places) -> str:
    said = model.model_dump(mode="json", include=set(AS_THEY_STAND), exclude_none=True)
    said |= {
        "engine_args": args_as_written(model).model_dump(mode="json", exclude_none=True),
        "image": _image(model, places),
        "mounts": [
            {"source": _resolved(mount.source, places), "target": mount.target, "read_only": mount.read_only}
            for mount in model.mounts
        ],
        "path": _resolved(model.path, places) if model.path else None,
        "lora": {
            name: _adapter(variant.lora, places) for name, variant in model.variants.items() if variant.lora
        },
    }
    return hashlib.sha256(_canonical(said).encode()).hexdigest()


def _canonical(said: dict[str, Any]) -> str:
    kept = {name: value for name, value in said.items() if value not in (None, {}, [])}
    return json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _image(model: Model, places: Places) -> str | None:
    """The one it would be made from: a new pin makes a running engine outdated."""
    if model.image is not None:
        return model.image
    match model.engine:
        case Engine.VLLM:
            return places.vllm_image
        case Engine.IMAGE_SERVER:
            return places.image_server_image
        case Engine.CONTAINER:
            return None


def _adapter(lora: Lora, places: Places) -> dict[str, str]:
    said = lora.model_dump(exclude_none=True)
    return said if lora.path is None else said | {"path": _resolved(lora.path, places)}


def _resolved(path: str, places: Places) -> str:
    return os.path.normpath(places.weights(path))
