"""A model of a few megabytes for a real engine, made on the spot without torch.

A scripted one says known text, whatever the temperature: its embeddings are the identity, and its head is the
table of which token follows which. Attention and MLP run for real, and add nothing. With random weights instead
it babbles, and gives embeddings that differ.

    python -m tests.vllm_on_cpu.tiny_model FOLDER --name tiny-a
"""

import argparse
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.vllm_on_cpu import checkpoint, seeing, tokenizer
from tests.vllm_on_cpu.checkpoint import Tensor, filled, noise, sparse
from tests.vllm_on_cpu.script import PLAIN, marker, replies
from tests.vllm_on_cpu.tokenizer import TEXT_ENDS, TURN_ENDS, Vocabulary

TEMPLATE = Path(__file__).with_name("chat_template.jinja")
LAYERS = 2
HEADS, KV_HEADS, HEAD_SIZE = 2, 1, 64
MLP_SIZE = 128
BABBLING_SIZE = 128
CERTAIN = 4.0  # against zero for every other token, and made some twenty times larger by the last norm


@dataclass(frozen=True, slots=True)
class Tiny:
    """`says` goes before what `replies(name)` has; `thinks`: unless a request says otherwise, as Qwen3 does."""

    name: str
    says: Mapping[str, str] = field(default_factory=dict)
    thinks: bool = False
    sees: bool = False
    scripted: bool = True
    context: int = 32768


def make(folder: Path, tiny: Tiny) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    words = vocabulary_of(tiny)
    hidden = words.size if tiny.scripted else BABBLING_SIZE
    files = {
        "tokenizer.json": tokenizer.tokenizer_json(words),
        "tokenizer_config.json": tokenizer.tokenizer_config(tiny.context),
        "generation_config.json": {"eos_token_id": [words.id(TURN_ENDS), words.id(TEXT_ENDS)]},
        "config.json": _config(tiny, words, hidden),
    }
    if tiny.sees:
        files |= seeing.FILES
        files["tokenizer_config.json"] |= {"processor_class": seeing.PROCESSOR}
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, indent=1))
    thinks = f"{{%- set thinks = {str(tiny.thinks).lower()} -%}}\n"
    (folder / "chat_template.jinja").write_text(thinks + TEMPLATE.read_text())
    weights = _scripted(words) if tiny.scripted else _random(words.size)
    if tiny.sees:
        weights = seeing.beside(weights, hidden)
    checkpoint.write(folder / "model.safetensors", weights)
    return folder


def vocabulary_of(tiny: Tiny) -> Vocabulary:
    return tokenizer.vocabulary(replies(tiny.name) | dict(tiny.says))


def _config(tiny: Tiny, words: Vocabulary, hidden: int) -> dict[str, Any]:
    text = {
        "model_type": "qwen3",
        "vocab_size": words.size,
        "hidden_size": hidden,
        "intermediate_size": MLP_SIZE,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS,
        "head_dim": HEAD_SIZE,
        "hidden_act": "silu",
        "max_position_embeddings": tiny.context,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1000000.0,
        "attention_bias": False,
        "tie_word_embeddings": False,
        "bos_token_id": None,
        "eos_token_id": words.id(TURN_ENDS),
        "pad_token_id": words.id(TEXT_ENDS),
        "torch_dtype": "bfloat16",
    }
    if tiny.sees:
        return seeing.config(text, words)
    return {"architectures": ["Qwen3ForCausalLM"]} | text


def _scripted(words: Vocabulary) -> dict[str, Tensor]:
    size = words.size
    # Unit 0 of the MLP hears the marker of the plain reply. Nothing comes of it, but for an adapter.
    hears = sparse(MLP_SIZE, size, {(0, words.id(marker(PLAIN))): 1.0})
    layer = {
        "self_attn.q_proj.weight": filled(HEADS * HEAD_SIZE, size),
        "self_attn.k_proj.weight": filled(KV_HEADS * HEAD_SIZE, size),
        "self_attn.v_proj.weight": filled(KV_HEADS * HEAD_SIZE, size),
        "self_attn.o_proj.weight": filled(size, HEADS * HEAD_SIZE),
        "mlp.gate_proj.weight": hears,
        "mlp.up_proj.weight": hears,
        "mlp.down_proj.weight": filled(size, MLP_SIZE),
    }
    head = sparse(size, size, {(after, token): CERTAIN for token, after in words.follows().items()})
    embeddings = sparse(size, size, {(token, token): 1.0 for token in range(size)})
    return _assembled(embeddings, [layer] * LAYERS, head)


def _random(size: int) -> dict[str, Tensor]:
    chance, hidden = random.Random(1), BABBLING_SIZE
    shapes = {
        "self_attn.q_proj.weight": (HEADS * HEAD_SIZE, hidden),
        "self_attn.k_proj.weight": (KV_HEADS * HEAD_SIZE, hidden),
        "self_attn.v_proj.weight": (KV_HEADS * HEAD_SIZE, hidden),
        "self_attn.o_proj.weight": (hidden, HEADS * HEAD_SIZE),
        "mlp.gate_proj.weight": (MLP_SIZE, hidden),
        "mlp.up_proj.weight": (MLP_SIZE, hidden),
        "mlp.down_proj.weight": (hidden, MLP_SIZE),
    }
    layers = [{name: noise(chance, *shape) for name, shape in shapes.items()} for _ in range(LAYERS)]
    return _assembled(noise(chance, size, hidden, spread=0.5), layers, noise(chance, size, hidden))


def _assembled(embeddings: Tensor, layers: list[dict[str, Tensor]], head: Tensor) -> dict[str, Tensor]:
    hidden = embeddings.shape[1]
    norms = {
        "input_layernorm.weight": filled(hidden, value=1.0),
        "post_attention_layernorm.weight": filled(hidden, value=1.0),
        "self_attn.q_norm.weight": filled(HEAD_SIZE, value=1.0),
        "self_attn.k_norm.weight": filled(HEAD_SIZE, value=1.0),
    }
    tensors = {"model.embed_tokens.weight": embeddings, "model.norm.weight": norms["input_layernorm.weight"]}
    for number, layer in enumerate(layers):
        tensors |= {f"model.layers.{number}.{name}": tensor for name, tensor in (norms | layer).items()}
    return tensors | {"lm_head.weight": head}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--name", required=True, help="what the model calls itself in its replies")
    parser.add_argument("--thinks", action="store_true", help="unless a request says otherwise")
    parser.add_argument("--sees", action="store_true", help="as a Qwen3-VL")
    parser.add_argument("--random", action="store_true", help="babble; for embeddings")
    asked = parser.parse_args()
    make(asked.folder, Tiny(asked.name, thinks=asked.thinks, sees=asked.sees, scripted=not asked.random))


if __name__ == "__main__":
    main()
