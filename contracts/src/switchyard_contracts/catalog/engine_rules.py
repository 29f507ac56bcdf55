"""What must hold for the engine's flags: they agree with each other, with the GPUs and with what we set.

A flag has one place. What is typed here may not come in again through `extra_args`, where nobody would check it
and the last one would win.
"""

import math
import re
from collections.abc import Iterator, Mapping

from switchyard_contracts.catalog.engine_args import ImageServerArgs, VllmArgs
from switchyard_contracts.catalog.entries import Entry, gpu_count, parallel_sizes
from switchyard_contracts.catalog.faults import Found, counted, quoted
from switchyard_contracts.catalog.model import ARGS_OF, Engine, ModelType, manner_in

ADDRESS = "remove it: Switchyard chooses the address and the key of its engines"
OWN_FLAGS = {
    "--model": "set 'repo' or 'path' instead",
    "--max-model-len": "set 'context_length' instead",
    "--host": ADDRESS,
    "--port": ADDRESS,
    "--api-key": ADDRESS,
    "--served-model-name": "remove it: the model is served under its name; other names go under aliases",
}
VLLM_FLAGS = {
    "--revision": "set 'revision' instead",
    "--enable-sleep-mode": "set 'sleep' instead",
    "--uds": ADDRESS,
    "--root-path": ADDRESS,
    "--ssl-keyfile": ADDRESS,
    "--ssl-certfile": ADDRESS,
    "--enable-lora": "remove it: it follows from 'lora' under variants",
    "--lora-modules": "name the adapters under variants instead, each with 'lora'",
    "--hf-token": "put HF_TOKEN into the environment: a flag shows in every list of processes",
    "-q": "set 'engine_args.quantization' instead",
    "-tp": "set 'engine_args.tensor_parallel_size' instead",
    "-pp": "set 'engine_args.pipeline_parallel_size' instead",
    "-dp": "set 'engine_args.data_parallel_size' instead",
}
OF_IMAGES = ("steps", "guidance", "lora", "lora_root", "controlnet", "compile")
OF_WORDS = (
    *("max_new_tokens", "max_concurrency", "max_image_tokens", "max_video_frames", "video_fps"),
    *("labels", "warning_tokens", "critical_tokens"),
)
PARALLEL_FIELDS = ("tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size")


def engine_faults(entry: Entry) -> Iterator[Found]:
    if entry.engine_is_known and entry.own.engine is not Engine.CONTAINER:
        yield from _extra_args_rule(entry)
    yield from _memory_rule(entry)
    if entry.args_are_whole:
        yield from _parallel_rule(entry)
        yield from _type_rule(entry)


def typed_flags(engine: Engine) -> Mapping[str, str]:
    """Every flag that may not stand in `extra_args`, with what to do instead."""
    typed = {
        f"--{name.replace('_', '-')}": f"set 'engine_args.{name}' instead"
        for name in ARGS_OF[engine].model_fields
    }
    return typed | OWN_FLAGS | (VLLM_FLAGS if engine is Engine.VLLM else {})


def _extra_args_rule(entry: Entry) -> Iterator[Found]:
    flags = typed_flags(entry.own.engine)
    for index, argument in enumerate(entry.own.extra_args):
        if re.match(r"-[^\s=]+\s", argument):
            pieces = " and ".join(quoted(piece) for piece in argument.split(maxsplit=1))
            what = f"cannot pass a flag with a blank in it; write {pieces}, each as an item of its own"
            yield entry.at("extra_args", index), what
        elif known := _spelled_out(argument, flags):
            advice = flags[known]
            if known == "--gpu-memory-utilization" and "vram_mib" in entry.given:
                advice = "remove it: it follows from vram_mib"
            yield entry.at("extra_args", index), f"cannot pass {known} here; {advice}"


def _spelled_out(argument: str, flags: Mapping[str, str]) -> str | None:
    """The flag an argument means. Engines take `_` for `-`, `--no-x`, `--x=1`, `--x.key 1`, abbreviations."""
    head = re.split(r"[=.+]", argument, maxsplit=1)[0].replace("_", "-")
    if not head.startswith("-") or head in ("-", "--"):
        return None
    head = re.sub(r"^--no-(?=.)", "--", head)
    if head in flags:
        return head
    if not head.startswith("--"):
        return None
    return next((flag for flag in flags if flag.startswith(head)), None)


def _memory_rule(entry: Entry) -> Iterator[Found]:
    own = entry.own
    if own.vram_mib is None:
        return
    if gpu_count(entry.model) == 0:
        yield entry.at("vram_mib"), "cannot reserve GPU memory for a model without a GPU; remove 'vram_mib'"
    for name in ("gpu_memory_utilization", "max_vram_mib"):
        if getattr(own.engine_args, name, None) is not None:
            what = f"cannot set {name} beside vram_mib, from which it follows; remove one of them"
            yield entry.at("engine_args", name), what
    if not isinstance(own.engine_args, VllmArgs):
        return
    kv_mib = math.ceil((own.engine_args.kv_cache_memory_bytes or 0) / 2**20)
    if kv_mib >= own.vram_mib:
        what = f"cannot fit a KV cache of {kv_mib} MiB and the weights in vram_mib = {own.vram_mib}"
        yield entry.at("engine_args", "kv_cache_memory_bytes"), f"{what}; lower the one or raise the other"


def _parallel_rule(entry: Entry) -> Iterator[Found]:
    args = entry.model.engine_args
    count = gpu_count(entry.model)
    if not isinstance(args, VllmArgs) or not count:
        return
    needed = math.prod(parallel_sizes(args))
    if needed != count:
        written = [name for name in PARALLEL_FIELDS if getattr(entry.own.engine_args, name)]
        place = entry.at("engine_args", written[0] if written else "tensor_parallel_size")
        split = f"{counted(needed, 'GPU')} ({' x '.join(written)})"
        yield place, f"cannot split the model over {split} when it is given {count}; make the two equal"


def _type_rule(entry: Entry) -> Iterator[Found]:
    own, args = entry.own, entry.own.engine_args
    if isinstance(args, ImageServerArgs):
        of_images = own.type is ModelType.IMAGE
        wrong = OF_WORDS if of_images else OF_IMAGES
        for name in wrong:
            if getattr(args, name) is not None:
                what = f"cannot use '{name}' for a model of type {own.type}; remove it"
                yield entry.at("engine_args", name), what
    elif isinstance(args, VllmArgs):
        yield from _vllm_rule(entry, args)


def _vllm_rule(entry: Entry, args: VllmArgs) -> Iterator[Found]:
    known = manner_in(entry.own).tools
    if args.enable_auto_tool_choice and not (args.tool_call_parser or known):
        place = entry.at("engine_args", "enable_auto_tool_choice")
        yield place, "cannot let the model choose tools without a parser; add 'tool_call_parser'"
    if args.runner == "generate" and args.convert in {"embed", "classify"}:
        what = f"cannot turn a model into one that can {args.convert} and let it write text"
        yield entry.at("engine_args", "convert"), f"{what}; remove it, or set 'runner' to \"pooling\""
