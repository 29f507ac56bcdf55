"""The tokenizer of the tiny picture pipeline: byte-level BPE trained on the pipeline's own prompt template.

With Qwen's splitting rule and special tokens, the template's prefix is 34 tokens long, as with the real
tokenizer: the pipeline cuts off exactly that many.
"""

import json
from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before transformers

# isort: split
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    trainers,
)
from transformers import Qwen2Tokenizer
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

VOCABULARY = 700

_SPECIAL = (
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>"),
    *("<|box_start|>", "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>"),
    *("<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"),
)
_PLAIN = ("<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>")

_CORPUS = """\
system
user
assistant

Describe the image by detailing the color, shape, size, texture, quantity, text, spatial relationships
of the objects and background:
Describe the key features of the input image (color, shape, size, texture, objects, background), then
explain how the user's text instruction should alter or modify the image. Generate a new image that meets
the user's requirements while maintaining consistency with the original input where appropriate.
Comprehend and analyze the provided prompt. You are a helpful assistant. Picture 1: Picture 2: Video 1:
seconds a cat and a dog in the park, oil painting, bad quality, make it red, what is in this picture?
"""


def _trained() -> dict[str, Any]:
    bpe = Tokenizer(models.BPE())
    bpe.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), behavior="isolated", invert=False)
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    bpe.pre_tokenizer = pre_tokenizers.Sequence([split, byte_level])
    bpe.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, initial_alphabet=alphabet, show_progress=False)
    bpe.train_from_iterator([_CORPUS] * 2, trainer)
    trained: dict[str, Any] = json.loads(bpe.to_str())["model"]
    return trained


def picture_tokenizer() -> Any:
    trained = _trained()
    vocabulary = trained["vocab"]
    # Names that no text produces: the ids of the special tokens must not depend on how far training got.
    for i in range(len(vocabulary), VOCABULARY):
        vocabulary[f"<unused{i}>"] = i
    merges = [
        tuple(merge) if isinstance(merge, list) else tuple(merge.split(" ")) for merge in trained["merges"]
    ]
    tokenizer = Qwen2Tokenizer(
        vocab=vocabulary,
        merges=merges,
        unk_token=None,
        pad_token=None,
        eos_token=None,
        model_max_length=32768,
    )
    tokenizer.add_tokens([AddedToken(token, special=True, normalized=False) for token in _SPECIAL])
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in _PLAIN])
    tokenizer.eos_token = "<|im_end|>"  # noqa: S105 - a token of text
    tokenizer.pad_token = "<|endoftext|>"  # noqa: S105 - a token of text
    return tokenizer
