"""This machine, whole: its GPUs, its RAM, and what the operator says of them. Decides nothing."""

from collections.abc import Callable
from dataclasses import replace

from switchyard_contracts.catalog.settings import GpuOverride
from switchyard_manager.gpu.host import Ram, ram
from switchyard_manager.gpu.overrides import overridden
from switchyard_manager.gpu.reading import GpuReading, Meter, Reading


class MachineMeter:
    """The `Meter` that the supervisor asks."""

    def __init__(
        self,
        nvml: Meter,
        overrides: Callable[[], tuple[GpuOverride, ...]],
        host: Callable[[], Ram] = ram,
    ) -> None:
        self._nvml = nvml
        self._overrides = overrides
        self._host = host

    def read(self) -> Reading:
        seen = self._nvml.read()
        faults = [seen.fault] if seen.fault else []
        try:
            host = self._host()
        except (
            Exception
        ) as error:  # a restricted /proc fails in many ways, and the GPUs are still worth telling
            host = Ram(0, 0)
            faults.append(f"cannot tell this machine's RAM: {error}: let the manager read /proc/meminfo")
        whole = Reading(
            tuple(_sharing(gpu, host) if gpu.unified else gpu for gpu in seen.gpus),
            ram_total_mib=host.total_mib,
            ram_available_mib=host.available_mib,
            fault="; ".join(faults) or None,
            blind=seen.fault is not None,
        )
        return overridden(whole, self._overrides())


def _sharing(gpu: GpuReading, host: Ram) -> GpuReading:
    """A GPU without memory of its own takes this machine's, and what anybody uses of it is used."""
    if not host.total_mib:
        return gpu
    return replace(gpu, total_mib=host.total_mib, used_mib=host.total_mib - host.available_mib)
