"""What is claimed on each GPU, and what is free. Claims speak for engines that load, measurement for strangers.

One `Ledger` is made for each pass; what the pass decides is booked in it at once, so that two decisions of one
pass never give the same memory away.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from switchyard_contracts.status import Phase
from switchyard_manager.scheduler.actions import GpuRoom
from switchyard_manager.scheduler.seen import AT_REST, IN_MOTION, Gpu, Machine, Seen

MEMORY_BACK_S = 15.0  # how long freed memory may take to show; drivers lag by a second or two
SLACK_MIB = 1024  # of measured use, between one look and the next
NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Claim:
    mib: int | None  # None: the whole GPU
    moving: bool = False  # its memory is changing: nothing else may start or stop there
    stuck: bool = False  # it was told to stop, and is still there
    asleep: bool = False


class Ledger:
    def __init__(self, machine: Machine, seen: Mapping[str, Seen]) -> None:
        self.machine = machine
        self._claims: dict[str, dict[str, Claim]] = {gpu.uuid: {} for gpu in machine.gpus}
        for name, view in seen.items():
            if view.phase not in AT_REST:
                claim = Claim(
                    view.claim_mib,
                    moving=view.phase in IN_MOTION,
                    stuck=view.phase is Phase.STOP_FAILED,
                    asleep=view.phase is Phase.ASLEEP,
                )
                self._put(name, view.gpus, claim)

    def book(self, name: str, gpus: Collection[str], mib: int | None, *, moving: bool) -> None:
        """This pass gave the room away, or keeps it for somebody."""
        self._put(name, gpus, Claim(mib, moving=moving))

    def on(self, uuid: str) -> Iterator[str]:
        """Whose engines are on a GPU."""
        yield from self._claims.get(uuid, {})

    def is_moving(self, gpus: Collection[str], besides: str) -> bool:
        """Whether any other engine on these GPUs starts, wakes, falls asleep or stops."""
        return any(claim.moving for name, claim in self._others(gpus, besides))

    def is_blocked(self, gpus: Collection[str], besides: str) -> bool:
        """The same, or one is there that would not stop: nothing may start beside it."""
        return bool(self.blockers(gpus, besides))

    def blockers(self, gpus: Collection[str], besides: str) -> tuple[str, ...]:
        return tuple(
            dict.fromkeys(name for name, claim in self._others(gpus, besides) if claim.moving or claim.stuck)
        )

    def _others(self, gpus: Collection[str], besides: str) -> Iterator[tuple[str, Claim]]:
        for uuid in gpus:
            yield from (item for item in self._claims.get(uuid, {}).items() if item[0] != besides)

    def fits(self, uuid: str, need_mib: int | None, without: Collection[str] = NOBODY) -> bool:
        """Whether there is room for a need (None: for a GPU of its own) once `without` are gone."""
        staying = [claim for name, claim in self._claims[uuid].items() if name not in without]
        if any(claim.mib is None for claim in staying):
            return False
        if need_mib is None:
            return all(claim.asleep for claim in staying)
        return self.free_mib(uuid, without) >= need_mib

    def fits_by_claims(self, uuid: str, need_mib: int | None, without: Collection[str]) -> bool:
        """The same, whatever is measured: what is in use may be the very engine that wants the room."""
        staying = [claim.mib for name, claim in self._claims[uuid].items() if name not in without]
        if need_mib is None or any(mib is None for mib in staying):
            return self.fits(uuid, need_mib, without)
        gpu = self._gpu(uuid)
        return gpu.total_mib - gpu.reserve_mib - sum(mib or 0 for mib in staying) >= need_mib

    def free_mib(self, uuid: str, without: Collection[str] = NOBODY) -> int:
        gpu = self._gpu(uuid)
        return max(0, gpu.total_mib - gpu.reserve_mib - self._taken(gpu, without))

    def could_fit(self, uuid: str, need_mib: int | None, without: Collection[str]) -> bool:
        """The same, but what is measured does not count while memory is on its way back: it is too high yet."""
        if need_mib is None or not self._is_settling(uuid):
            return self.fits(uuid, need_mib, without)
        gpu = self._gpu(uuid)
        staying = [claim.mib for name, claim in self._claims[uuid].items() if name not in without]
        if any(mib is None for mib in staying):
            return False
        taken = max(sum(mib or 0 for mib in staying), gpu.foreign_mib)
        return gpu.total_mib - gpu.reserve_mib - taken >= need_mib

    def is_coming_back(self, uuid: str, need_mib: int | None, without: Collection[str] = NOBODY) -> bool:
        """Whether memory that was given back lately does not show yet, and is worth waiting for."""
        gpu = self._gpu(uuid)
        if not self._is_settling(uuid) or gpu.used_mib is None:
            return False
        if need_mib is not None:
            return not self.fits(uuid, need_mib, without) and self.could_fit(uuid, need_mib, without)
        claimed = sum(claim.mib or 0 for claim in self._claims[uuid].values())
        return gpu.used_mib - claimed > gpu.foreign_mib + SLACK_MIB

    def is_stale(self, uuid: str) -> bool:
        """Whether the measurement is older than what it should tell: nothing may start on its word."""
        return self._gpu(uuid).stale

    def room(self, uuid: str, need_mib: int | None) -> GpuRoom:
        gpu = self._gpu(uuid)
        return GpuRoom(
            uuid=uuid,
            total_mib=gpu.total_mib,
            reserve_mib=gpu.reserve_mib,
            used_mib=gpu.used_mib,
            claims=tuple((name, claim.mib) for name, claim in self._claims[uuid].items()),
            free_mib=0 if self._has_whole(uuid) else self.free_mib(uuid),
            need_mib=need_mib,
        )

    def _taken(self, gpu: Gpu, without: Collection[str]) -> int:
        claims = self._claims[gpu.uuid]
        staying = sum(claim.mib or 0 for name, claim in claims.items() if name not in without)
        going = [claim.mib for name, claim in claims.items() if name in without]
        if any(mib is None for mib in going):
            # How much it holds is not known, so only what was there without it can be told from it.
            return max(staying, gpu.foreign_mib)
        measured = (gpu.used_mib or 0) - sum(mib or 0 for mib in going)
        return max(staying, measured)

    def _is_settling(self, uuid: str) -> bool:
        released_s = self._gpu(uuid).released_s
        return released_s is not None and released_s < MEMORY_BACK_S

    def _has_whole(self, uuid: str) -> bool:
        return any(claim.mib is None for claim in self._claims[uuid].values())

    def _put(self, name: str, gpus: Collection[str], claim: Claim) -> None:
        for uuid in gpus:
            self._claims.setdefault(uuid, {})[name] = claim

    def _gpu(self, uuid: str) -> Gpu:
        # A GPU that fell off the bus while an engine was on it has nothing to give.
        return self.machine.gpu(uuid) or Gpu(uuid, 0)
