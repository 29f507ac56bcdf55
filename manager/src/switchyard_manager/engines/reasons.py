"""Read why an engine failed from how it ended and what it said, and say what to do about it.

Our own image server says it outright, in one line of JSON after a marker. For everyone else there are the lines
of `known_lines`. Where several processes write one log, the one closest to the GPU knows best: the others say
what reached them. Within one, the end is nearest to the cause. An engine that ends by itself has failed,
whatever its code.
"""

import json
import re
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from switchyard_contracts.errors import Reason
from switchyard_contracts.status import Failure
from switchyard_manager.engines.known_lines import TABLES, WRAPPERS, Known
from switchyard_manager.runtimes import Exit

MARKER = "SWITCHYARD_FAILURE "
TAIL_KEPT = 20
SAID_KEPT = 300

ADVICE: dict[Reason, str] = {
    Reason.BAD_ENGINE_ARGUMENT: "correct `engine_args` or `extra_args` of this model in models.json",
    Reason.CANARY_FAILED: "read the engine's log; it answers its health check, but not a request",
    Reason.CUDA_OUT_OF_MEMORY: "free the card, choose a smaller or quantised model, or lower `context_length`",
    Reason.DISK_FULL: "free disk space where models and caches are kept",
    Reason.ENGINE_EXITED: "read the end of its log (logs/MODEL/current.log in the state folder)",
    Reason.ENGINE_MISSING: "install the engine, or choose another with `engine` in models.json",
    Reason.ENGINE_STUCK: "read the engine's log; it held requests and got nowhere, and is started anew",
    Reason.GATED_REPO: "accept the model's licence on its page and set HF_TOKEN",
    Reason.HUB_UNREACHABLE: "see that this machine reaches the Hub (network, HTTPS_PROXY, HF_ENDPOINT)",
    Reason.IMAGE_MISSING: "check the image's name, and that this machine can pull it (docker pull)",
    Reason.INSUFFICIENT_VRAM: "choose a smaller or quantised model, correct `vram_mib`, or give it more `gpus`",
    Reason.LOAD_FAILED: "read the end of its log (logs/MODEL/current.log in the state folder)",
    Reason.MISSING_DEPENDENCY: "run ./setup.sh up again: it installs what the engine needs",
    Reason.MODEL_NOT_FOUND: "check `repo` or `path` of this model in models.json",
    Reason.NO_GPU: "check `gpus` of this model against nvidia-smi -L, or write 0 to run it without one",
    Reason.NO_GPU_DRIVER: "see that nvidia-smi works on this machine (./setup.sh doctor)",
    Reason.OUT_OF_MEMORY: "close other programs, or choose a smaller model",
    Reason.PORT_IN_USE: "try again: another program took the port in between",
    Reason.RUNTIME_UNAVAILABLE: "see ./setup.sh doctor",
    Reason.SLEEP_FAILED: 'if it happens again, set `sleep` of this model to "off": it is then stopped instead',
    Reason.STARTUP_TIMEOUT: "raise `startup_timeout_s` of this model if it was still making progress",
    Reason.STOP_FAILED: "end the process by hand; it holds memory that the next model needs",
    Reason.UNSUPPORTED_MODEL: "choose another engine for this model, or upgrade this one",
    Reason.VRAM_BUSY: "close the program that holds the GPU's memory; the status names it",
}

# Not the model's fault: mending the machine cures them all, and no model is given up for them.
ENVIRONMENT: frozenset[Reason] = frozenset(
    {
        Reason.DISK_FULL,
        Reason.HUB_UNREACHABLE,
        Reason.IMAGE_MISSING,
        Reason.NO_GPU,
        Reason.NO_GPU_DRIVER,
        Reason.PORT_IN_USE,
        Reason.RUNTIME_UNAVAILABLE,
        Reason.VRAM_BUSY,
    }
)

# Nothing mends itself: only a new token, a changed entry or a word by hand is worth another try soon.
LASTING: frozenset[Reason] = frozenset({Reason.GATED_REPO})


@dataclass(frozen=True, slots=True)
class _Verdict:
    reason: Reason
    said: str  # "" where nobody said anything
    advice: str


def explain(name: str, exit_: Exit) -> Failure:
    verdict = _told(exit_.log_tail) or _by_kernel(exit_) or _matched(exit_) or _by_code(exit_)
    return Failure(
        reason=verdict.reason,
        message=f"cannot run {name}: {verdict.said}",
        advice=verdict.advice,
        exit_code=exit_.code,
        log_tail=exit_.log_tail[-TAIL_KEPT:],
    )


def _told(lines: Sequence[str]) -> _Verdict | None:
    for line in reversed(lines):
        _, marked, text = line.partition(MARKER)
        if not marked:
            continue
        try:
            said = json.loads(text)
            reason = Reason(said["code"]) if said["code"] in set(Reason) else Reason.ENGINE_EXITED
            return _Verdict(reason, str(said["message"]), ADVICE[reason])
        except (ValueError, KeyError, TypeError):
            continue
    return None


def _by_kernel(exit_: Exit) -> _Verdict | None:
    if not exit_.oom_killed:
        return None
    said = (
        "its engine was killed by the kernel, because this machine (or the container's limit) ran out of memory"
    )
    return _Verdict(Reason.OUT_OF_MEMORY, said, ADVICE[Reason.OUT_OF_MEMORY])


def _matched(exit_: Exit) -> _Verdict | None:
    lines = list(_nearest_first(exit_.log_tail))
    for table in TABLES:
        for line in lines:
            for known in table:
                if found := known.pattern.search(line):
                    return _verdict(known, found, line, exit_)
    return None


def _verdict(known: Known, found: "re.Match[str]", line: str, exit_: Exit) -> _Verdict:
    words = _PREFIX.sub("", line).strip()[:SAID_KEPT]
    said = f"its engine {exit_}: {words}" if known.reason is Reason.ENGINE_EXITED else words
    return _Verdict(known.reason, said, known.advised(found, ADVICE))


# How vLLM marks its lines: "(EngineCore pid=7) ERROR 11-20 12:00:00 [core.py:1] …".
_PREFIX = re.compile(r"^(\([^()]*pid=\d+\)\s*)?([A-Z]+ \d\d-\d\d [\d:]+ (\[\S+\]\s?)?)?")
_CLOSEST = ("(Worker", "(EngineCore", "(APIServer")


def _nearest_first(lines: Sequence[str]) -> Iterator[str]:
    upward = [line for line in reversed(lines) if not WRAPPERS.search(line)]
    for origin in _CLOSEST:
        yield from (line for line in upward if line.startswith(origin))
    yield from (line for line in upward if not line.startswith(_CLOSEST))


_SHELL_SIGNAL = 128  # a container's code for a program that a signal ended: this and the signal's number
_NOT_THERE = frozenset({126, 127})
_CRASHES = frozenset({signal.SIGSEGV, signal.SIGILL, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE})


def _by_code(exit_: Exit) -> _Verdict:
    by = _signal(exit_.code)
    if by is signal.SIGKILL:
        said = "its engine was killed from outside, most likely for want of memory"
        return _Verdict(Reason.OUT_OF_MEMORY, said, ADVICE[Reason.OUT_OF_MEMORY])
    if by is signal.SIGTERM:
        said = "its engine was told to stop, and not by Switchyard"
        return _Verdict(Reason.ENGINE_EXITED, said, "see who sends SIGTERM to it (a shutdown, `docker stop`)")
    if by is not None and by in _CRASHES:
        said = f"its engine crashed ({by.name})"
        advice = "read the end of its log; another version of the engine or the driver may help"
        return _Verdict(Reason.ENGINE_EXITED, said, advice)
    if exit_.code in _NOT_THERE:
        said = f"its engine {exit_}: its program cannot be found or run"
        return _Verdict(
            Reason.ENGINE_MISSING, said, "see that the image, or the installation, has the engine in it"
        )
    said = f"its engine {exit_}, and nobody had asked it to"
    return _Verdict(Reason.ENGINE_EXITED, said, ADVICE[Reason.ENGINE_EXITED])


def _signal(code: int | None) -> signal.Signals | None:
    if code is None:
        return None
    number = -code if code < 0 else code - _SHELL_SIGNAL
    return next((known for known in signal.Signals if known == number), None)
