"""GPUs that exist nowhere: a `Meter` with engines that take memory and give it back, late, or never.

Pure: time is handed in. The memory is real in one sense: who takes more than there is, is told so, as an
engine would be; what is measured may be late or a lie, as a driver's word may be.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from switchyard_manager.gpu.reading import GpuReading, Holder, Reading

Clock = Callable[[], float]

_pids = itertools.count(10_001)


class OutOfMemory(Exception):
    """What an engine meets that was started too early, or on a card too small."""


class Lie(Enum):
    """How a card's driver misleads."""

    SILENT = auto()  # it does not tell what is used, neither in all nor by whom
    STALE = auto()  # it goes on telling what it told when it began to lie
    LOW = auto()  # it tells half of what is used
    GONE = auto()  # it does not list the card at all


@dataclass(slots=True)
class _Part:
    pid: int
    name: str
    mib: int = 0


@dataclass(slots=True)
class SimulatedCard:
    uuid: str
    total_mib: int
    now: Clock
    name: str = "Simulated RTX"
    lag_s: float = 0.0  # memory given back is free only this much later
    leaks_mib: int = 0  # of what each instance gives back, so much never comes back
    lie: Lie | None = None
    _parts: dict[str, _Part] = field(default_factory=dict)
    _strangers: dict[int, _Part] = field(default_factory=dict)
    _returning: list[tuple[float, int]] = field(default_factory=list)  # when it is free, how much
    _leaked_mib: int = 0
    _last_told: GpuReading | None = None

    def take(self, instance: str, mib: int, pid: int | None = None) -> None:
        """One instance may take again and again, as an engine does while it loads."""
        if mib > self.free_mib:
            raise OutOfMemory(f"{instance} wants {mib} MiB of {self.uuid}, {self.free_mib} MiB are free")
        part = self._parts.setdefault(instance, _Part(pid or next(_pids), f"engine of {instance}"))
        part.mib += mib

    def give_back(self, instance: str, mib: int | None = None) -> None:
        """All of it, by ending; or a part, as an engine that falls asleep."""
        part = self._parts[instance]
        given = part.mib if mib is None else mib
        part.mib -= given
        if mib is None:
            del self._parts[instance]
        leaked = min(self.leaks_mib, given)
        self._leaked_mib += leaked
        self._returning.append((self.now() + self.lag_s, given - leaked))

    def stranger(self, pid: int, name: str, mib: int) -> None:
        """A process of somebody else; 0 MiB: it went away."""
        self._strangers.pop(pid, None)
        if mib:
            self._strangers[pid] = _Part(pid, name, mib)

    def pids(self) -> dict[str, frozenset[int]]:
        return {instance: frozenset({part.pid}) for instance, part in self._parts.items()}

    @property
    def used_mib(self) -> int:
        """The truth, whatever the driver tells."""
        self._returning = [(at, mib) for at, mib in self._returning if at > self.now()]
        held = sum(part.mib for part in (*self._parts.values(), *self._strangers.values()))
        return held + sum(mib for _, mib in self._returning) + self._leaked_mib

    @property
    def free_mib(self) -> int:
        return self.total_mib - self.used_mib

    def measured(self) -> GpuReading | None:
        if self.lie is Lie.GONE:
            return None
        if self.lie is not Lie.STALE or self._last_told is None:
            self._last_told = self._told()
        return self._last_told

    def read(self) -> Reading:
        seen = self.measured()
        fault = None if seen else f"cannot read GPU {self.uuid}: GPU is lost: power this machine off and on"
        return Reading(gpus=(seen,) if seen else (), fault=fault)

    def _told(self) -> GpuReading:
        silent = self.lie is Lie.SILENT
        share = 2 if self.lie is Lie.LOW else 1
        return GpuReading(
            uuid=self.uuid,
            name=self.name,
            total_mib=self.total_mib,
            used_mib=None if silent else self.used_mib // share,
            holders=tuple(
                Holder(part.pid, part.name, None if silent else part.mib // share)
                for part in (*self._parts.values(), *self._strangers.values())
            ),
        )


@dataclass(slots=True)
class SimulatedMachine:
    """Some cards and RAM: a whole `Meter`."""

    cards: Sequence[SimulatedCard]
    ram_total_mib: int = 65_536
    _in_ram: dict[str, int] = field(default_factory=dict)

    def card(self, uuid: str) -> SimulatedCard:
        return next(card for card in self.cards if card.uuid == uuid)

    def keep_in_ram(self, instance: str, mib: int) -> None:
        """What a sleeping engine keeps; 0 MiB: nothing more."""
        self._in_ram.pop(instance, None)
        if mib > self.ram_available_mib:
            raise OutOfMemory(f"{instance} wants {mib} MiB of RAM, {self.ram_available_mib} MiB are available")
        self._in_ram[instance] = mib

    @property
    def ram_available_mib(self) -> int:
        return self.ram_total_mib - sum(self._in_ram.values())

    def pids(self) -> Mapping[str, frozenset[int]]:
        found: dict[str, frozenset[int]] = {}
        for card in self.cards:
            for instance, its in card.pids().items():
                found[instance] = found.get(instance, frozenset()) | its
        return found

    def read(self) -> Reading:
        readings = [card.read() for card in self.cards]
        return Reading(
            gpus=tuple(gpu for reading in readings for gpu in reading.gpus),
            ram_total_mib=self.ram_total_mib,
            ram_available_mib=self.ram_available_mib,
            fault="; ".join(reading.fault for reading in readings if reading.fault) or None,
        )
