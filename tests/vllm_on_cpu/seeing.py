"""What makes a tiny model a Qwen3-VL: the part that sees, and the files that say how pictures are cut up. Pure.

Its weights are small and random: pictures are computed for real, and what comes of them changes no reply.
"""

import random
from typing import Any

from tests.vllm_on_cpu.checkpoint import Tensor, filled, noise
from tests.vllm_on_cpu.tokenizer import IMAGE, VIDEO, VISION_ENDS, VISION_STARTS, Vocabulary

TEXT = "model.language_model."
PROCESSOR = "Qwen3VLProcessor"
SIZE, INNER, BLOCKS, HEADS = 64, 128, 2, 2
CHANNELS, PATCH, FRAMES, MERGED = 3, 16, 2, 2
POSITIONS = 64

_CUT: dict[str, Any] = {
    "size": {"shortest_edge": 32 * 32, "longest_edge": 512 * 512},  # pixels in all
    "patch_size": PATCH,
    "temporal_patch_size": FRAMES,
    "merge_size": MERGED,
    "image_mean": [0.5] * CHANNELS,
    "image_std": [0.5] * CHANNELS,
    "processor_class": PROCESSOR,
}
FILES: dict[str, dict[str, Any]] = {
    "preprocessor_config.json": _CUT | {"image_processor_type": "Qwen2VLImageProcessorFast"},
    "video_preprocessor_config.json": _CUT | {"video_processor_type": "Qwen3VLVideoProcessor"},
}


def config(text: dict[str, Any], words: Vocabulary) -> dict[str, Any]:
    rope = {"rope_type": "default", "mrope_interleaved": True, "mrope_section": [12, 10, 10]}
    vision = {
        "model_type": "qwen3_vl",
        "depth": BLOCKS,
        "hidden_size": SIZE,
        "hidden_act": "gelu_pytorch_tanh",
        "intermediate_size": INNER,
        "num_heads": HEADS,
        "in_channels": CHANNELS,
        "patch_size": PATCH,
        "spatial_merge_size": MERGED,
        "temporal_patch_size": FRAMES,
        "out_hidden_size": text["hidden_size"],
        "num_position_embeddings": POSITIONS,
        "deepstack_visual_indexes": list(range(BLOCKS)),
    }
    return {
        "architectures": ["Qwen3VLForConditionalGeneration"],
        "model_type": "qwen3_vl",
        "text_config": text | {"model_type": "qwen3_vl_text", "rope_scaling": rope},
        "vision_config": vision,
        "image_token_id": words.id(IMAGE),
        "video_token_id": words.id(VIDEO),
        "vision_start_token_id": words.id(VISION_STARTS),
        "vision_end_token_id": words.id(VISION_ENDS),
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
    }


def beside(text: dict[str, Tensor], hidden: int) -> dict[str, Tensor]:
    """All of the weights: those for words under the names that they have here, and those for pictures."""
    return {name.replace("model.", TEXT, 1): tensor for name, tensor in text.items()} | _weights(hidden)


def _weights(hidden: int) -> dict[str, Tensor]:
    chance = random.Random(2)

    def linear(name: str, rows: int, *columns: int) -> dict[str, Tensor]:
        return {f"{name}.weight": noise(chance, rows, *columns), f"{name}.bias": filled(rows)}

    def norm(name: str, size: int) -> dict[str, Tensor]:
        return {f"{name}.weight": filled(size, value=1.0), f"{name}.bias": filled(size)}

    def merger(name: str, normed: int) -> dict[str, Tensor]:
        side = SIZE * MERGED * MERGED
        first, second = linear(f"{name}.linear_fc1", side, side), linear(f"{name}.linear_fc2", hidden, side)
        return norm(f"{name}.norm", normed) | first | second

    seen = linear("patch_embed.proj", SIZE, CHANNELS, FRAMES, PATCH, PATCH)
    seen |= {"pos_embed.weight": noise(chance, POSITIONS, SIZE)}
    for block in (f"blocks.{number}" for number in range(BLOCKS)):
        seen |= norm(f"{block}.norm1", SIZE) | norm(f"{block}.norm2", SIZE)
        seen |= linear(f"{block}.attn.qkv", 3 * SIZE, SIZE) | linear(f"{block}.attn.proj", SIZE, SIZE)
        seen |= linear(f"{block}.mlp.linear_fc1", INNER, SIZE) | linear(f"{block}.mlp.linear_fc2", SIZE, INNER)
    seen |= merger("merger", SIZE)
    for number in range(BLOCKS):
        seen |= merger(f"deepstack_merger_list.{number}", SIZE * MERGED * MERGED)
    return {f"model.visual.{name}": tensor for name, tensor in seen.items()}
