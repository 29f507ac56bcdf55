"""Ask NVML, NVIDIA's own library, what each GPU has and who holds it. The only module that imports `pynvml`.

Never raises, and never gives up: after an error the session is opened anew, with a pause between attempts,
since drivers are updated and GPUs fall off the bus while the manager runs.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Any

import psutil
import pynvml

from switchyard_manager.gpu.reading import GpuReading, Holder, Reading

MIB = 1024 * 1024
PAUSE_S = 10.0  # between two attempts to open NVML
ANSWER_LIMIT_S = 2.0  # a lost GPU can hold a call in the kernel for good

ADVICE = {
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: "the driver was updated while the old one runs; reboot this"
    " machine, or restart the manager if the new driver is loaded already",
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED: "load it with `modprobe nvidia`, or reboot this machine",
    pynvml.NVML_ERROR_UNKNOWN: "if the manager runs in a container, that container lost its GPU: recreate it;"
    " else look for Xid errors in `dmesg`",
    pynvml.NVML_ERROR_GPU_IS_LOST: "it fell off the bus; power this machine off and on, and check the card's"
    " seat and power cables",
    pynvml.NVML_ERROR_RESET_REQUIRED: "stop what uses it and run `nvidia-smi --gpu-reset`, or reboot",
    pynvml.NVML_ERROR_INSUFFICIENT_POWER: "check the card's power cables",
    pynvml.NVML_ERROR_NO_PERMISSION: "let the manager's user read and write /dev/nvidia*",
}
OTHER_ADVICE = "see what `nvidia-smi` says; a reboot mends most of these"
MISMATCH = "Driver/library version mismatch"


class NvmlMeter:
    """A `Meter` of the GPUs alone; RAM is the host's to tell."""

    def __init__(
        self,
        library: Any = pynvml,
        now: Callable[[], float] = time.monotonic,
        answer_limit_s: float = ANSWER_LIMIT_S,
    ) -> None:
        self._nvml = library
        self._now = now
        self._answer_limit_s = answer_limit_s
        self._lock = threading.Lock()
        self._open = False
        self._fault: str | None = None
        self._open_again_at = float("-inf")

    def read(self) -> Reading:
        if not self._lock.acquire(timeout=self._answer_limit_s):
            return Reading(
                fault=f"cannot ask NVML: it does not answer: {ADVICE[pynvml.NVML_ERROR_GPU_IS_LOST]}"
            )
        try:
            return self._read()
        except Exception as error:  # a driver can fail in ways that NVML has no code for
            self._close()
            self._fault = f"cannot ask NVML: {_told(error)}"
            return Reading(fault=self._fault)
        finally:
            self._lock.release()

    def _read(self) -> Reading:
        if (self._fault or not self._open) and self._now() >= self._open_again_at:
            self._reopen()
        return self._look() if self._open else Reading(fault=self._fault)

    def _reopen(self) -> None:
        self._close()
        self._open_again_at = self._now() + PAUSE_S
        try:
            self._nvml.nvmlInit()
        except pynvml.NVMLError as error:
            if error.value != pynvml.NVML_ERROR_LIBRARY_NOT_FOUND:
                raise
            self._fault = None  # no NVIDIA driver here: nothing is wrong, there are no GPUs
            return
        self._open = True

    def _close(self) -> None:
        if self._open:
            self._open = False
            with suppress(Exception):
                self._nvml.nvmlShutdown()

    def _look(self) -> Reading:
        gpus: list[GpuReading] = []
        faults: list[str] = []
        for index in range(self._nvml.nvmlDeviceGetCount()):
            try:
                gpus += [self._gpu(device) for device in self._devices(index)]
            except pynvml.NVMLError as error:
                faults.append(f"cannot read GPU {index}: {_told(error)}")
        self._fault = "; ".join(faults) or None
        return Reading(tuple(gpus), fault=self._fault)

    def _devices(self, index: int) -> Iterator[Any]:
        """The card, or its parts if it is cut into MIG instances: then the card itself takes no work."""
        card = self._nvml.nvmlDeviceGetHandleByIndex(index)
        mode = self._optional("nvmlDeviceGetMigMode", card)
        if mode is None or mode[0] != pynvml.NVML_DEVICE_MIG_ENABLE:
            yield card
            return
        for part in range(self._optional("nvmlDeviceGetMaxMigDeviceCount", card) or 0):
            # A place that holds no instance says "not found".
            if (device := self._optional("nvmlDeviceGetMigDeviceHandleByIndex", card, part)) is not None:
                yield device

    def _gpu(self, device: Any) -> GpuReading:
        total_mib, used_mib, unified = self._memory(device)
        utilisation = self._optional("nvmlDeviceGetUtilizationRates", device)
        power_mw = self._optional("nvmlDeviceGetPowerUsage", device)
        return GpuReading(
            uuid=self._nvml.nvmlDeviceGetUUID(device),
            name=self._optional("nvmlDeviceGetName", device) or "GPU",
            total_mib=total_mib,
            used_mib=used_mib,
            holders=self._holders(device),
            utilisation_pct=None if utilisation is None else utilisation.gpu,
            temperature_c=self._optional("nvmlDeviceGetTemperature", device, pynvml.NVML_TEMPERATURE_GPU),
            power_w=None if power_mw is None else power_mw / 1000,
            unified=unified,
        )

    def _memory(self, device: Any) -> tuple[int, int | None, bool]:
        try:
            # The first version of this call counts what the driver reserves as used, as engines find it.
            memory = self._nvml.nvmlDeviceGetMemoryInfo(device)
        except pynvml.NVMLError as error:
            if error.value != pynvml.NVML_ERROR_NOT_SUPPORTED:
                raise
            return 0, None, True
        return memory.total // MIB, -(-memory.used // MIB), False

    def _holders(self, device: Any) -> tuple[Holder, ...]:
        held: dict[int, int | None] = {}
        for call in ("nvmlDeviceGetComputeRunningProcesses", "nvmlDeviceGetGraphicsRunningProcesses"):
            for process in self._optional(call, device) or ():
                used_mib = None if process.usedGpuMemory is None else -(-process.usedGpuMemory // MIB)
                # A process that computes and draws is in both lists with the same number.
                held[process.pid] = max(
                    (n for n in (held.get(process.pid), used_mib) if n is not None), default=None
                )
        return tuple(Holder(pid, self._name(pid), used_mib) for pid, used_mib in sorted(held.items()))

    def _name(self, pid: int) -> str:
        with suppress(psutil.Error, ValueError, OverflowError):
            return psutil.Process(pid).name()
        # From inside a container the process may be visible to the driver alone.
        path = self._optional("nvmlSystemGetProcessName", pid)
        return PurePosixPath(path).name if path else "unknown"

    def _optional(self, call: str, *args: Any) -> Any:
        """What this GPU or driver may not tell. One that is gone says so where its memory is asked."""
        try:
            return getattr(self._nvml, call)(*args)
        except (pynvml.NVMLError, pynvml.NVMLLibraryMismatchError):
            return None


def _told(error: Exception) -> str:
    if not isinstance(error, pynvml.NVMLError):
        return f"{str(error) or type(error).__name__}: {OTHER_ADVICE}"
    what = MISMATCH if error.value == pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH else str(error).rstrip(".")
    return f"{what}: {ADVICE.get(error.value, OTHER_ADVICE)}"
