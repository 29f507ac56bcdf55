"""What is known of the machine: the last reading, and what readings say while none of ours is awake."""

from collections.abc import Collection, Mapping

from switchyard_contracts.catalog import Catalog
from switchyard_manager.gpu import GpuReading, Reading
from switchyard_manager.scheduler import Gpu, Machine

RELEASE_SHOWS_S = 15.0  # before that, what is measured may still be ours


class Cards:
    def __init__(self) -> None:
        self.reading: Reading | None = None
        self._released_at: dict[str, float] = {}
        self._stale: set[str] = set()
        self._foreign_mib: dict[str, int] = {}

    def measured(
        self, reading: Reading, awake_on: Collection[str], asleep_mib: Mapping[str, int], now: float
    ) -> None:
        """`awake_on`: the GPUs where an engine of ours is awake, or may be. `asleep_mib`: what ours hold there
        in their sleep."""
        self.reading = reading
        self._stale.clear()
        for gpu in reading.gpus:
            quiet = now - self._released_at.get(gpu.uuid, float("-inf")) >= RELEASE_SHOWS_S
            if gpu.uuid not in awake_on and quiet and gpu.used_mib is not None:
                self._foreign_mib[gpu.uuid] = max(0, gpu.used_mib - asleep_mib.get(gpu.uuid, 0))

    def released(self, gpus: Collection[str], now: float) -> None:
        self.changed(gpus)
        for uuid in gpus:
            self._released_at[uuid] = now

    def changed(self, gpus: Collection[str]) -> None:
        """What was measured there holds no more."""
        self._stale.update(gpus)

    def gpu(self, uuid: str) -> GpuReading | None:
        return next((gpu for gpu in self.reading.gpus if gpu.uuid == uuid), None) if self.reading else None

    def machine(self, catalog: Catalog, now: float) -> Machine:
        if self.reading is None:
            return Machine()
        reserves = reserves_mib(catalog)
        return Machine(
            gpus=tuple(
                Gpu(
                    uuid=gpu.uuid,
                    total_mib=gpu.total_mib,
                    reserve_mib=reserves.get(gpu.uuid, catalog.settings.vram_reserve_mib),
                    used_mib=gpu.used_mib,
                    foreign_mib=self._foreign_mib.get(gpu.uuid, 0),
                    stale=gpu.uuid in self._stale and gpu.used_mib is not None,
                    released_s=now - at if (at := self._released_at.get(gpu.uuid)) is not None else None,
                )
                for gpu in self.reading.gpus
            ),
            ram_spare_mib=self._ram_spare(catalog),
            blind=self.reading.blind,
        )

    def _ram_spare(self, catalog: Catalog) -> int | None:
        if self.reading is None or not self.reading.ram_total_mib:
            return None
        return self.reading.ram_available_mib - catalog.settings.ram_reserve_mib


def reserves_mib(catalog: Catalog) -> Mapping[str, int]:
    return {gpu.uuid: gpu.reserve_mib for gpu in catalog.gpus if gpu.reserve_mib is not None}
