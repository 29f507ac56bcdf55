"""What a refusal of the Docker Engine means for the model that was to be started.

A table: the first line that matches wins.
"""

import re
from collections.abc import Iterable

from switchyard_contracts.errors import Reason
from switchyard_manager.errors import EngineFailed
from switchyard_manager.runtimes.docker.engine import EngineSaid
from switchyard_manager.runtimes.protocol import RuntimeAway

BAD_REQUEST = 400

REFUSALS: tuple[tuple[re.Pattern[str], Reason, str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), reason, advice)
    for pattern, reason, advice in (
        (
            r"no space left on device|disk quota exceeded",
            Reason.DISK_FULL,
            "free disk space where Docker keeps its images (`docker system df` shows what takes it)",
        ),
        (
            r"could not select device driver|nvidia-container|libnvidia-ml|failed to inject CDI|unknown device",
            Reason.NO_GPU_DRIVER,
            "install the NVIDIA Container Toolkit for Docker, and see that nvidia-smi works on this machine",
        ),
        (
            r"no such image",
            Reason.IMAGE_MISSING,
            "see that nothing removes images while engines start, then try again",
        ),
        (
            r"bind source path does not exist|error while creating mount source path",
            Reason.MODEL_NOT_FOUND,
            "check `path` and the mounts of this model in models.json: the folder must be on this machine",
        ),
        (
            r"executable file not found|(stat|exec) .*(no such file|permission denied)|exec format error",
            Reason.ENGINE_MISSING,
            "check `image`, `entrypoint` and `command` of this model: the image has no such program",
        ),
        (
            r"port is already allocated|address already in use",
            Reason.PORT_IN_USE,
            "try again: another program took the port in between",
        ),
        (
            r"address pools? .*subnetted|could not find an available.*address pool",
            Reason.RUNTIME_UNAVAILABLE,
            "remove networks that nobody uses (`docker network prune`)",
        ),
    )
)

IMAGE_REFUSALS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), advice)
    for pattern, advice in (
        (
            r"unauthorized|denied|authentication required|no basic auth",
            "check the name of the image, or log in to its registry with `docker login`",
        ),
        (
            r"not found|manifest unknown|does not exist|no matching manifest|invalid reference",
            "check `image` of this model in models.json: the registry has none of that name and tag",
        ),
        (
            r"",
            "see that this machine reaches the registry, or fetch the image by hand with `docker pull`",
        ),
    )
)


def engine_away(model: str, error: RuntimeAway) -> EngineFailed:
    return EngineFailed.because(
        Reason.RUNTIME_UNAVAILABLE,
        f"cannot start {model}: {error}",
        "start Docker, and see that this user may use it (`docker info` must answer)",
    )


def refused(model: str, error: EngineSaid, secrets: Iterable[str]) -> EngineFailed:
    said = _without(error.words, secrets)
    message = f"cannot start {model}: Docker said: {said}"
    for pattern, reason, advice in REFUSALS:
        if pattern.search(said):
            return EngineFailed.because(reason, message, advice)
    if error.status == BAD_REQUEST:
        return EngineFailed.because(
            Reason.BAD_ENGINE_ARGUMENT, message, "correct what it names of this model in models.json"
        )
    return EngineFailed.because(Reason.RUNTIME_UNAVAILABLE, message, "see what Docker's own log says of it")


def not_pulled(model: str, image: str, said: str) -> EngineFailed:
    message = f"cannot start {model}: cannot pull the image {image}: {said}"
    pattern, reason, advice = REFUSALS[0]
    if pattern.search(said):
        return EngineFailed.because(reason, message, advice)
    advice = next(advice for pattern, advice in IMAGE_REFUSALS if pattern.search(said))
    return EngineFailed.because(Reason.IMAGE_MISSING, message, advice)


def called_off(model: str) -> EngineFailed:
    return EngineFailed.because(
        Reason.ENGINE_EXITED,
        f"cannot start {model}: it was stopped while it was starting",
        "ask for it again if it is wanted",
    )


def _without(words: str, secrets: Iterable[str]) -> str:
    """The Engine may quote the environment that it did not like."""
    for secret in secrets:
        if secret:
            words = words.replace(secret, "…")
    return words
