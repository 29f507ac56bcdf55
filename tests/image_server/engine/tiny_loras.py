"""LoRAs with random weights for a tiny transformer, in the layouts that they are published in."""

from pathlib import Path
from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before diffusers

# isort: split
import torch
from safetensors.torch import save_file

RANK = 4
STRENGTH = 0.5


def _pairs(transformer: Any, seed: int) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """For each projection of the attention: down, and up again."""
    generator = torch.Generator().manual_seed(seed)

    def noise(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator) * STRENGTH

    return {
        name.replace(".base_layer", ""): (noise(RANK, module.in_features), noise(module.out_features, RANK))
        for name, module in transformer.named_modules()
        if isinstance(module, torch.nn.Linear) and ".attn." in name and ".lora_" not in name
    }


def write_peft(file: Path, transformer: Any, seed: int = 1) -> Path:
    tensors: dict[str, torch.Tensor] = {}
    for name, (down, up) in _pairs(transformer, seed).items():
        tensors[f"transformer.{name}.lora_A.weight"] = down
        tensors[f"transformer.{name}.lora_B.weight"] = up
    save_file(tensors, file, metadata={"format": "pt"})
    return file


def write_lightning(file: Path, transformer: Any, seed: int = 1, title: str | None = None) -> Path:
    """The same weights as `write_peft`, as Qwen-Image-Lightning names them."""
    tensors: dict[str, torch.Tensor] = {}
    for name, (down, up) in _pairs(transformer, seed).items():
        tensors[f"{name}.lora_down.weight"] = down
        tensors[f"{name}.lora_up.weight"] = up
        tensors[f"{name}.alpha"] = torch.tensor(float(RANK))
    save_file(tensors, file, metadata={"format": "pt"} | ({"modelspec.title": title} if title else {}))
    return file
