"""What an Ollama client is told without any engine being asked: which models there are, run, and can do what.

A catalog knows neither file sizes nor digests. Sizes are what a model claims of the GPUs, digests are made of
names; both only have to be there, and to stay the same.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

from switchyard_contracts.catalog import Capability, ModelType
from switchyard_contracts.status import ModelStatus, Phase
from switchyard_proxy.dialects.events import dumps
from switchyard_proxy.dialects.ollama.replies import timestamp
from switchyard_proxy.dialects.ollama.requests import LATEST

VERSION = "0.12.6"  # of the API: clients refuse to talk to one that is too old
NO_END = "2318-01-01T00:00:00Z"  # what Ollama itself says of a model that stays
MIB = 1024 * 1024
RUNNING = (Phase.READY, Phase.DRAINING)

CAPABILITIES = {
    Capability.CHAT: "completion",
    Capability.COMPLETIONS: "completion",
    Capability.TOOLS: "tools",
    Capability.VISION: "vision",
    Capability.EMBEDDINGS: "embedding",
    Capability.REASONING: "thinking",
}
BY_TYPE = {ModelType.TEXT: ("completion",), ModelType.VISION: ("completion", "vision"), ModelType.IMAGE: ()}


def tags(models: Iterable[ModelStatus], since: int) -> bytes:
    """`GET /api/tags`. Models that paint are left out: nothing in this API asks them."""
    return dumps({"models": [_listed(model, since) for model in _usable(models)]})


def ps(models: Iterable[ModelStatus]) -> bytes:
    """`GET /api/ps`."""
    return dumps({"models": [_running(model) for model in _usable(models) if model.phase in RUNNING]})


def show(model: ModelStatus, since: int) -> bytes:
    """`POST /api/show`."""
    family = model.engine.value
    info: dict[str, Any] = {"general.architecture": family, "general.basename": model.name}
    if model.context_length is not None:
        info[f"{family}.context_length"] = model.context_length
    return dumps(
        {
            "modelfile": f"FROM {model.name}\n",
            "parameters": "",
            "template": "{{ .Prompt }}",
            "license": "",
            "details": _details(model),
            "model_info": info,
            "capabilities": capabilities(model),
            "modified_at": timestamp(since),
        }
    )


def version() -> bytes:
    """`GET /api/version`."""
    return dumps({"version": VERSION})


def pulled(*, streams: bool) -> bytes:
    """`POST /api/pull` of a model that is configured: there is nothing to fetch."""
    steps = ("pulling manifest", "success") if streams else ("success",)
    return b"".join(dumps({"status": step}) + b"\n" for step in steps)


def capabilities(model: ModelStatus) -> list[str]:
    told = [CAPABILITIES[able] for able in model.capabilities if able in CAPABILITIES]
    return list(dict.fromkeys(told or BY_TYPE[model.type]))


def find(models: Iterable[ModelStatus], name: str) -> ModelStatus | None:
    """By name or alias, with or without the tag that clients add."""
    known = {alias: model for model in models for alias in (*model.aliases, model.name)}
    return known.get(name) or known.get(name.removesuffix(LATEST))


def _usable(models: Iterable[ModelStatus]) -> list[ModelStatus]:
    return [model for model in models if model.type is not ModelType.IMAGE]


def _listed(model: ModelStatus, since: int) -> dict[str, Any]:
    return {
        "name": model.name,
        "model": model.name,
        "modified_at": timestamp(since),
        "size": _size(model),
        "digest": _digest(model),
        "details": _details(model),
    }


def _running(model: ModelStatus) -> dict[str, Any]:
    return {
        "name": model.name,
        "model": model.name,
        "size": _size(model),
        "digest": _digest(model),
        "details": _details(model),
        "expires_at": NO_END,
        "size_vram": _size(model),
        "context_length": model.context_length or 0,
    }


def _details(model: ModelStatus) -> dict[str, Any]:
    family = model.engine.value
    return {
        "parent_model": "",
        "format": "safetensors",
        "family": family,
        "families": [family],
        "parameter_size": "",
        "quantization_level": "",
    }


def _size(model: ModelStatus) -> int:
    per_gpu = model.measured_mib or model.claim_mib or 0
    return per_gpu * MIB * max(len(model.gpus), 1)


def _digest(model: ModelStatus) -> str:
    return hashlib.sha256(model.name.encode()).hexdigest()
