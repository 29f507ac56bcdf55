"""Write a scripted language model: real architecture, real files, known text.

Every token of a reply has a code, a random vector of +1 and -1. The embedding of a token is the code of the
token that follows it; the output layer holds the codes themselves. Attention and MLP run for real, but their
output projections are zero, so each step looks the next token up: codes are nearly orthogonal, and the
right one leads by far at any temperature. Text is deterministic, stop tokens and counts are real.

Standard library only: no torch, no network. Transformers and vLLM load the result.
"""

import json
import random
from itertools import pairwise
from pathlib import Path

from switchyard_image_server.demo.replies import Script
from switchyard_image_server.demo.safetensors import Weights, bf16
from switchyard_image_server.demo.template import chat_template
from switchyard_image_server.demo.tokens import Vocabulary, vocabulary, write_tokenizer

HIDDEN = 256
LAYERS = 2
HEADS, KV_HEADS, HEAD_DIM = 2, 1, 64
INTERMEDIATE = 128
CONTEXT = 32_768
OUTPUT_SCALE = 0.25  # the right token gets 64, a chance neighbour hardly ever 20

VISION: dict[str, object] = {
    "model_type": "qwen3_vl",
    "depth": 2,
    "hidden_size": 64,
    "num_heads": 2,
    "intermediate_size": 128,
    "in_channels": 3,
    "patch_size": 16,
    "spatial_merge_size": 2,
    "temporal_patch_size": 2,
    "out_hidden_size": HIDDEN,
    "num_position_embeddings": 64,
    "deepstack_visual_indexes": [0, 1],
    "hidden_act": "gelu_pytorch_tanh",
    "initializer_range": 0.02,
}


def write_language_model(
    folder: Path, script: Script, *, vision: bool = False, think_by_default: bool = False, seed: int = 0
) -> None:
    """A `qwen3` model, or with `vision` a `qwen3_vl` one, that says what the script holds."""
    folder.mkdir(parents=True, exist_ok=True)
    words = vocabulary(script)
    template = chat_template(script, think_by_default=think_by_default)
    write_tokenizer(folder, words, template, CONTEXT, "Qwen3VLProcessor" if vision else None)
    _write_json(folder / "config.json", _vision_config(words) if vision else _text_config(words))
    pad = words.ids["<|endoftext|>"]
    _write_json(folder / "generation_config.json", {"eos_token_id": [words.end, pad], "pad_token_id": pad})
    weights = Weights(seed)
    _add_text(weights, words, "model.language_model." if vision else "model.", seed)
    if vision:
        _write_processors(folder)
        _add_vision(weights, "model.visual.")
    weights.save(folder / "model.safetensors")


def _write_json(path: Path, content: dict[str, object]) -> None:
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def _text_parameters(words: Vocabulary) -> dict[str, object]:
    return {
        "vocab_size": words.size,
        "hidden_size": HIDDEN,
        "intermediate_size": INTERMEDIATE,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS,
        "head_dim": HEAD_DIM,
        "hidden_act": "silu",
        "max_position_embeddings": CONTEXT,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1_000_000.0,
        "attention_bias": False,
        "tie_word_embeddings": False,
        "bos_token_id": None,
        "eos_token_id": words.end,
        "pad_token_id": words.ids["<|endoftext|>"],
        "torch_dtype": "bfloat16",
        "use_cache": True,
    }


def _text_config(words: Vocabulary) -> dict[str, object]:
    return {"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3"} | _text_parameters(words)


def _vision_config(words: Vocabulary) -> dict[str, object]:
    rope = {"rope_type": "default", "mrope_interleaved": True, "mrope_section": [12, 10, 10]}
    return {
        "architectures": ["Qwen3VLForConditionalGeneration"],
        "model_type": "qwen3_vl",
        "text_config": _text_parameters(words) | {"model_type": "qwen3_vl_text", "rope_scaling": rope},
        "vision_config": VISION,
        "image_token_id": words.ids["<|image_pad|>"],
        "video_token_id": words.ids["<|video_pad|>"],
        "vision_start_token_id": words.ids["<|vision_start|>"],
        "vision_end_token_id": words.ids["<|vision_end|>"],
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
    }


def _write_processors(folder: Path) -> None:
    shared: dict[str, object] = {
        "size": {"shortest_edge": 32 * 32, "longest_edge": 512 * 512},
        "patch_size": 16,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
        "processor_class": "Qwen3VLProcessor",
    }
    pictures = shared | {"image_processor_type": "Qwen2VLImageProcessorFast"}
    videos = shared | {"video_processor_type": "Qwen3VLVideoProcessor"}
    _write_json(folder / "preprocessor_config.json", pictures)
    _write_json(folder / "video_preprocessor_config.json", videos)


def _next_tokens(words: Vocabulary) -> list[int]:
    """What follows each token. Whatever is in no reply starts the default one, and so does its end."""
    following = [words.chains["text"][0]] * words.size
    for name, chain in words.chains.items():
        path = [words.marker(name), *chain, words.end]
        for token, after in pairwise(path):
            following[token] = after
    return following


def _codes(words: Vocabulary, seed: int) -> dict[int, int]:
    """One bit per dimension for each token that a reply can contain."""
    bits = random.Random(seed)  # noqa: S311 - weights, not secrets
    speakable = {token for chain in words.chains.values() for token in chain} | {words.end}
    return {token: bits.getrandbits(HIDDEN) for token in sorted(speakable)}


def _row(code: int, scale: float) -> bytes:
    plus, minus = bf16([scale]), bf16([-scale])
    return b"".join(plus if code >> bit & 1 else minus for bit in range(HIDDEN))


def _add_text(weights: Weights, words: Vocabulary, prefix: str, seed: int) -> None:
    codes = _codes(words, seed)
    following = _next_tokens(words)
    silent = bytes(2 * HIDDEN)
    rows = {token: _row(code, 1.0) for token, code in codes.items()}
    embeddings = b"".join(rows[following[token]] for token in range(words.size))
    outputs = (_row(codes[token], OUTPUT_SCALE) if token in codes else silent for token in range(words.size))
    weights.add(f"{prefix}embed_tokens.weight", (words.size, HIDDEN), embeddings)
    for layer in range(LAYERS):
        _add_layer(weights, f"{prefix}layers.{layer}.")
    weights.constant(f"{prefix}norm.weight", (HIDDEN,), 1.0)
    weights.add("lm_head.weight", (words.size, HIDDEN), b"".join(outputs))


def _add_layer(weights: Weights, prefix: str) -> None:
    weights.constant(f"{prefix}input_layernorm.weight", (HIDDEN,), 1.0)
    weights.constant(f"{prefix}post_attention_layernorm.weight", (HIDDEN,), 1.0)
    for projection, heads in (("q", HEADS), ("k", KV_HEADS), ("v", KV_HEADS)):
        weights.normal(f"{prefix}self_attn.{projection}_proj.weight", (heads * HEAD_DIM, HIDDEN), 0.05)
    weights.constant(f"{prefix}self_attn.o_proj.weight", (HIDDEN, HEADS * HEAD_DIM))
    weights.constant(f"{prefix}self_attn.q_norm.weight", (HEAD_DIM,), 1.0)
    weights.constant(f"{prefix}self_attn.k_norm.weight", (HEAD_DIM,), 1.0)
    weights.normal(f"{prefix}mlp.gate_proj.weight", (INTERMEDIATE, HIDDEN))
    weights.normal(f"{prefix}mlp.up_proj.weight", (INTERMEDIATE, HIDDEN))
    weights.constant(f"{prefix}mlp.down_proj.weight", (HIDDEN, INTERMEDIATE))


def _add_vision(weights: Weights, prefix: str) -> None:
    size, inner, merged = 64, 128, 4 * 64
    weights.normal(f"{prefix}patch_embed.proj.weight", (size, 3, 2, 16, 16))
    weights.constant(f"{prefix}patch_embed.proj.bias", (size,))
    weights.normal(f"{prefix}pos_embed.weight", (64, size))
    for block in range(2):
        at = f"{prefix}blocks.{block}."
        weights.layer_norm(f"{at}norm1", size)
        weights.layer_norm(f"{at}norm2", size)
        weights.linear(f"{at}attn.qkv", 3 * size, size)
        weights.linear(f"{at}attn.proj", size, size)
        weights.linear(f"{at}mlp.linear_fc1", inner, size)
        weights.linear(f"{at}mlp.linear_fc2", size, inner)
    mergers = [
        (f"{prefix}merger.", size),
        *((f"{prefix}deepstack_merger_list.{i}.", merged) for i in range(2)),
    ]
    for at, normed in mergers:
        weights.layer_norm(f"{at}norm", normed)
        weights.linear(f"{at}linear_fc1", merged, merged)
        weights.linear(f"{at}linear_fc2", HIDDEN, merged)
