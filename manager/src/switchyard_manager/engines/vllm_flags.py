"""The words after `vllm serve` for one run of a model.

No `--shutdown-timeout`: requests are drained before an engine is stopped, and those that are left then have
used up their time. vLLM's default ends them at once, and itself within a second.
"""

import json
from collections.abc import Iterator

from switchyard_contracts.catalog import Model, SleepPolicy, VllmArgs
from switchyard_manager.engines.programs import own_gpus
from switchyard_manager.engines.protocol import Run, Share

PARALLEL = ("tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size")


def arguments(model: Model, run: Run, weights: str) -> tuple[str, ...]:
    return (
        *(weights, "--served-model-name", model.name),
        *("--host", run.listen.host, "--port", str(run.listen.port)),
        *_flags(model, run),
        *model.extra_args,
    )


def may_sleep(model: Model, run: Run) -> bool:
    """Only on a GPU: on a CPU the flag ends vLLM at once."""
    return model.sleep is SleepPolicy.AUTO and bool(own_gpus(model, run))


def _flags(model: Model, run: Run) -> Iterator[str]:
    args = model.engine_args if isinstance(model.engine_args, VllmArgs) else VllmArgs()
    if model.revision is not None:
        yield from ("--revision", model.revision)
    yield from _context(model, run, args)
    yield from _parallelism(args, len(own_gpus(model, run)))
    # Beside `kv_cache_memory_bytes`, too: vLLM's check at the start goes by the share all the same.
    if run.share is not None and args.gpu_memory_utilization is None:
        yield from ("--gpu-memory-utilization", _share(run.share))
    for name, value in args.model_dump(exclude_none=True).items():
        yield from _flag("--" + name.replace("_", "-"), value)
    if may_sleep(model, run):
        yield "--enable-sleep-mode"


def _context(model: Model, run: Run, args: VllmArgs) -> tuple[str, ...]:
    """Left out, it is what fits: else a model whose own context does not fit its GPU would not start."""
    if model.context_length is not None:
        return ("--max-model-len", str(model.context_length))
    return ("--max-model-len", "auto") if own_gpus(model, run) and args.runner != "pooling" else ()


def _parallelism(args: VllmArgs, gpus: int) -> tuple[str, ...]:
    if gpus > 1 and all(getattr(args, name) is None for name in PARALLEL):
        return ("--tensor-parallel-size", str(gpus))
    return ()


def _share(share: Share) -> str:
    """Rounded up: an engine that gets a little less than its claim may not fit."""
    hundredths = min(100, -(-share.claim_mib * 100 // share.total_mib))
    return f"{hundredths / 100:.2f}"


def _flag(flag: str, value: object) -> tuple[str, ...]:
    match value:
        case True:
            return (flag,)
        case False:
            return (flag.replace("--", "--no-", 1),)
        case dict() | list():
            return (flag, json.dumps(value))
        case _:
            return (flag, str(value))
