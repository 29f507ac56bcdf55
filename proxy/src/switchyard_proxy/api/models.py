"""`GET /v1/models` and `/v1/models/{id}`, from what the manager last said: asked often, so it costs nothing.

A model is listed whether it is loaded or not. An alias is no entry of its own, but is found by its name.
"""

import json
from typing import Any

from switchyard_contracts.catalog import Capability, ModelType
from switchyard_contracts.grants import Loading
from switchyard_contracts.status import ModelStatus, Phase
from switchyard_proxy.grants.known_models import KnownModels, model_named

# The words of llama.cpp's router, which clients show as a badge.
VALUES: dict[Phase, str] = {
    Phase.STOPPED: "unloaded",
    Phase.STARTING: "loading",
    Phase.LOADING: "loading",
    Phase.WARMING: "loading",
    Phase.READY: "loaded",
    Phase.DRAINING: "loaded",
    Phase.SLEEPING: "sleeping",
    Phase.ASLEEP: "sleeping",
    Phase.WAKING: "loading",
    Phase.STOPPING: "unloaded",
    Phase.FAILED: "failed",
    Phase.STOP_FAILED: "failed",
}
MODALITIES: dict[ModelType, tuple[tuple[str, ...], tuple[str, ...]]] = {
    ModelType.TEXT: (("text",), ("text",)),
    ModelType.VISION: (("text", "image"), ("text",)),
    ModelType.IMAGE: (("text",), ("image",)),
}


def models(known: KnownModels, created: int) -> bytes:
    """Raises `Unavailable` before the manager was ever met."""
    listed = [_shown(model, known.loading.get(model.name), created) for model in known.now().models]
    return json.dumps({"object": "list", "data": listed}).encode()


def model(known: KnownModels, name: str, created: int) -> bytes:
    """Raises `Unavailable` before the manager was ever met, and `Refused` for a name that nobody has."""
    found = model_named(known.now(), name)
    return json.dumps(_shown(found, known.loading.get(found.name), created)).encode()


def _shown(model: ModelStatus, loading: Loading | None, created: int) -> dict[str, Any]:
    inputs, outputs = MODALITIES[model.type]
    if Capability.IMAGE_EDITS in model.capabilities and "image" not in inputs:
        inputs = (*inputs, "image")
    shown: dict[str, Any] = {
        "id": model.name,
        "object": "model",
        "created": created,
        "owned_by": "switchyard",
        "name": model.name,
        "type": model.type,
        "aliases": model.aliases,
        "status": _status(model, loading),
        "architecture": {"input_modalities": inputs, "output_modalities": outputs},
    }
    if model.context_length is not None:
        shown |= {"context_length": model.context_length, "max_model_len": model.context_length}
    if model.description is not None:
        shown["description"] = model.description
    return shown


def _status(model: ModelStatus, loading: Loading | None) -> dict[str, Any]:
    status: dict[str, Any] = {"value": VALUES[model.phase], "phase": model.phase}
    if model.failure is not None and VALUES[model.phase] == "failed":
        status |= {"failed": True, "reason": model.failure.reason, "message": model.failure.sentence()}
    if loading is not None and loading.progress is not None:
        status["progress"] = loading.progress
    return status
