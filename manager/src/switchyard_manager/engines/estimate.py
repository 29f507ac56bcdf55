"""Guess how much GPU memory a model takes, from its files. To warn and to advise, never to refuse.

What a model held when it last ran is better than any formula; this is for before it has. For language models
the formula is KAITO's: weights and a little, a fixed part, and the keys and values of one full context, counted
by the heads that are really stored.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MIB = 2**20

WEIGHTS_FACTOR = 1.02
RUNTIME_MIB = 2355  # CUDA context, graphs, buffers of the libraries: 2.3 GiB
ACTIVATION_SHARE = 0.05  # of the weights
PICTURE_MIB = 2048  # activations of an image pipeline at usual sizes
USUAL_CONTEXT = 32_768  # assumed where nobody says, if the model can do as much
KV_BYTES = 2  # of a number in the cache

FORMATS = ("*.safetensors", "*.gguf", "*.bin", "*.pt", "*.pth")  # the first that is there is what gets loaded
VARIANT = re.compile(r"\.(fp16|bf16|fp32|non_ema)(?=[.-])")


@dataclass(frozen=True, slots=True)
class Estimate:
    """MiB on each GPU."""

    weights_mib: int
    overhead_mib: int
    cache_mib: int | None = None  # keys and values of `context` tokens; None: the model's files do not tell
    context: int | None = None

    @property
    def total_mib(self) -> int:
        return self.weights_mib + self.overhead_mib + (self.cache_mib or 0)


def estimate_mib(
    config: Mapping[str, Any],
    weights_bytes: int,
    context: int | None = None,
    *,
    gpus: int = 1,
    kv_bytes: int = KV_BYTES,
) -> Estimate:
    """`config` is what the model's config.json says, or the model_index.json of an image pipeline."""
    share_mib = weights_bytes / MIB / gpus
    if "_class_name" in config:
        return Estimate(math.ceil(share_mib), PICTURE_MIB)
    shape = _text_part(config)
    context = context or min(
        _number(shape, "max_position_embeddings", "n_positions") or USUAL_CONTEXT, USUAL_CONTEXT
    )
    cache_bytes = _cache_bytes(shape, context, gpus)
    return Estimate(
        weights_mib=math.ceil(share_mib * WEIGHTS_FACTOR),
        overhead_mib=math.ceil(RUNTIME_MIB + share_mib * ACTIVATION_SHARE),
        cache_mib=None if cache_bytes is None else math.ceil(cache_bytes * kv_bytes / MIB),
        context=context,
    )


def estimate_folder(folder: Path, context: int | None = None, *, gpus: int = 1) -> Estimate | None:
    """None: this is no folder of a model. Blocking."""
    for name in ("model_index.json", "config.json"):
        try:
            config = json.loads((folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(config, dict):
            return estimate_mib(config, weights_bytes(folder), context, gpus=gpus)
    return None


def weights_bytes(folder: Path) -> int:
    """Bytes of the files that an engine would load: a repository may hold the same weights twice. Blocking."""
    return sum(file.stat().st_size for part in (folder, *_components(folder)) for file in _weights(part))


def _components(folder: Path) -> Iterator[Path]:
    """The parts of an image pipeline: `model_index.json` names each with the library and class that load it."""
    try:
        index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    for name, made_by in index.items() if isinstance(index, dict) else ():
        if isinstance(made_by, list) and any(made_by) and (folder / name).is_dir():
            yield folder / name


def _weights(folder: Path) -> list[Path]:
    for pattern in FORMATS:
        found = [file for file in folder.glob(pattern) if not file.name.startswith("consolidated")]
        plain = [file for file in found if not VARIANT.search(file.name)]
        if found:
            return plain or found
    return []


def _text_part(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """A model that sees keeps the shape of its language part one level down, some two."""
    for name in ("thinker_config", "text_config", "llm_config", "language_config"):
        if isinstance(inner := config.get(name), dict):
            return _text_part(inner)
    return config


def _cache_bytes(shape: Mapping[str, Any], context: int, gpus: int) -> float | None:
    """Numbers in the cache of one GPU, for one full context."""
    layers = _number(shape, "num_hidden_layers", "n_layer", "num_layers")
    per_token = _per_token(shape, gpus)
    if layers is None or per_token is None:
        return None
    return per_token * sum(_lengths(shape, layers, context))


def _lengths(shape: Mapping[str, Any], layers: int, context: int) -> Iterator[int]:
    """How many tokens each layer keeps: all, a window, or none of them (a state of fixed size)."""
    window = _number(shape, "sliding_window") or context
    kinds = shape.get("layer_types")
    if not isinstance(kinds, list) or len(kinds) != layers:
        kinds = ["full_attention"] * layers
    for kind in kinds:
        if kind in ("full_attention", "attention"):
            yield context
        elif kind in ("sliding_attention", "chunked_attention"):
            yield min(context, window)


def _per_token(shape: Mapping[str, Any], gpus: int) -> float | None:
    if latent := _number(shape, "kv_lora_rank"):
        # One latent in place of keys and values, the same on every GPU.
        return latent + (_number(shape, "qk_rope_head_dim") or 0)
    heads = _number(shape, "num_attention_heads", "n_head")
    stored = _number(shape, "num_key_value_heads") or heads
    width = _number(shape, "hidden_size", "n_embd")
    size = _number(shape, "head_dim") or (width // heads if width and heads else None)
    if not stored or not size:
        return None
    # Fewer heads than GPUs: each GPU keeps a whole one.
    return max(1, stored / gpus) * 2 * size


def _number(shape: Mapping[str, Any], *names: str) -> int | None:
    return next((shape[name] for name in names if isinstance(shape.get(name), int) and shape[name] > 0), None)
