"""Files to begin from, and what is told about them."""

from typing import Any

import pytest

from switchyard_contracts.catalog import CatalogRefused, read_catalog

GPU_A, GPU_B = "GPU-aaaa", "GPU-bbbb"


def told(text: str) -> list[str]:
    with pytest.raises(CatalogRefused) as refused:
        read_catalog(text)
    return [str(fault) for fault in refused.value.faults]


def model(**fields: Any) -> dict[str, Any]:
    """A file with one good model, but for what a test adds; `...` takes a field away."""
    entry = {"type": "text", "repo": "Qwen/Qwen3-8B"} | fields
    return {"models": {"a": {key: value for key, value in entry.items() if value is not ...}}}


def container(**fields: Any) -> dict[str, Any]:
    return model(**{"type": ..., "repo": ..., "container": "box", "port": 8001, **fields})


def image(**fields: Any) -> dict[str, Any]:
    return model(type="image", **fields)


def args(**flags: Any) -> dict[str, Any]:
    return model(engine_args=flags)
