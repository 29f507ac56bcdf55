"""The engine flags that Switchyard knows, typed. A flag it does not know goes under `extra_args`, verbatim.

Every field is optional: `None` leaves the engine's own default alone. A field is named as the engine's flag,
with `_` for `-`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, WithJsonSchema

from switchyard_contracts.catalog.fields import (
    FROZEN,
    Count,
    CountOrNone,
    Flag,
    Frames,
    Mib,
    Rate,
    Seconds,
    Share,
    Steps,
    Strength,
    Text,
)

Options = Annotated[
    Mapping[str, Any], WithJsonSchema({"type": "object"})
]  # any JSON: the engine knows what it takes


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
        None,
        description="Whether the model may decide to call tools. Left out: if it is known how it writes "
        "its calls.",
    )
    tool_call_parser: Text | None = Field(
        None,
        description='How the model writes its tool calls, for instance "hermes" or "llama3_json". Left '
        "out, it follows "
        "from the model's family.",
    )
    reasoning_parser: Text | None = Field(
        None,
        description='How the model marks its thinking, for instance "qwen3" or "deepseek_r1"; "" for not '
        "at all. Left "
        "out, it follows from the model's family.",
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
        None,
        description='What the model does: "generate" text, or "pooling" for embeddings and ranking. Left '
        "out, it "
        "follows from the model's files or name, or from its `capabilities`.",
    )
    convert: Literal["auto", "none", "embed", "classify"] | None = Field(
        None,
        description='What a model that was made to write text is turned into, for the runner "pooling": '
        '"embed" for '
        'embeddings, "classify" for ranking.',
    )
    max_lora_rank: Literal[1, 8, 16, 32, 64, 128, 256, 320, 512] | None = Field(
        None,
        description="The highest rank of the adapters in `variants`. Left out, it is read from their files.",
    )
    max_loras: Count | None = Field(
        None, description="Adapters computed together at most. Left out: all there are, and at most four."
    )
    mm_processor_kwargs: Options | None = Field(
        None,
        description='What the model\'s processor does to pictures and videos, for instance {"max_pixels": '
        "1003520}. "
        "What it says is counted by.",
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
    lora: Mapping[str, Text] | None = Field(
        None,
        description="LoRAs that requests may ask for, by the names given here: each a file, a folder or a"
        ' repository, with ":0.8" at its end for a strength. Image models only.',
    )
    lora_root: Text | None = Field(
        None,
        description="A folder, as the engine sees it: requests may use any safetensors file below it as a LoRA."
        " Image models only.",
    )
    controlnet: Text | None = Field(
        None, description="Repository or path of a ControlNet to draw with. Image models only."
    )
    compile: Flag | None = Field(
        None, description="Compile the transformer: starts slower, draws faster. Image models only."
    )
    memory: Literal["auto", "resident", "tiled", "encoder-swap", "group-offload"] | None = Field(
        None,
        description="Where the weights are while a picture is drawn, from most GPU memory to least; left out,"
        " what fits.",
    )
    quantization: Literal["auto", "none", "fp8", "int8", "nf4"] | None = Field(
        None, description="How the weights are stored on the GPU; left out, as they are unless only less fits."
    )
    max_vram_mib: Mib | None = Field(
        None,
        description="Use no more of the GPU than this, in MiB. Not beside `vram_mib`, from which it follows.",
    )
    park: Flag | None = Field(
        None,
        description="Keep a copy of the weights in RAM, from which the model wakes in seconds. Left out, it"
        " follows from `sleep`; without it the model is stopped, not put to sleep.",
    )
    max_new_tokens: Count | None = Field(
        None, description="Longest answer when a request sets no limit, in tokens. Text and vision models only."
    )
    max_concurrency: Count | None = Field(
        None, description="Answers that are written at the same time. Text and vision models only."
    )
    max_image_tokens: Count | None = Field(
        None, description="Shrink pictures in requests to so many tokens each. Vision models only."
    )
    max_video_frames: Frames | None = Field(
        None, description="Frames taken of a video, spread evenly. Vision models only."
    )
    video_fps: Rate | None = Field(
        None, description="Frames taken of each second of a video. Vision models only."
    )
    labels: Flag | None = Field(
        None,
        description='Whether pictures and videos are called "Image 1:" and so on in the prompt when there are'
        " several. Vision models only.",
    )
    warning_tokens: Count | None = Field(
        None, description="Prompts above this many tokens are called large. Text and vision models only."
    )
    critical_tokens: Count | None = Field(
        None, description="Prompts above this many tokens are called very large. Text and vision models only."
    )
    fetch_media: Flag | None = Field(
        None,
        description="Fetch http(s) addresses in requests; never from private, loopback or link-local ones.",
    )
    media_root: Text | None = Field(
        None, description="A folder, as the engine sees it, below which requests may name files (`file:`)."
    )
    max_fetch_mib: Mib | None = Field(None, description="Largest file fetched, in MiB.")
    keep_results_s: Seconds | None = Field(
        None, description="How long finished jobs and pictures behind addresses are kept, in seconds."
    )
    keep_results_mib: Mib | None = Field(None, description="How much of them is kept, in MiB of RAM.")


class ContainerArgs(BaseModel):
    """None: Switchyard knows no flag of a foreign image. Its arguments go under `extra_args`."""

    model_config = FROZEN


EngineArgs = VllmArgs | ImageServerArgs | ContainerArgs
