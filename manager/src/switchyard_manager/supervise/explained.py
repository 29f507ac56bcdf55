"""Say an explanation in words. It looks at what was found out, and finds out nothing itself."""

from switchyard_contracts.admin import Authority, Explanation, GpuExplained, Occupant, Outcome
from switchyard_contracts.catalog import EngineArgs, Model, VllmArgs
from switchyard_contracts.status import GpuProcess, ModelStatus, Phase
from switchyard_manager.scheduler import Seen
from switchyard_manager.scheduler.sites import gpu_count
from switchyard_manager.supervise.life import Life

AUTHORITIES = {
    Authority.DECLARED: "as `vram_mib` in models.json says",
    Authority.SHARE: "as `gpu_memory_utilization` says",
    Authority.MEASURED: "as its last good run took",
}


def why(life: Life, status: ModelStatus, view: Seen) -> str:
    """Why it is in its phase, in a few words that follow a colon."""
    run, for_s = life.run, f"for {view.phase_s:.0f} s"
    match life.phase:
        case Phase.STOPPED | Phase.FAILED | Phase.STOP_FAILED:
            return _at_rest(life, status)
        case Phase.STARTING | Phase.LOADING | Phase.WARMING | Phase.WAKING:
            said = f"; it says: {status.progress}" if status.progress else ""
            return f"it has been coming up {for_s}{said}"
        case Phase.READY:
            return _serving(life, status)
        case Phase.DRAINING:
            left = f"{life.in_flight} of its requests still run" if life.in_flight else "nothing runs on it"
            return f"it leaves ({life.leaves_for or 'of no use'}), and {left}"
        case Phase.SLEEPING | Phase.ASLEEP | Phase.STOPPING:
            reason = run.ended_because if run and run.ended_because else "of its own"
            return f"{for_s} now ({reason})"


def _at_rest(life: Life, status: ModelStatus) -> str:
    if status.waiting and not status.retry_in_s:
        waits = f"{counted(status.waiting, 'request')} for it {_wait(status.waiting)}"
        waits += f", {status.waited_s:.0f} s by now" if status.waited_s else ""
        return f"{waits}; {status.progress or status.blocked or 'it is about to start'}"
    if status.progress:
        return status.progress
    if life.failure is None:
        return "nobody asks for it" if life.ever_started else "nobody has asked for it yet"
    again = f"; it is tried again for whoever asks after {status.retry_in_s:.0f} s" if status.retry_in_s else ""
    return life.failure.sentence() + again


def _wait(number: int) -> str:
    return "waits" if number == 1 else "wait"


def _serving(life: Life, status: ModelStatus) -> str:
    if status.in_flight:
        return f"it serves {counted(status.in_flight, 'request')}"
    idle = f"it has been idle for {status.idle_s or 0:.0f} s"
    if life.pinned:
        return f"{idle}, and is pinned"
    limit = life.model.idle_unload_s
    return idle + (f", and leaves after {limit:g}" if limit is not None else ", and stays until moved out")


def sentences(found: Explanation, model: Model, *, alone: bool) -> tuple[str, ...]:
    return (
        f"{found.model} is {found.phase}: {found.why}.",
        _need(found, model, alone=alone),
        *(line for gpu in found.gpus for line in _gpu(gpu)),
        _outcome(found, model),
    )


def manner(args: EngineArgs) -> str | None:
    """How a model of vLLM's is served, where that follows from what it is."""
    if not isinstance(args, VllmArgs):
        return None
    said = [
        "is run for embeddings or ranking" if args.runner == "pooling" else "",
        f"calls tools in the manner `{args.tool_call_parser}`" if args.enable_auto_tool_choice else "",
        f"thinks in the manner `{args.reasoning_parser}`"
        if args.reasoning_parser not in {None, "none"}
        else "",
    ]
    told = [one for one in said if one]
    return f"It {' and '.join(told)} (see `engine_args`)." if told else None


def _need(found: Explanation, model: Model, *, alone: bool) -> str:
    count = gpu_count(model)
    if count == 0 or (not found.gpus and model.gpus is None):
        return "It runs without a GPU."
    where = "one GPU" if count == 1 else f"each of {count} GPUs"
    needs = {gpu.need_mib: gpu.authority for gpu in found.gpus if gpu.eligible}
    if not needs:
        return f"It asks for {_asked(model)}."
    if alone:
        return "It ran out of memory beside others, so it gets a GPU to itself: raise its `vram_mib`."
    if None in needs:
        return "It is not known how much memory it needs, so it gets a whole GPU: set `vram_mib` to share one."
    amounts = " or ".join(str(mib) for mib in needs)
    return f"It needs {amounts} MiB on {where}, {AUTHORITIES[next(iter(needs.values()))]}."


def _asked(model: Model) -> str:
    if isinstance(model.gpus, tuple):
        return ", ".join(model.gpus)
    return counted(gpu_count(model), "GPU")


def _gpu(gpu: GpuExplained) -> list[str]:
    used = f", {gpu.used_mib} measured in use" if gpu.used_mib is not None else ""
    kept = f", {gpu.reserve_mib} kept free" if gpu.reserve_mib else ""
    short = f", {gpu.shortfall_mib} too few" if gpu.shortfall_mib and gpu.eligible else ""
    bars = "" if gpu.eligible else "; the model may not run here"
    name = f"{gpu.uuid} ({gpu.name})" if gpu.name else gpu.uuid
    head = f"{name} has {gpu.total_mib} MiB{kept}{used}: {gpu.free_mib} are left for it{short}{bars}."
    return [head, *map(_occupant, gpu.models), *map(_stranger, gpu.strangers)]


def _occupant(one: Occupant) -> str:
    claim = "all of it" if one.claim_mib is None else f"{one.claim_mib} MiB"
    doing = (
        f"{counted(one.in_flight, 'request')} in flight" if one.in_flight else f"idle for {one.idle_s:.0f} s"
    )
    state = f"{one.phase}, {doing}" if one.phase is Phase.READY else str(one.phase)
    if one.may_leave:
        return f"- {one.model} has {claim} ({state}); it may be moved out, which frees {one.frees_mib} MiB."
    stays = f"; it stays: {one.stays_because}" if one.stays_because else ""
    return f"- {one.model} has {claim} ({state}){stays}."


def _stranger(process: GpuProcess) -> str:
    held = "some memory" if process.used_mib is None else f"{process.used_mib} MiB"
    return f"- {process.name} (process {process.pid}) holds {held}, and is no engine of Switchyard's."


def _outcome(found: Explanation, model: Model) -> str:
    place = f" on {', '.join(found.site)}" if found.site else ""
    others = ", ".join(found.in_the_way) or "freed memory"
    match found.outcome:
        case Outcome.LOADED:
            return f"Its engine is there already{place}."
        case Outcome.NOW:
            return f"There is room for it now{place}."
        case Outcome.SOON:
            return f"There is room for it{place} as soon as {others} is out of the way."
        case Outcome.EVICT:
            return f"To load it{place}, {', '.join(found.victims)} would be moved out now."
        case Outcome.BLOCKED:
            return f"It must wait for its turn{place}: {others} may not be moved out yet."
        case Outcome.SHORT:
            return "There is no room for it, and moving out all that may be moved would not make enough."
        case Outcome.NO_GPU:
            return f"It cannot load here: it asks for {_asked(model)}, and this machine has no such GPUs."


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
