"""The engine flags that Switchyard knows, typed. A flag it does not know goes under `extra_args`, verbatim.

Every field is optional: `None` leaves the engine's own default alone. A field is named as the engine's flag,
with `_` for `-`.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, Field

from switchyard_contracts.catalog.fields import FROZEN, Count, CountOrNone, Flag, Share, Steps, Strength, Text


class VllmArgs(BaseModel):
    """Flags of `vllm serve`; each exists in vLLM 0.32."""

    model_config = FROZEN

    tensor_parallel_size: Count | None = Field(
        None, description="GPUs that share each layer. Left out, it follows from `gpus`."
    )
    pipeline_parallel_size: Count | None = Field(
        None, description="Groups of GPUs that hold consecutive layers."
    )
    data_parallel_size: Count | None = Field(
        None, description="Full copies of the model, each on its own GPUs."
    )
    dtype: Literal["auto", "half", "float16", "bfloat16", "float", "float32"] | None = Field(
        None, description="Number format of weights and activations."
    )
    quantization: Text | None = Field(
        None,
        description='How the weights are quantized, for instance "awq" or "fp8"; vLLM mostly finds out itself.',
    )
    gpu_memory_utilization: Share | None = Field(
        None,
        description="Share of each GPU's memory vLLM may take. Not beside `vram_mib`, from which it follows.",
    )
    kv_cache_memory_bytes: Count | None = Field(
        None,
        description="Exact size of the KV cache on each GPU, in bytes; vLLM then skips its memory profiling.",
    )
    kv_cache_dtype: Text | None = Field(None, description='Number format of the KV cache, for instance "fp8".')
    max_num_seqs: Count | None = Field(None, description="Sequences computed together at most.")
    max_num_batched_tokens: Count | None = Field(None, description="Tokens computed in one step at most.")
    enforce_eager: Flag | None = Field(
        None, description="Run without compiled graphs: starts sooner, answers slower, takes less memory."
    )
    enable_prefix_caching: Flag | None = Field(
        None, description="Reuse the KV cache of prompts that begin alike."
    )
    trust_remote_code: Flag | None = Field(
        None, description="Run Python code that comes with the weights. Only for repositories you trust."
    )
    enable_auto_tool_choice: Flag | None = Field(
        None, description="Let the model decide to call tools; needs `tool_call_parser`."
    )
    tool_call_parser: Text | None = Field(
        None, description='How the model writes its tool calls, for instance "hermes" or "llama3_json".'
    )
    reasoning_parser: Text | None = Field(
        None, description='How the model marks its thinking, for instance "qwen3" or "deepseek_r1".'
    )
    chat_template: Text | None = Field(
        None,
        description="A chat template, or the path of one as the engine sees it, in place of the model's own.",
    )
    tokenizer: Text | None = Field(
        None, description="Repository or path of another tokenizer than the model's own."
    )
    load_format: Text | None = Field(
        None, description='How the weights are read, for instance "safetensors" or "instanttensor".'
    )
    runner: Literal["generate", "pooling"] | None = Field(
        None, description='What the model does: "generate" text, or "pooling" for embeddings and ranking.'
    )
    limit_mm_per_prompt: Mapping[str, CountOrNone] | None = Field(
        None, description='Images, videos or sounds per request at most, for instance {"image": 4, "video": 0}.'
    )


class ImageServerArgs(BaseModel):
    """Flags of Switchyard's own image server."""

    model_config = FROZEN

    dtype: Literal["auto", "float32", "bfloat16", "float16"] | None = Field(
        None, description="Number format of weights and activations."
    )
    device: Literal["auto", "cpu", "cuda", "xpu", "mps"] | None = Field(
        None, description='Where the model runs; "auto" takes a GPU when there is one.'
    )
    steps: Steps | None = Field(
        None, description="Denoising steps when a request names none. Image models only."
    )
    guidance: Strength | None = Field(
        None,
        description="How closely an image follows its prompt when a request does not say. Image models only.",
    )
    max_new_tokens: Count | None = Field(
        None, description="Longest answer when a request sets no limit, in tokens. Text and vision models only."
    )


class ContainerArgs(BaseModel):
    """None: Switchyard knows no flag of a foreign image. Its arguments go under `extra_args`."""

    model_config = FROZEN


EngineArgs = VllmArgs | ImageServerArgs | ContainerArgs
