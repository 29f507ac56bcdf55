"""The other side of each pair: the same weights in a process of its own, called with nothing in between.

    python -m bench.image_server.bare image|chat FOLDER [--device cuda] [--dtype bfloat16] [--compile]

Reads one JSON object a line, does what it says, and answers with one: the seconds that the call took.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before diffusers and transformers

# isort: split
import diffusers
import torch
import transformers


class Pipeline:
    """Diffusers as its documentation calls it."""

    def __init__(self, given: argparse.Namespace) -> None:
        dtype = getattr(torch, given.dtype)
        self._pipeline = diffusers.DiffusionPipeline.from_pretrained(given.folder, dtype=dtype).to(given.device)
        self._pipeline.set_progress_bar_config(disable=True)
        if given.compile:
            self._pipeline.transformer.compile_repeated_blocks(fullgraph=True)

    def call(self, asked: dict[str, Any]) -> None:
        with torch.inference_mode():
            self._pipeline(
                prompt=asked["prompt"],
                height=asked["side"],
                width=asked["side"],
                num_inference_steps=asked["steps"],
                true_cfg_scale=1.0,
                generator=torch.Generator("cpu").manual_seed(asked["seed"]),
            )


class Model:
    """Transformers' own `generate`, greedy."""

    def __init__(self, given: argparse.Namespace) -> None:
        dtype = getattr(torch, given.dtype)
        self._tokenizer = transformers.AutoTokenizer.from_pretrained(given.folder)
        model = transformers.AutoModelForCausalLM.from_pretrained(given.folder, dtype=dtype)
        self._model = model.eval().to(given.device)
        self._no_end = self._model.config.get_text_config().vocab_size

    def call(self, asked: dict[str, Any]) -> None:
        inputs = self._tokenizer.apply_chat_template(
            asked["messages"],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        ).to(self._model.device)
        with torch.inference_mode():
            output = self._model.generate(
                **inputs, do_sample=False, max_new_tokens=asked["tokens"], eos_token_id=self._no_end
            )
        self._tokenizer.decode(output[0, inputs["input_ids"].shape[1] :])


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("kind", choices=("image", "chat"))
    options.add_argument("folder", type=Path)
    options.add_argument("--device", default="cpu")
    options.add_argument("--dtype", default="float32")
    options.add_argument("--compile", action="store_true")
    given = options.parse_args()
    transformers.utils.logging.disable_progress_bar()
    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    called = {"image": Pipeline, "chat": Model}[given.kind](given)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        began = time.perf_counter()
        called.call(json.loads(line))
        print(json.dumps({"s": time.perf_counter() - began}), flush=True)


if __name__ == "__main__":
    main()
