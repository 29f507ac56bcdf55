"""Entries of a catalog for tiny models that vLLM serves on a CPU."""

from pathlib import Path
from typing import Any

KV_CACHE = 64 * 2**20  # 65,536 tokens; and with a size of its own vLLM does not ask how much memory is free
CONTEXT = 4096

# float32: with bfloat16 some CPUs end vLLM at a short first prompt ("Illegal instruction").
ENGINE_ARGS: dict[str, Any] = {"dtype": "float32", "enforce_eager": True, "kv_cache_memory_bytes": KV_CACHE}
TOOLS = {"enable_auto_tool_choice": True, "tool_call_parser": "hermes"}
# Only with a `Tiny` that thinks: what does not is taken for a thought that has no end.
THINKING = {"reasoning_parser": "qwen3"}
# A GPU that is only reckoned with: what says that it is there computes on the CPU, and may sleep.
CARD = "GPU-00000000-0000-0000-0000-000000000001"


def card(vram_mib: int, uuid: str = CARD) -> dict[str, Any]:
    """An item of the catalog's `gpus`."""
    return {"uuid": uuid, "vram_mib": vram_mib, "devices": []}


def text_model(path: Path, *parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    """`parts`: of `engine_args`, such as TOOLS; `more`: other fields, such as `gpus=[CARD], vram_mib=4000`."""
    arguments = dict(ENGINE_ARGS)
    for part in parts:
        arguments |= part
    entry = {"type": "text", "engine": "vllm", "path": str(path), "gpus": 0, "context_length": CONTEXT}
    return entry | {"engine_args": arguments} | more


def embeddings_model(path: Path, **more: Any) -> dict[str, Any]:
    return text_model(path, {"runner": "pooling", "convert": "embed"}, **more)
