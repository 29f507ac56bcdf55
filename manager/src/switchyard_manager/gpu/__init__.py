"""Measure: the GPUs through NVML, this machine's RAM. Nothing is decided here; claims are the scheduler's."""

from switchyard_manager.gpu.holders import held_mib, strangers
from switchyard_manager.gpu.machine import MachineMeter
from switchyard_manager.gpu.nvml import NvmlMeter
from switchyard_manager.gpu.reading import GpuReading, Holder, Meter, Reading

__all__ = [
    "GpuReading",
    "Holder",
    "MachineMeter",
    "Meter",
    "NvmlMeter",
    "Reading",
    "held_mib",
    "strangers",
]
