"""Measure memory: the device's, the host's, and what a run took. It moves nothing."""

import contextlib
import gc
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import switchyard_image_server.torch_ready  # noqa: F401 - before torch

# isort: split
import psutil
import torch

from switchyard_image_server.memory.parts import Machine

_CGROUP = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self")


@dataclass(frozen=True, slots=True)
class Gauge:
    """Of one device, as torch names it. On the processor, device and host memory are the same."""

    device: str

    @property
    def kind(self) -> str:
        return str(torch.device(self.device).type)

    def machine(self) -> Machine:
        free, total = self.room()
        host_free, host_total = host_room()
        cuda = self.kind == "cuda"
        return Machine(
            device=self.device,
            total=total,
            free=free,
            host_total=host_total,
            host_free=host_free,
            capability=torch.cuda.get_device_capability(self.device) if cuda else None,
            nf4=cuda and importlib.util.find_spec("bitsandbytes") is not None,
            shares=self.shares,
        )

    @property
    def shares(self) -> bool:
        """Whether device and host have one memory: the processor, a Mac, a GPU on the processor's own chip."""
        if self.kind == "cuda":
            return bool(torch.cuda.get_device_properties(self.device).is_integrated)
        return self.kind in {"cpu", "mps"}

    def room(self) -> tuple[int, int]:
        """Free and in all. What our own allocator keeps without using it counts as free."""
        match self.kind:
            case "cuda":
                free, total = torch.cuda.mem_get_info(self.device)
                return free + _idle(torch.cuda, self.device), total
            case "xpu":
                free, total = torch.xpu.mem_get_info(self.device)
                return free + _idle(torch.xpu, self.device), total
            case _:
                return host_room()

    def peak(self) -> int:
        """The most that was held since the last `restart`: by the allocator, or on the processor by us."""
        match self.kind:
            case "cuda":
                return int(torch.cuda.max_memory_reserved(self.device))
            case "xpu":
                return int(torch.xpu.max_memory_reserved(self.device))
            case "mps":
                return int(torch.mps.driver_allocated_memory())
            case _:
                return _resident_peak()

    def restart(self) -> None:
        """Forget the peak so far: that of loading is not that of running."""
        match self.kind:
            case "cuda":
                torch.cuda.reset_peak_memory_stats(self.device)
            case "xpu":
                torch.xpu.reset_peak_memory_stats(self.device)
            case "cpu":
                with contextlib.suppress(
                    OSError
                ):  # the peak then includes the load: more than needed, not less
                    (_OWN / "clear_refs").write_text("5")
            case _:
                pass

    def release(self) -> None:
        """Hand back what no tensor uses any more."""
        gc.collect()
        match self.kind:
            case "cuda":
                torch.cuda.empty_cache()
            case "xpu":
                torch.xpu.empty_cache()
            case "mps":
                torch.mps.empty_cache()
            case _:
                pass

    def settle(self) -> None:
        """Wait until what was begun on the device is done, so that a time taken now is true."""
        match self.kind:
            case "cuda":
                torch.cuda.synchronize(self.device)
            case "xpu":
                torch.xpu.synchronize(self.device)
            case "mps":
                torch.mps.synchronize()
            case _:
                pass


def host_room() -> tuple[int, int]:
    """Available and in all; a container's limit counts, since the kernel kills what goes over it."""
    memory = psutil.virtual_memory()
    limit, used = _cgroup_number("memory.max"), _cgroup_number("memory.current")
    if limit is None or used is None:
        return memory.available, memory.total
    cache = _cgroup_cache()
    return max(0, min(memory.available, limit - used + cache)), min(memory.total, limit)


def _cgroup_number(name: str) -> int | None:
    """`None` where there is no limit, or no control group (of version 2)."""
    try:
        return int((_CGROUP / name).read_text())
    except (OSError, ValueError):
        return None


def _cgroup_cache() -> int:
    """Of the group's use, what files in the page cache take: it gives way."""
    try:
        lines = (_CGROUP / "memory.stat").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(("inactive_file ", "active_file ")))


def _idle(allocator: object, device: str) -> int:
    reserved = allocator.memory_reserved(device)  # type: ignore[attr-defined]
    return int(reserved - allocator.memory_allocated(device))  # type: ignore[attr-defined]


def _resident_peak() -> int:
    try:
        lines = (_OWN / "status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return int(psutil.Process().memory_info().rss)
