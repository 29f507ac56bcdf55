"""Qwen-Image-2.1 in its real measure, with random weights: as slow and as large as the real one, and as free.

The widths and depths of transformer and VAE are what Diffusers' classes say when nothing is said, which is the
published model; those of the text encoder are Qwen3-VL-8B's.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before diffusers and transformers

# isort: split
import torch
from diffusers import (
    AutoencoderKLQwenImage21,
    QwenImage21Pipeline,
    QwenImage21Transformer2DModel,
)
from transformers import AutoProcessor, Qwen3VLConfig, Qwen3VLForConditionalGeneration

from switchyard_image_server.demo.language import write_language_model
from switchyard_image_server.demo.picture import published_scheduler
from switchyard_image_server.demo.replies import plain_script

TILE = 16  # pixels that one token of the transformer covers, each way


@dataclass(frozen=True, slots=True)
class Geometry:
    """What differs from the classes' own measure; empty is the real model."""

    transformer: dict[str, Any] = field(default_factory=dict)
    vae: dict[str, Any] = field(default_factory=dict)
    text: dict[str, Any] = field(default_factory=dict)
    vision: dict[str, Any] = field(default_factory=dict)


REAL = Geometry(
    text={
        "hidden_size": 4096,
        "intermediate_size": 12288,
        "num_hidden_layers": 36,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "vocab_size": 151936,
    },
    vision={"out_hidden_size": 4096},
)
TINY = Geometry(
    transformer={
        "in_channels": 16,
        "out_channels": 16,
        "num_layers": 2,
        "attention_head_dim": 16,
        "num_attention_heads": 2,
        "context_in_dim": 32,
        "axes_dims_rope": (8, 4, 4),
    },
    vae={
        "base_dim": 4,
        "decoder_base_dim": 4,
        "z_dim": 16,
        "dim_mult": [1, 1, 1, 1, 1],
        "num_res_blocks": 1,
        "latents_mean": [0.0] * 16,
        "latents_std": [1.0] * 16,
    },
    text={
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
    },
    vision={
        "depth": 3,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "out_hidden_size": 32,
        "num_position_embeddings": 64,
        "deepstack_visual_indexes": [0, 1],
    },
)
GEOMETRIES = {"real": REAL, "tiny": TINY}


def write(folder: Path, geometry: Geometry, device: str, sigmas: list[float] | None = None) -> None:
    """`sigmas` makes it a Turbo: a model with a schedule of its own."""
    words = folder.with_name(f"{folder.name}-words")
    write_language_model(words, plain_script("encoder"), vision=True)
    processor = AutoProcessor.from_pretrained(words)
    torch.manual_seed(0)
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            pipeline = QwenImage21Pipeline(
                scheduler=published_scheduler(),
                vae=AutoencoderKLQwenImage21(**geometry.vae).eval(),
                text_encoder=_text_encoder(geometry, words),
                processor=processor,
                transformer=QwenImage21Transformer2DModel(**geometry.transformer).eval(),
                sample_sigmas=sigmas,
            )
    finally:
        torch.set_default_dtype(usual)
    pipeline.save_pretrained(folder)


def _text_encoder(geometry: Geometry, words: Path) -> Any:
    config = Qwen3VLConfig.from_pretrained(words)
    for part, said in ((config.text_config, geometry.text), (config.vision_config, geometry.vision)):
        for name, value in said.items():
            setattr(part, name, value)
    config.tie_word_embeddings = config.text_config.tie_word_embeddings = False
    return Qwen3VLForConditionalGeneration(config).eval()


def flops_of_a_step(parameters: int, side: int, width: int, layers: int) -> float:
    """Of the transformer, at guidance 1: two for each weight and token, and attention's four for each pair."""
    tokens = (side // TILE) ** 2
    return 2.0 * parameters * tokens + 4.0 * tokens**2 * width * layers
