"""Tiny language and vision models with random weights, of the real architectures and with their real geometry.

What decides token counts is as it is in the published models (patches of 16, merged by 2, one token per 32x32
pixels, timestamps between a video's frames); layers, vocabulary and pixel limits are tiny. The weights are
larger than usual, so that a wrong mask or position changes the words.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    GenerationConfig,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2Config,
    Qwen2Tokenizer,
    Qwen3_5Config,
    Qwen3_5ForConditionalGeneration,
    Qwen3Config,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLMoeConfig,
    Qwen3VLMoeForConditionalGeneration,
    Qwen3VLProcessor,
    Qwen3VLVideoProcessor,
)
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

VOCABULARY = 700
SPECIAL = [
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>"),
    *("<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"),
]
MARKS = ["<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>"]
CORPUS = [
    "system\nuser\nassistant\n",
    "Describe the image by detailing the color, shape, size, texture, quantity and relationships of it.",
    "What is in this picture? Picture 1: Picture 2: Video 1: seconds. A cat and a dog in the park.",
]
TEMPLATE = """\
{%- macro render(content) %}
{%- if content is string %}{{- content }}
{%- else %}
{%- for item in content %}
{%- if item.type == 'image' %}{{- '<|vision_start|><|image_pad|><|vision_end|>' }}
{%- elif item.type == 'video' %}{{- '<|vision_start|><|video_pad|><|vision_end|>' }}
{%- else %}{{- item.text }}
{%- endif %}
{%- endfor %}
{%- endif %}
{%- endmacro %}
{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\\n' }}{{- render(message.content) }}{{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}
{%- if enable_thinking %}{{- '<think>\\n' }}{%- endif %}
{%- endif %}
"""


def make_tokenizer() -> Any:
    bpe = Tokenizer(models.BPE())
    bpe.normalizer = normalizers.NFC()
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), behavior="isolated", invert=False),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    bpe.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, initial_alphabet=alphabet, show_progress=False)
    bpe.train_from_iterator(CORPUS * 2, trainer)
    learnt = json.loads(bpe.to_str())["model"]
    words = learnt["vocab"] | {f"<unused{i}>": i for i in range(len(learnt["vocab"]), VOCABULARY)}
    merges = [tuple(merge) for merge in learnt["merges"]]
    tokenizer = Qwen2Tokenizer(
        vocab=words, merges=merges, unk_token=None, pad_token=None, eos_token=None, model_max_length=32768
    )
    tokenizer.add_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in MARKS])
    tokenizer.eos_token, tokenizer.pad_token = "<|im_end|>", "<|endoftext|>"
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def _text(tokenizer: Any, hidden: int, layers: int) -> dict[str, Any]:
    ids = tokenizer.convert_tokens_to_ids
    return {
        "hidden_size": hidden,
        "intermediate_size": 2 * hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": max(16, hidden // 4),
        "vocab_size": -(-len(tokenizer) // 64) * 64,
        "max_position_embeddings": 32768,
        "initializer_range": 0.2,
        "tie_word_embeddings": False,
        "bos_token_id": ids("<|endoftext|>"),
        "eos_token_id": ids("<|im_end|>"),
        "pad_token_id": ids("<|endoftext|>"),
    }


def _sights(tokenizer: Any, hidden: int) -> dict[str, Any]:
    ids = tokenizer.convert_tokens_to_ids
    vision = {
        "depth": 3,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "out_hidden_size": hidden,
        "patch_size": 16,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "num_position_embeddings": 64,
        "deepstack_visual_indexes": [0, 1],
        "initializer_range": 0.2,
    }
    marks = ("image_pad", "video_pad", "vision_start", "vision_end")
    names = ("image_token_id", "video_token_id", "vision_start_token_id", "vision_end_token_id")
    return {
        "vision_config": vision,
        "tie_word_embeddings": False,
        **{name: ids(f"<|{mark}|>") for name, mark in zip(names, marks, strict=True)},
    }


def _three_dimensions(head: int, **more: Any) -> dict[str, Any]:
    """How the rotation's pairs are shared out to time, height and width."""
    pairs = int(head * more.get("partial_rotary_factor", 1)) // 2
    section = [pairs - 2 * (pairs // 4), pairs // 4, pairs // 4]
    rope = {"rope_type": "default", "mrope_interleaved": True, "mrope_section": section, "rope_theta": 5e6}
    return {"rope_parameters": rope | more}


def _qwen3_vl(tokenizer: Any, hidden: int, layers: int) -> Any:
    text = _text(tokenizer, hidden, layers)
    text |= _three_dimensions(text["head_dim"])
    return Qwen3VLForConditionalGeneration(Qwen3VLConfig(text_config=text, **_sights(tokenizer, hidden)))


def _qwen3_vl_moe(tokenizer: Any, hidden: int, layers: int) -> Any:
    text = _text(tokenizer, hidden, layers)
    experts = {
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 16,
        "decoder_sparse_step": 1,
    }
    text |= _three_dimensions(text["head_dim"]) | experts
    return Qwen3VLMoeForConditionalGeneration(Qwen3VLMoeConfig(text_config=text, **_sights(tokenizer, hidden)))


def _qwen3_5(tokenizer: Any, hidden: int, layers: int) -> Any:
    text = _text(tokenizer, hidden, 4)  # three layers of linear attention, then one of full attention
    text |= _three_dimensions(32, partial_rotary_factor=0.25) | {"head_dim": 32}
    text |= {"linear_key_head_dim": 8, "linear_value_head_dim": 8}
    text |= {"linear_num_key_heads": 2, "linear_num_value_heads": 4}
    sights = _sights(tokenizer, hidden)
    del sights["vision_config"]["deepstack_visual_indexes"]
    return Qwen3_5ForConditionalGeneration(Qwen3_5Config(text_config=text, **sights))


def _qwen2_5_vl(tokenizer: Any, hidden: int, layers: int) -> Any:
    text = _text(tokenizer, hidden, layers)
    half = hidden // 4 // 2
    section = [half - 2 * (half // 4), half // 4, half // 4]
    text["rope_parameters"] = {"rope_type": "default", "mrope_section": section, "rope_theta": 1e6}
    del text["head_dim"]
    sights = _sights(tokenizer, hidden)
    sights["vision_config"] |= {"window_size": 64, "fullatt_block_indexes": [2], "tokens_per_second": 2}
    return Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(text_config=text, **sights))


def _qwen3(tokenizer: Any, hidden: int, layers: int) -> Any:
    return AutoModelForCausalLM.from_config(Qwen3Config(**_text(tokenizer, hidden, layers)))


def _sliding(tokenizer: Any, hidden: int, layers: int) -> Any:
    """Attention to the last 16 tokens only, in a cache that forgets the rest."""
    windows = {"use_sliding_window": True, "sliding_window": 16, "max_window_layers": 1}
    return AutoModelForCausalLM.from_config(Qwen2Config(**_text(tokenizer, hidden, layers), **windows))


ARCHITECTURES: dict[str, Callable[[Any, int, int], Any]] = {
    "qwen3_vl": _qwen3_vl,
    "qwen3_vl_moe": _qwen3_vl_moe,
    "qwen3_5": _qwen3_5,
    "qwen2_5_vl": _qwen2_5_vl,
    "qwen3": _qwen3,
    "sliding": _sliding,
}
BLIND = frozenset({"qwen3", "sliding"})


def make_model(architecture: str, tokenizer: Any, *, hidden: int = 32, layers: int = 3) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = ARCHITECTURES[architecture](tokenizer, hidden, layers)
    ids = tokenizer.convert_tokens_to_ids
    model.generation_config = GenerationConfig(
        pad_token_id=ids("<|endoftext|>"),
        eos_token_id=[ids("<|im_end|>"), ids("<|endoftext|>")],
        do_sample=True,
    )
    return model.eval()


def make_processor(tokenizer: Any, patch: int = 16) -> Any:
    look = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "patch_size": patch}
    cell = (2 * patch) ** 2
    images = Qwen2VLImageProcessorPil(
        size={"shortest_edge": 4 * cell, "longest_edge": 64 * cell}, temporal_patch_size=2, merge_size=2, **look
    )
    videos = Qwen3VLVideoProcessor(
        size={"shortest_edge": 4 * cell, "longest_edge": 256 * cell}, cap_pixels_per_frame=False, **look
    )
    return Qwen3VLProcessor(
        image_processor=images,
        tokenizer=tokenizer,
        video_processor=videos,
        chat_template=tokenizer.chat_template,
    )


def write(folder: Path, architecture: str, *, hidden: int = 32, layers: int = 3) -> Path:
    """A complete repository of the architecture."""
    tokenizer = make_tokenizer()
    make_model(architecture, tokenizer, hidden=hidden, layers=layers).save_pretrained(folder)
    (tokenizer if architecture in BLIND else make_processor(tokenizer)).save_pretrained(folder)
    return folder
