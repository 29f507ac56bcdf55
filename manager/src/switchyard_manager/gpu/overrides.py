"""What the operator says of a GPU counts for more than what its driver says. Pure."""

from collections.abc import Iterator
from dataclasses import replace

from switchyard_contracts.catalog.settings import GpuOverride
from switchyard_manager.gpu.reading import GpuReading, Reading


def overridden(reading: Reading, overrides: tuple[GpuOverride, ...]) -> Reading:
    said = {_key(override.uuid): override for override in overrides}
    return replace(reading, gpus=tuple(_believed(reading.gpus, said)))


def _believed(measured: tuple[GpuReading, ...], said: dict[str, GpuOverride]) -> Iterator[GpuReading]:
    for gpu in measured:
        override = said.get(_key(gpu.uuid))
        if override is None:
            yield gpu
        elif override.use:
            yield replace(gpu, name=override.name or gpu.name, total_mib=override.vram_mib or gpu.total_mib)
    seen = {_key(gpu.uuid) for gpu in measured}
    for key, override in said.items():
        # Declared and not measured: it exists, and only claims count on it.
        if key not in seen and override.use and override.vram_mib is not None:
            yield GpuReading(override.uuid, override.name or override.uuid, override.vram_mib, used_mib=None)


def _key(uuid: str) -> str:
    return uuid.casefold()
