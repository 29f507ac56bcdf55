# ruff: noqa: E501  (a sentence stays on one line, so that it is found by searching for it)
"""Flags that contradict each other, the GPUs or what Switchyard sets itself, word for word."""

import json
from typing import Any

import pytest

from tests.contracts.catalog.samples import GPU_A, GPU_B, args, image, model, told

OUR_ADDRESS = "remove it: Switchyard chooses the address and the key of its engines"


def extra(*arguments: str, **fields: Any) -> dict[str, Any]:
    return model(extra_args=list(arguments), **fields)


ENGINES = {
    "an address of one's own": (
        extra("--port", "1", "--host=0.0.0.0", "--api_key", "x"),
        f"models.a.extra_args[0]: cannot pass --port here; {OUR_ADDRESS}",
        f"models.a.extra_args[2]: cannot pass --host here; {OUR_ADDRESS}",
        f"models.a.extra_args[3]: cannot pass --api-key here; {OUR_ADDRESS}",
    ),
    "a name of one's own": (
        extra("--served-model-name", "x"),
        "models.a.extra_args[0]: cannot pass --served-model-name here; remove it: the model is served under its name; other names go under aliases",
    ),
    "weights of one's own": (
        extra("--model", "x", "--revision", "x"),
        "models.a.extra_args[0]: cannot pass --model here; set 'repo' or 'path' instead",
        "models.a.extra_args[2]: cannot pass --revision here; set 'revision' instead",
    ),
    "a field as a flag": (
        extra("--max-model-len", "4096", "--enable-sleep-mode"),
        "models.a.extra_args[0]: cannot pass --max-model-len here; set 'context_length' instead",
        "models.a.extra_args[2]: cannot pass --enable-sleep-mode here; set 'sleep' instead",
    ),
    "a typed flag, however it is spelt": (
        extra(
            "--tensor-parallel-size",
            "-tp=2",
            "--tensor_parallel_size=2",
            "--tensor-parallel",
            "--no-enable-prefix-caching",
            "--limit-mm-per-prompt.image",
        ),
        "models.a.extra_args[0]: cannot pass --tensor-parallel-size here; set 'engine_args.tensor_parallel_size' instead",
        "models.a.extra_args[1]: cannot pass -tp here; set 'engine_args.tensor_parallel_size' instead",
        "models.a.extra_args[2]: cannot pass --tensor-parallel-size here; set 'engine_args.tensor_parallel_size' instead",
        "models.a.extra_args[3]: cannot pass --tensor-parallel-size here; set 'engine_args.tensor_parallel_size' instead",
        "models.a.extra_args[4]: cannot pass --enable-prefix-caching here; set 'engine_args.enable_prefix_caching' instead",
        "models.a.extra_args[5]: cannot pass --limit-mm-per-prompt here; set 'engine_args.limit_mm_per_prompt' instead",
    ),
    "a secret as a flag": (
        extra("--hf-token", "x"),
        "models.a.extra_args[0]: cannot pass --hf-token here; put HF_TOKEN into the environment: a flag shows in every list of processes",
    ),
    "the image server's own flags": (
        image(extra_args=["--port", "1", "--steps", "4"]),
        f"models.a.extra_args[0]: cannot pass --port here; {OUR_ADDRESS}",
        "models.a.extra_args[2]: cannot pass --steps here; set 'engine_args.steps' instead",
    ),
    "a flag and its value in one piece": (
        extra("--max-logprobs 5", "--x "),
        'models.a.extra_args[0]: cannot pass a flag with a blank in it; write "--max-logprobs" and "5", each as an item of its own',
        'models.a.extra_args[1]: cannot pass a flag with a blank in it; write "--x", each as an item of its own',
    ),
    "memory as a share, in extra_args": (
        extra("--gpu-memory-utilization", "0.5"),
        "models.a.extra_args[0]: cannot pass --gpu-memory-utilization here; set 'engine_args.gpu_memory_utilization' instead",
    ),
    "memory as a share, in extra_args beside vram_mib": (
        extra("--gpu-memory-utilization", "0.5", vram_mib=8000),
        "models.a.extra_args[0]: cannot pass --gpu-memory-utilization here; remove it: it follows from vram_mib",
    ),
    "memory as a share and as a number": (
        model(vram_mib=8000, engine_args={"gpu_memory_utilization": 0.5}),
        "models.a.engine_args.gpu_memory_utilization: cannot set gpu_memory_utilization beside vram_mib, from which it follows; remove one of them",
    ),
    "memory of the image server in two ways": (
        image(vram_mib=8000, engine_args={"max_vram_mib": 7000}),
        "models.a.engine_args.max_vram_mib: cannot set max_vram_mib beside vram_mib, from which it follows; remove one of them",
    ),
    "a KV cache larger than the model may be": (
        model(vram_mib=8000, engine_args={"kv_cache_memory_bytes": 8000 * 2**20}),
        "models.a.engine_args.kv_cache_memory_bytes: cannot fit a KV cache of 8000 MiB and the weights in vram_mib = 8000; lower the one or raise the other",
    ),
    "GPU memory without a GPU": (
        model(vram_mib=8000, gpus=0),
        "models.a.vram_mib: cannot reserve GPU memory for a model without a GPU; remove 'vram_mib'",
    ),
    "more shards than GPUs": (
        model(gpus=2, engine_args={"tensor_parallel_size": 4}),
        "models.a.engine_args.tensor_parallel_size: cannot split the model over 4 GPUs (tensor_parallel_size) when it is given 2; make the two equal",
    ),
    "fewer shards than UUIDs": (
        model(gpus=[GPU_A, GPU_B], engine_args={"tensor_parallel_size": 1}),
        "models.a.engine_args.tensor_parallel_size: cannot split the model over 1 GPU (tensor_parallel_size) when it is given 2; make the two equal",
    ),
    "shards in two directions": (
        model(gpus=2, engine_args={"tensor_parallel_size": 2, "pipeline_parallel_size": 2}),
        "models.a.engine_args.tensor_parallel_size: cannot split the model over 4 GPUs (tensor_parallel_size x pipeline_parallel_size) when it is given 2; make the two equal",
    ),
    "a split that leaves a remainder": (
        model(gpus=3, engine_args={"pipeline_parallel_size": 2}),
        "models.a.engine_args.pipeline_parallel_size: cannot split the model over 2 GPUs (pipeline_parallel_size) when it is given 3; make the two equal",
    ),
    "shards against the GPUs that defaults give": (
        {"defaults": {"gpus": 2}} | args(tensor_parallel_size=4),
        "models.a.engine_args.tensor_parallel_size: cannot split the model over 4 GPUs (tensor_parallel_size) when it is given 2; make the two equal",
    ),
    "embeddings from a model that is to write": (
        args(runner="generate", convert="embed"),
        "models.a.engine_args.convert: cannot turn a model into one that can embed and let it write text; remove it, or set 'runner' to \"pooling\"",
    ),
    "tools without a parser": (
        model(repo="org/unheard-of", engine_args={"enable_auto_tool_choice": True}),
        "models.a.engine_args.enable_auto_tool_choice: cannot let the model choose tools without a parser; add 'tool_call_parser'",
    ),
    "tokens from an image model": (
        image(engine_args={"max_new_tokens": 5}),
        "models.a.engine_args.max_new_tokens: cannot use 'max_new_tokens' for a model of type image; remove it",
    ),
    "labels of an image model": (
        image(engine_args={"labels": False}),
        "models.a.engine_args.labels: cannot use 'labels' for a model of type image; remove it",
    ),
    "a LoRA of a vision model": (
        model(type="vision", engine_args={"lora": {"x": "org/lora"}}),
        "models.a.engine_args.lora: cannot use 'lora' for a model of type vision; remove it",
    ),
    "steps of a vision model": (
        model(type="vision", engine_args={"steps": 5}),
        "models.a.engine_args.steps: cannot use 'steps' for a model of type vision; remove it",
    ),
}


@pytest.mark.parametrize(
    ("file", "faults"), [(file, faults) for file, *faults in ENGINES.values()], ids=ENGINES
)
def test_a_flag_that_cannot_work_is_told_why(file: dict[str, Any], faults: list[str]) -> None:
    assert told(json.dumps(file)) == faults
