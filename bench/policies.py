"""Two naive policies to measure ours against: what most front ends for several models do, done well.

Both keep every rule that makes an engine's life safe (`alone`): nothing is cut, one engine moves at a time on a
GPU, failures rest. They differ from ours only in whose turn it is and who makes room. Neither sleeps.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from switchyard_contracts.catalog import Model, Settings
from switchyard_contracts.status import Phase
from switchyard_manager.scheduler import Action, Drain, Machine, Policy, Seen, Start, Stop, StopReason, Verdict
from switchyard_manager.scheduler.alone import alone
from switchyard_manager.scheduler.ledger import Ledger
from switchyard_manager.scheduler.seen import AT_REST
from switchyard_manager.scheduler.sites import Site, sites


@dataclass(slots=True)
class Round:
    """One look at everything, and what is decided in it."""

    wanted: Mapping[str, Model]
    seen: Mapping[str, Seen]
    ledger: Ledger
    actions: list[Action] = field(default_factory=list)

    @classmethod
    def begin(cls, wanted: Mapping[str, Model], seen: Mapping[str, Seen], machine: Machine) -> "Round":
        this = cls(wanted, seen, Ledger(machine, seen))
        for name, view in seen.items():
            for action in alone(name, wanted.get(name), view, this.ledger):
                this.actions.append(action)
                if isinstance(action, Stop):
                    this.ledger.book(name, view.gpus, view.claim_mib, moving=True)
        return this

    def stays(self, name: str) -> bool:
        """Ready, and not told to go by what concerns it alone."""
        told = any(action.model == name for action in self.actions)
        return self.seen[name].phase is Phase.READY and not told

    @property
    def waiting(self) -> list[str]:
        """Models that somebody waits for and that could start; who has waited longest comes first."""
        names = [name for name, view in self.seen.items() if view.asking and self._could_start(view)]
        return sorted(names, key=lambda name: (-self.seen[name].waited_s, name))

    @staticmethod
    def _could_start(view: Seen) -> bool:
        return view.phase in AT_REST and view.retry_in_s <= 0

    def start_if_there_is_room(self, name: str) -> bool:
        for site in self._sites(name):
            needs = [self.seen[name].need_mib.get(uuid) for uuid in site]
            if not self._is_free(name, site, needs):
                continue
            known = [need for need in needs if need is not None]
            claim = max(known) if known and len(known) == len(needs) else None
            free = min((self.ledger.free_mib(uuid) for uuid in site), default=None)
            self.actions.append(Start(name, site, claim, free if claim is None else claim))
            self.ledger.book(name, site, claim, moving=True)
            return True
        return False

    def _is_free(self, name: str, site: Site, needs: list[int | None]) -> bool:
        """Memory that was freed is waited for, or the start would fail."""
        known = [
            self.ledger.fits(uuid, need)
            and not self.ledger.is_coming_back(uuid, need)
            and not self.ledger.is_stale(uuid)
            for uuid, need in zip(site, needs, strict=True)
        ]
        return all(known) and not self.ledger.is_blocked(site, besides=name)

    def make_room(self, name: str, in_order: Collection[str]) -> None:
        """Move out as many of these, in this order, as it takes; nobody if all would not do."""
        leaving = {other for other, view in self.seen.items() if view.phase in {Phase.DRAINING, Phase.STOPPING}}
        for site in self._sites(name):
            needs = [self.seen[name].need_mib.get(uuid) for uuid in site]
            gone = set(leaving)
            for victim in in_order:
                if self._fits(site, needs, gone):
                    break
                if set(self.seen[victim].gpus) & set(site):
                    gone.add(victim)
            if self._fits(site, needs, gone):
                self.actions += [Drain(victim, StopReason.ROOM, name) for victim in sorted(gone - leaving)]
                return

    def _sites(self, name: str) -> tuple[Site, ...]:
        return sites(self.wanted[name], self.seen[name], self.ledger.machine)

    def _fits(self, site: Site, needs: list[int | None], without: Collection[str]) -> bool:
        return all(self.ledger.could_fit(uuid, need, without) for uuid, need in zip(site, needs, strict=True))


def least_recently_used(
    wanted: Mapping[str, Model], seen: Mapping[str, Seen], machine: Machine, settings: Settings
) -> Verdict:
    """Who is loaded is served at once. Who is not gets the room of those that have been idle longest, as soon
    as they are idle.
    """
    this = Round.begin(wanted, seen, machine)
    for name in this.waiting:
        if this.start_if_there_is_room(name):
            continue
        idle = [other for other, view in seen.items() if view.is_idle and this.stays(other)]
        this.make_room(name, sorted(idle, key=lambda other: -seen[other].idle_s))
    return Verdict(tuple(this.actions), {})


def first_come_first_served(
    wanted: Mapping[str, Model], seen: Mapping[str, Seen], machine: Machine, settings: Settings
) -> Verdict:
    """One model at a time, in the order in which requests came. As soon as one waits for another model the
    loaded one takes no more; what it has begun it finishes.
    """
    this = Round.begin(wanted, seen, machine)
    up = [name for name, view in seen.items() if view.phase not in AT_REST]
    for name in this.waiting[:1]:
        if not up:
            this.start_if_there_is_room(name)
        for other in up:
            if this.stays(other) and not seen[other].asking:
                this.actions.append(Drain(other, StopReason.ROOM, name))
    return Verdict(tuple(this.actions), {})


POLICIES: dict[str, Policy] = {"LRU": least_recently_used, "FIFO": first_come_first_served}
