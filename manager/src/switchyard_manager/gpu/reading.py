"""What is measured: each GPU, and this machine's RAM. Values, and the Protocol of whoever measures."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds memory of a GPU."""

    pid: int
    name: str
    used_mib: int | None  # None: the driver does not tell (WSL, some containers)


@dataclass(frozen=True, slots=True)
class GpuReading:
    uuid: str
    name: str
    total_mib: int
    used_mib: int | None  # None: cannot be measured; then only claims count
    holders: tuple[Holder, ...] = ()
    utilisation_pct: int | None = None
    temperature_c: int | None = None
    power_w: float | None = None
    unified: bool = False  # its memory is this machine's RAM: one pool, and sleeping frees nothing in it


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the machine. A GPU that cannot be read now is absent, and `fault` says why."""

    gpus: tuple[GpuReading, ...] = ()
    ram_total_mib: int = 0
    ram_available_mib: int = 0
    fault: str | None = None
    blind: bool = False  # the GPUs could not all be asked: one that is absent here may be there


class Meter(Protocol):
    def read(self) -> Reading:
        """Blocking: call it in a thread. Never raises: what fails is told in the reading."""
        ...
