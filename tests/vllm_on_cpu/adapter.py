"""A LoRA for a scripted model: with it the plain reply is another one, by the real arithmetic of LoRAs.

By hand: python -m tests.vllm_on_cpu.adapter FOLDER --for MODEL_NAME
"""

import argparse
import json
from pathlib import Path

from tests.vllm_on_cpu import checkpoint
from tests.vllm_on_cpu.checkpoint import sparse
from tests.vllm_on_cpu.script import marker
from tests.vllm_on_cpu.tiny_model import MLP_SIZE, Tiny, vocabulary_of

RANK = 8
LAYER = "base_model.model.model.layers.0.mlp.down_proj"


def make_adapter(folder: Path, tiny: Tiny, reply: str = "adapter") -> Path:
    """`tiny`: the model it is for. In place of the plain reply comes `reply`, one of the model's own."""
    folder.mkdir(parents=True, exist_ok=True)
    words = vocabulary_of(tiny)
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": tiny.name,
        "r": RANK,
        "lora_alpha": RANK,
        "target_modules": ["down_proj"],
        "bias": "none",
    }
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=1))
    # What hears the marker of the plain reply says the other's, and louder than that.
    weights = {
        f"{LAYER}.lora_A.weight": sparse(RANK, MLP_SIZE, {(0, 0): 1.0}),
        f"{LAYER}.lora_B.weight": sparse(words.size, RANK, {(words.id(marker(reply)), 0): 1.0}),
    }
    checkpoint.write(folder / "adapter_model.safetensors", weights)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--for", dest="model", required=True, help="the name that the model was made with")
    asked = parser.parse_args()
    make_adapter(asked.folder, Tiny(asked.model))


if __name__ == "__main__":
    main()
