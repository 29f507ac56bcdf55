"""The words after `vllm serve` for one run of a model. Pure."""

import json
from collections.abc import Iterator, Sequence

from switchyard_contracts.catalog import Model, SleepPolicy, VllmArgs
from switchyard_manager.engines import vllm_lora, vllm_memory
from switchyard_manager.engines.programs import own_gpus
from switchyard_manager.engines.protocol import Run

# Requests are drained before an engine is stopped, by the proxies that hold them; those that are left then have
# used up their time. So vLLM need wait for none. It would wait for more than that: an engine of several
# processes takes all of this time to end, with nothing to do, answers new requests with a 500 meanwhile, and
# the memory that the next model waits for comes back no sooner. With 0 it ends in 0.4 to 0.8 s, as others
# measured. Said outright, as some platforms have a default of 5.
SHUTDOWN_TIMEOUT_S = 0

NOT_AT_ALL = "none"  # in the catalog, of parsers
PARALLEL = ("tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size")


def arguments(model: Model, run: Run, weights: str, served: Sequence[vllm_lora.Served] = ()) -> tuple[str, ...]:
    return (
        *(weights, "--served-model-name", model.name),
        *("--host", run.listen.host, "--port", str(run.listen.port)),
        *_flags(model, run, served),
        *model.extra_args,
    )


def may_sleep(model: Model, run: Run) -> bool:
    """Only on a GPU: on a CPU the flag ends vLLM at once."""
    return model.sleep is SleepPolicy.AUTO and bool(own_gpus(model, run))


def _flags(model: Model, run: Run, served: Sequence[vllm_lora.Served]) -> Iterator[str]:
    args = model.engine_args if isinstance(model.engine_args, VllmArgs) else VllmArgs()
    if model.revision is not None:
        yield from ("--revision", model.revision)
    yield from _context(model, run, args)
    yield from _parallelism(args, len(own_gpus(model, run)))
    yield from vllm_memory.flags(run.share, run.beside_cache_mib, args)
    for name, value in args.model_dump(exclude_none=True).items():
        if (name, value) != ("reasoning_parser", NOT_AT_ALL):
            yield from _flag("--" + name.replace("_", "-"), value)
    yield from vllm_lora.flags(model, served, args)
    yield from ("--shutdown-timeout", str(SHUTDOWN_TIMEOUT_S))
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
