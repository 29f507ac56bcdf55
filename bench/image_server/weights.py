"""A language model large enough that its arithmetic, not Python, decides its speed. Random weights."""

import shutil
from pathlib import Path

import switchyard_image_server.torch_ready  # noqa: F401 - before transformers

# isort: split
import torch
from transformers import Qwen3Config, Qwen3ForCausalLM

from switchyard_image_server.demo.language import write_language_model
from switchyard_image_server.demo.replies import chat_script

WORDS = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json")


def write_larger_model(folder: Path) -> None:
    """The demo's tokenizer and chat template, on a plain Qwen3."""
    demo = folder.with_name("words")
    write_language_model(demo, chat_script())
    vocabulary = 2**14
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=vocabulary,
        hidden_size=512,
        intermediate_size=1536,
        num_hidden_layers=5,
        num_attention_heads=8,
        num_key_value_heads=2,
        head_dim=64,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
    )
    Qwen3ForCausalLM(config).save_pretrained(folder)
    for name in WORDS:
        if (demo / name).is_file():
            shutil.copy(demo / name, folder / name)
