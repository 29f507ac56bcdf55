"""What the doctor found: judged here from facts that others gathered. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from switchyard_contracts.status import ManagerStatus

if TYPE_CHECKING:  # what they import takes its time, and only the doctor needs it
    from switchyard_manager.gpu import Reading
    from switchyard_manager.runtimes.docker.facts import DockerFacts

NEEDED_MIB = 2048  # below this, logs and the history have no room to be written
WANTED_MIB = 20 * 1024  # below this, the next model hardly fits
OLDEST_DOCKER = (20, 10)
TOOLKIT = (
    "install nvidia-container-toolkit, then run `sudo nvidia-ctk runtime configure --runtime=docker`"
    " and restart Docker"
)


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"  # it works, with less than there could be
    FAIL = "fail"  # something that is wanted here does not work


@dataclass(frozen=True, slots=True)
class Finding:
    level: Level
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        remedy = f"\n        {self.remedy}" if self.remedy else ""
        return f"  {self.level:<4}  {self.what}{remedy}"

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def ok(what: str) -> Finding:
    return Finding(Level.OK, what)


def warn(what: str, remedy: str) -> Finding:
    return Finding(Level.WARN, what, remedy)


def fail(what: str, remedy: str) -> Finding:
    return Finding(Level.FAIL, what, remedy)


def of_docker(facts: "DockerFacts", in_containers: Iterable[str], *, has_gpus: bool) -> Iterator[Finding]:
    """`in_containers`: the models that would run in one on this machine."""
    names = ", ".join(in_containers)
    if not facts.answers:
        what = f"Docker: {facts.problem}"
        if names:
            remedy = f"{names} cannot run without it; start it: sudo systemctl start docker, or Docker Desktop"
            yield fail(what, remedy)
        else:
            yield warn(what, "no model needs it now; engines that are not installed here would run in it")
        return
    if _version(facts.version) < OLDEST_DOCKER:
        oldest = ".".join(map(str, OLDEST_DOCKER))
        yield warn(
            f"Docker: engine {facts.version}", f"older than {oldest}, the oldest that was tried: upgrade it"
        )
    else:
        yield ok(f"Docker: engine {facts.version} answers")
    if facts.gpus:
        yield ok(f"Docker: containers can have GPUs ({'CDI' if facts.cdi else 'the nvidia runtime'})")
    elif has_gpus:
        judged = fail if names else warn
        yield judged("Docker: containers cannot have GPUs", TOOLKIT)


def _version(text: str) -> tuple[int, ...]:
    """Of "28.2.2-rc.1" what can be compared; what is no number is believed to be new."""
    parts = text.split(".")[:2]  # 20.10.24+dfsg1
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else OLDEST_DOCKER


def of_gpus(reading: "Reading") -> Iterator[Finding]:
    for number, gpu in enumerate(reading.gpus):
        used = "memory in use is not told" if gpu.used_mib is None else f"{gpu.used_mib} in use"
        yield ok(f"GPU {number}: {gpu.name}, {gpu.total_mib} MiB, {used} ({gpu.uuid})")
    if reading.fault:
        yield fail(f"NVIDIA driver: {_before_advice(reading.fault)}", _advice(reading.fault))
    elif not reading.gpus:
        yield warn(
            "NVIDIA: no GPU was found",
            "models run on the CPU; with a GPU, install its driver (nvidia-smi lists it)",
        )


def _before_advice(fault: str) -> str:
    return fault.rpartition(": ")[0] or fault


def _advice(fault: str) -> str:
    return fault.rpartition(": ")[2]


def of_disk(purpose: str, folder: str, free_mib: int | None) -> Finding:
    if free_mib is None:
        return warn(
            f"disk for {purpose} ({folder}): cannot tell what is free", "see that the folder can be read"
        )
    what = f"disk for {purpose} ({folder}): {free_mib} MiB free"
    if free_mib < NEEDED_MIB:
        return fail(what, f"make room: at least {NEEDED_MIB} MiB, and more for each model")
    if free_mib < WANTED_MIB:
        return warn(what, "few models fit in that: make room before the next one")
    return ok(what)


def of_port(port: int, setting: str, purpose: str, *, is_free: bool, is_ours: bool) -> Finding:
    what = f"port {port} ({purpose}): "
    if is_free:
        return ok(what + "free")
    if is_ours:
        return ok(what + "Switchyard itself")
    return fail(what + "taken", f"end what listens there, or choose another with {setting}")


def of_manager(status: ManagerStatus, version: str) -> Iterator[Finding]:
    if status.version == version:
        yield ok(
            f"manager: {status.version} answers; engines run as: {status.runtime}; {len(status.models)} models"
        )
    else:
        yield warn(
            f"manager: {status.version} answers, and this is {version}",
            "restart it: ./setup.sh down, ./setup.sh up",
        )
    for trouble in status.trouble:
        yield fail(f"manager: {trouble}", "do what it says; it goes when it is mended")
    for model in status.models:
        if model.failure is not None:
            yield warn(f"{model.name}: {model.failure.message}", model.failure.advice)
