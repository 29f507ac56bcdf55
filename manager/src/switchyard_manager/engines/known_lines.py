"""Lines that engines are known to end with, and what each means. Seen in real logs, or read in their source.

Three tables, the surest first: a line of a later one counts only if no line says anything of an earlier one.
Within a table, order matters only where one line fits two rows.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from switchyard_contracts.errors import Reason


@dataclass(frozen=True, slots=True)
class Known:
    """`advice` may name the pattern's groups; None: what is advised for the reason."""

    pattern: re.Pattern[str]
    reason: Reason
    advice: str | None = None

    def advised(self, found: "re.Match[str]", usual: Mapping[Reason, str]) -> str:
        return usual[self.reason] if self.advice is None else self.advice.format(**found.groupdict())


def _rows(*rows: tuple[str, Reason, str | None]) -> tuple[Known, ...]:
    return tuple(Known(re.compile(pattern), reason, advice) for pattern, reason, advice in rows)


# Said by those who report what others met: never the cause.
WRAPPERS = re.compile(
    r"Engine core initialization failed|WorkerProc initialization failed|EngineDeadError|EngineCore encountered"
    r"|Engine core proc \S+ died|died unexpectedly"
)

CAUSES = _rows(
    # What was asked of the engine.
    (r"unrecognized arguments: (?P<flag>.+)", Reason.BAD_ENGINE_ARGUMENT, "remove {flag} from `extra_args`"),
    (r"error: (argument|ambiguous option|the following arguments)", Reason.BAD_ENGINE_ARGUMENT, None),
    (
        r"max_model_len \(\d+\) is greater than the derived max_model_len \((?:\w+=)?(?P<most>\d+)",
        Reason.BAD_ENGINE_ARGUMENT,
        "set `context_length` to {most} or lower",
    ),
    (r"is greater than the derived max_model_len", Reason.BAD_ENGINE_ARGUMENT, "lower `context_length`"),
    (
        r"invalid tool call parser: (?P<name>\S+)",
        Reason.BAD_ENGINE_ARGUMENT,
        (
            "this vLLM knows no way of calling tools named {name}: set `tool_call_parser` in `engine_args` to "
            "one that it "
            "names, or `enable_auto_tool_choice` to false"
        ),
    ),
    (
        r"invalid reasoning parser: (?P<name>\S+)",
        Reason.BAD_ENGINE_ARGUMENT,
        (
            "this vLLM knows no way of thinking named {name}: set `reasoning_parser` in `engine_args` to one "
            "that it names, "
            'or to "none"'
        ),
    ),
    (
        r"reasoning parser could not locate|think start/end tokens in the tokenizer",
        Reason.BAD_ENGINE_ARGUMENT,
        'set `reasoning_parser` in `engine_args` to "none": this model\'s tokenizer has no words for thinking',
    ),
    (
        r"Tool (?:parser|extractor) could not locate",
        Reason.BAD_ENGINE_ARGUMENT,
        (
            "set `enable_auto_tool_choice` in `engine_args` to false: this model's tokenizer has no words for "
            "calling tools so"
        ),
    ),
    (
        r"LoRA rank (?P<rank>\d+) is greater than max_lora_rank",
        Reason.BAD_ENGINE_ARGUMENT,
        (
            "set `max_lora_rank` in `engine_args` to {rank} or the next higher of 8, 16, 32, 64, 128, 256, "
            "320, 512"
        ),
    ),
    (
        r"does not support LoRA|is not supported for LoRA|LoRA is not supported",
        Reason.BAD_ENGINE_ARGUMENT,
        "remove `lora` from the `variants` of this model: vLLM cannot serve adapters beside it",
    ),
    (
        r"expected target modules|Unsupported modules_to_save|does not yet support DoRA",
        Reason.BAD_ENGINE_ARGUMENT,
        "remove this adapter: it was made for another model, or in a way that vLLM cannot serve",
    ),
    (
        r"does not support `--runner (?P<runner>\w+)`|models do not support `--runner (?P<other>\w+)`",
        Reason.BAD_ENGINE_ARGUMENT,
        (
            'correct `runner` in `engine_args`: "generate" for models that write, "pooling" for embeddings '
            "and ranking"
        ),
    ),
    (
        r"Sleep mode is not supported on current platform",
        Reason.BAD_ENGINE_ARGUMENT,
        'set `sleep` of this model to "off"',
    ),
    (
        r"Bfloat16 is only supported on GPUs with compute capability",
        Reason.BAD_ENGINE_ARGUMENT,
        'set `dtype` in `engine_args` to "float16": this GPU has no bfloat16',
    ),
    (
        (
            r"World size \(\d+\) is larger than the number of available GPUs|local[_ ]rank \d+ is out of bounds"
            r"|invalid device ordinal"
        ),
        Reason.BAD_ENGINE_ARGUMENT,
        "lower `gpus`, or the parallel sizes in `engine_args`, to what this machine has",
    ),
    (
        r"must be divisible by tensor parallel size",
        Reason.BAD_ENGINE_ARGUMENT,
        "choose a number of GPUs that divides the model's attention heads",
    ),
    # Memory. What somebody else holds, or took or gave back at the wrong moment, is not the model's fault.
    (
        (
            r"Free memory on device \S+ \((?P<free>[\d.]+)/(?P<total>[\d.]+) GiB\) on startup is"
            r" less than desired GPU memory utilization \([\d.]+, (?P<wanted>[\d.]+) GiB\)"
        ),
        Reason.VRAM_BUSY,
        "free memory of the GPU: {free} of {total} GiB are free, and the model's share is {wanted} GiB",
    ),
    (r"Free memory on device .* is less than ", Reason.VRAM_BUSY, None),
    (
        r"Error in memory profiling",
        Reason.VRAM_BUSY,
        (
            "try again: another program took or freed GPU memory while the engine measured it; "
            "`kv_cache_memory_bytes` in `engine_args` spares the measuring"
        ),
    ),
    (
        r"(?P<need>[\d.]+) GiB KV cache is needed.*estimated maximum model length is (?P<most>\d+)",
        Reason.CUDA_OUT_OF_MEMORY,
        "set `context_length` to {most} or lower, or raise `vram_mib`",
    ),
    (r"KV cache is needed", Reason.CUDA_OUT_OF_MEMORY, "lower `context_length`, or raise `vram_mib`"),
    (
        r"No available memory for the cache blocks|Cannot auto-fit max_model_len",
        Reason.CUDA_OUT_OF_MEMORY,
        "raise `vram_mib`, or choose a smaller or quantised model: its weights leave no room for a context",
    ),
    (
        r"out of memory occurred when warming up sampler with (?P<most>\d+) dummy requests",
        Reason.CUDA_OUT_OF_MEMORY,
        "set `max_num_seqs` in `engine_args` to less than {most}",
    ),
    (
        (
            r"(CUDA|HIP|XPU|MPS backend) (error: )?out of memory|torch\.(cuda\.)?OutOfMemoryError"
            r"|not enough GPU memory|cudaErrorMemoryAllocation|CUBLAS_STATUS_ALLOC_FAILED"
        ),
        Reason.CUDA_OUT_OF_MEMORY,
        None,
    ),
    (r"Available memory on node|Cannot allocate memory|DefaultCPUAllocator", Reason.OUT_OF_MEMORY, None),
    # The machine.
    (
        (
            r"Failed to initialize NVML|no CUDA-capable device|Found no NVIDIA driver|No CUDA GPUs"
            r"|Failed to infer device type|libcuda\.so\.1: cannot open|CUDA driver version is insufficient"
            r"|driver on your system is too old|could not select device driver|nvidia-container-cli"
        ),
        Reason.NO_GPU_DRIVER,
        None,
    ),
    (
        r"no kernel image is available for execution",
        Reason.ENGINE_MISSING,
        "choose a build or an image of the engine that knows this GPU",
    ),
    (r"No space left on device|Disk quota exceeded", Reason.DISK_FULL, None),
    (r"Address already in use|port is already allocated", Reason.PORT_IN_USE, None),
    (r"manifest unknown|pull access denied|No such image", Reason.IMAGE_MISSING, None),
    (
        r"Timed out waiting for engine|did not become ready within",
        Reason.STARTUP_TIMEOUT,
        None,
    ),
    # The weights. "Private or gated", as the Hub's library adds to a name that it cannot find, says nothing.
    (
        r"Repository ?Not ?Found|is not a local folder and is not a valid model identifier",
        Reason.MODEL_NOT_FOUND,
        "check `repo` of this model in models.json; if it is private, set HF_TOKEN",
    ),
    (
        r"RevisionNotFound|Revision Not Found",
        Reason.MODEL_NOT_FOUND,
        "check `revision` of this model in models.json",
    ),
    (
        (
            r"LocalEntryNotFoundError|Cannot find an appropriate cached snapshot"
            r"|couldn't connect to .https://huggingface|outgoing traffic has been disabled"
        ),
        Reason.MODEL_NOT_FOUND,
        "let the engine reach the Hub once to download the weights (network, HF_HUB_OFFLINE), or set `path`",
    ),
    (
        r"GatedRepoError|access a gated repo|gated repo .* access|Access to model .* is restricted",
        Reason.GATED_REPO,
        None,
    ),
    (r"40[13] Client Error", Reason.GATED_REPO, None),
    (
        r"SafetensorError|incomplete metadata, file not fully covered|invalid load key",
        Reason.LOAD_FAILED,
        "delete the damaged weights and download them again",
    ),
    (
        (
            r"does not recognize this architecture|model type .* but Transformers does not recognize"
            r"|architectures .* are not supported"
        ),
        Reason.UNSUPPORTED_MODEL,
        None,
    ),
    # Last: many of the above are said in a sentence that begins so.
    (r"Value error, (?!Model architectures .* failed to be inspected)", Reason.BAD_ENGINE_ARGUMENT, None),
)

# True of many logs that end for another reason, so they count only where nothing surer is said.
LIKELY = _rows(
    (
        r"ModuleNotFoundError: No module named '(?P<name>[\w.]+)'",
        Reason.MISSING_DEPENDENCY,
        "install {name} where the engine is installed, or use an image that has it",
    ),
    (r"ImportError: |No module named", Reason.MISSING_DEPENDENCY, None),
    (r"\bMemoryError", Reason.OUT_OF_MEMORY, None),
)

LAST_RESORT = _rows(
    (r"failed to be inspected", Reason.UNSUPPORTED_MODEL, None),
    (r"ValidationError: \d+ validation error", Reason.BAD_ENGINE_ARGUMENT, None),
    (r"(?:^|[\s.])[A-Z]\w*(?:Error|Exception): \S", Reason.ENGINE_EXITED, None),
)

TABLES = (CAUSES, LIKELY, LAST_RESORT)
