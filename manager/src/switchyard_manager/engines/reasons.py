"""Read why an engine failed from what it said. A table: the first line that matches wins.

Our own image server says it outright, in one line of JSON after a marker. For everyone else the lines were
seen in real logs. Order is meaning: the root cause stands above the wrappers that follow it.
"""

import json
import re
from collections.abc import Sequence

from switchyard_contracts.errors import Reason
from switchyard_contracts.status import Failure
from switchyard_manager.runtimes import Exit

MARKER = "SWITCHYARD_FAILURE "
TAIL_KEPT = 20

ADVICE: dict[Reason, str] = {
    Reason.BAD_ENGINE_ARGUMENT: "correct `engine_args` or `extra_args` of this model in models.json",
    Reason.CANARY_FAILED: "read the engine's log; it answers its health check, but not a request",
    Reason.CUDA_OUT_OF_MEMORY: "free the card, choose a smaller or quantised model, or lower `context_length`",
    Reason.DISK_FULL: "free disk space where models and caches are kept",
    Reason.ENGINE_EXITED: "read the end of its log (logs/MODEL/current.log in the state folder)",
    Reason.ENGINE_MISSING: "install the engine, or choose another with `engine` in models.json",
    Reason.GATED_REPO: "accept the model's licence on its page and set HF_TOKEN",
    Reason.LOAD_FAILED: "read the end of its log (logs/MODEL/current.log in the state folder)",
    Reason.MISSING_DEPENDENCY: "run ./setup.sh up again: it installs what the engine needs",
    Reason.MODEL_NOT_FOUND: "check `repo` or `path` of this model in models.json",
    Reason.NO_GPU_DRIVER: "see that nvidia-smi works on this machine (./setup.sh doctor)",
    Reason.OUT_OF_MEMORY: "close other programs, or choose a smaller model",
    Reason.PORT_IN_USE: "try again: another program took the port in between",
    Reason.RUNTIME_UNAVAILABLE: "see ./setup.sh doctor",
    Reason.STARTUP_TIMEOUT: "raise `startup_timeout_s` of this model if it was still making progress",
    Reason.STOP_FAILED: "end the process by hand; it holds memory that the next model needs",
    Reason.UNSUPPORTED_MODEL: "choose another engine for this model, or upgrade this one",
}

LINES: tuple[tuple[re.Pattern[str], Reason], ...] = tuple(
    (re.compile(pattern), reason)
    for pattern, reason in (
        (
            r"unrecognized arguments|error: argument|ValidationError: \d+ validation error",
            Reason.BAD_ENGINE_ARGUMENT,
        ),
        (r"CUDA out of memory|torch\.OutOfMemoryError|not enough GPU memory", Reason.CUDA_OUT_OF_MEMORY),
        (r"Free memory on device .* is less than desired", Reason.CUDA_OUT_OF_MEMORY),
        (r"No available memory for the cache blocks|KV cache is needed", Reason.CUDA_OUT_OF_MEMORY),
        (r"is greater than the derived max_model_len", Reason.BAD_ENGINE_ARGUMENT),
        (r"Failed to initialize NVML|no CUDA-capable device|Found no NVIDIA driver", Reason.NO_GPU_DRIVER),
        (r"gated repo|401 Client Error|GatedRepoError", Reason.GATED_REPO),
        (r"No space left on device", Reason.DISK_FULL),
        (r"LocalEntryNotFoundError|RepositoryNotFoundError|is not a local folder", Reason.MODEL_NOT_FOUND),
        (r"does not recognize this architecture|failed to be inspected", Reason.UNSUPPORTED_MODEL),
        (r"Address already in use", Reason.PORT_IN_USE),
        (r"ModuleNotFoundError|ImportError", Reason.MISSING_DEPENDENCY),
        (r"MemoryError|Available memory on node", Reason.OUT_OF_MEMORY),
    )
)


def explain(name: str, exit_: Exit) -> Failure:
    told = _told(exit_.log_tail)
    reason, said = told or _matched(exit_.log_tail) or _by_exit(exit_)
    return Failure(
        reason=reason,
        message=f"cannot run {name}: {said}" if said else f"cannot run {name}: its engine {exit_}",
        advice=ADVICE[reason],
        exit_code=exit_.code,
        log_tail=exit_.log_tail[-TAIL_KEPT:],
    )


def _told(lines: Sequence[str]) -> tuple[Reason, str] | None:
    for line in reversed(lines):
        _, marked, text = line.partition(MARKER)
        if not marked:
            continue
        try:
            said = json.loads(text)
            reason = Reason(said["code"]) if said["code"] in set(Reason) else Reason.ENGINE_EXITED
            return reason, str(said["message"])
        except (ValueError, KeyError, TypeError):
            continue
    return None


def _matched(lines: Sequence[str]) -> tuple[Reason, str] | None:
    for pattern, reason in LINES:
        for line in lines:
            if pattern.search(line):
                return reason, line.strip()[:300]
    return None


def _by_exit(exit_: Exit) -> tuple[Reason, str]:
    killed = -9
    if exit_.code == killed:
        return Reason.OUT_OF_MEMORY, "its engine was killed from outside, most likely for want of memory"
    return Reason.ENGINE_EXITED, ""
