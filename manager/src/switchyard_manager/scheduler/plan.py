"""`plan`: from what is wanted and what is seen to what can be done now."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from switchyard_contracts.catalog import Model, Settings
from switchyard_contracts.errors import Reason
from switchyard_contracts.status import Phase
from switchyard_manager.scheduler.actions import (
    Action,
    CallOff,
    Check,
    Drain,
    Fetch,
    Grant,
    Refuse,
    Shortage,
    Sleep,
    Start,
    Stop,
    StopReason,
    Wake,
)
from switchyard_manager.scheduler.alone import alone
from switchyard_manager.scheduler.files import is_to_be_preloaded, next_downloads
from switchyard_manager.scheduler.ledger import Ledger
from switchyard_manager.scheduler.room import (
    Option,
    Scene,
    Standing,
    best_option,
    score,
    shortage,
    sleeps_in_vain,
)
from switchyard_manager.scheduler.seen import AT_REST, Files, Machine, Seen
from switchyard_manager.scheduler.turns import in_turn, is_overdue, soon_s

FOR_GOOD = frozenset({Reason.NO_GPU, Reason.INSUFFICIENT_VRAM})  # no waiting will help
SHARE_OF_WHOLE = (
    0.92  # of a GPU of its own an engine takes this much; what is outside its count needs room, too
)


@dataclass(frozen=True, slots=True)
class Outlook:
    """Where a model that somebody waits for stands, for whoever asks why."""

    standing: Standing
    site: tuple[str, ...] = ()
    in_the_way: tuple[str, ...] = ()
    victims: tuple[str, ...] = ()
    shortage: Shortage | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    actions: tuple[Action, ...]
    outlook: Mapping[str, Outlook]  # of the models that wait for their turn, in the order of their turns
    soon_s: float | None = None  # when it may be otherwise, though nothing happens; None: not by a turn


Policy = Callable[[Mapping[str, Model], Mapping[str, Seen], Machine, Settings], Verdict]


def plan(
    wanted: Mapping[str, Model], seen: Mapping[str, Seen], machine: Machine, settings: Settings
) -> tuple[Action, ...]:
    """Every action that can be taken now. A model is either in `wanted` or on its way out."""
    return consider(wanted, seen, machine, settings).actions


def consider(
    wanted: Mapping[str, Model], seen: Mapping[str, Seen], machine: Machine, settings: Settings
) -> Verdict:
    """The same, and why those who wait must wait."""
    return _Pass(wanted, seen, machine, settings).verdict()


class _Pass:
    """One pass over everything. What it decides it books at once, and sees in its next decision."""

    def __init__(
        self, wanted: Mapping[str, Model], seen: Mapping[str, Seen], machine: Machine, settings: Settings
    ) -> None:
        self._wanted, self._seen, self._settings = wanted, seen, settings
        self._ledger = Ledger(machine, seen)
        self._machine = machine
        self._leaving: set[str] = set()
        self._placed: set[str] = set()
        self._actions: list[Action] = []
        self._outlook: dict[str, Outlook] = {}

    def verdict(self) -> Verdict:
        for name, view in self._seen.items():
            for action in alone(name, self._wanted.get(name), view, self._ledger):
                self._take(self._if_not_in_vain(action))
        for name in in_turn(self._wanted, self._seen, self._settings):
            if name not in self._leaving:
                self._seat(name)
        self._preload()
        for step in next_downloads(self._wanted, self._seen, self._settings):
            self._fetch(step)
        self._give_back_ram()
        return Verdict(tuple(self._actions), self._outlook, soon_s(self._wanted, self._seen, self._settings))

    def _if_not_in_vain(self, action: Action) -> Action:
        if isinstance(action, Sleep) and sleeps_in_vain(self._scene(), action.model):
            return Stop(action.model, StopReason.DRAINED)
        return action

    def _take(self, action: Action) -> None:
        self._actions.append(action)
        name, view = action.model, self._seen[action.model]
        match action:
            case Start(gpus=gpus, claim_mib=mib):
                self._placed.add(name)
                self._ledger.book(name, gpus, mib, moving=True)
            case Wake():
                self._placed.add(name)
                self._ledger.book(name, view.gpus, max(view.need_mib.values(), default=None), moving=True)
            case Drain():
                self._leaving.add(name)
            case Stop() | Sleep():
                self._leaving.add(name)
                self._ledger.book(name, view.gpus, view.claim_mib, moving=True)
            case Grant() | Refuse() | Check() | Fetch() | CallOff():
                pass

    # What concerns the room that they share

    def _seat(self, name: str) -> None:
        scene = self._scene()
        option = best_option(scene, name)
        if option is None or option.standing is Standing.SHORT:
            short = shortage(scene, name)
            self._outlook[name] = Outlook(
                Standing.SHORT, in_the_way=option.in_the_way if option else (), shortage=short
            )
            self._take(Refuse(name, short))
            return
        self._outlook[name] = Outlook(option.standing, option.site, option.in_the_way, option.victims)
        if option.standing is Standing.NOW:
            self._bring_up(name, option)
            return
        for victim in option.victims:
            self._move_out(victim, name)
        # Who has his turn keeps his place, or those behind him would take it one by one. While he may still not
        # have it, and is not late, others may use it.
        if option.standing is not Standing.BLOCKED or is_overdue(self._seen[name], self._settings):
            self._keep(name, option)

    def _bring_up(self, name: str, option: Option) -> None:
        if self._seen[name].phase is Phase.ASLEEP:
            self._take(Wake(name))
            return
        claim, share = self._claim(name, option)
        self._take(Start(name, option.site, claim, share))

    def _claim(self, name: str, option: Option) -> tuple[int | None, int | None]:
        if not option.site:
            return None, None
        if None not in option.needs:
            need = max(need for need in option.needs if need is not None)
            return need, need
        frees = (
            min(self._ledger.free_mib(uuid, {name}), int(SHARE_OF_WHOLE * gpu.total_mib))
            for uuid in option.site
            if (gpu := self._machine.gpu(uuid))
        )
        return None, max(1, min(frees))

    def _move_out(self, victim: str, newcomer: str) -> None:
        view = self._seen[victim]
        match view.phase:
            case Phase.READY:
                self._take(Drain(victim, StopReason.ROOM, newcomer))
            case Phase.ASLEEP:
                if not self._ledger.is_moving(view.gpus, besides=victim):
                    self._take(Stop(victim, StopReason.ROOM, newcomer))
            case _:
                self._take(Stop(victim, StopReason.CANCELLED, newcomer))

    def _keep(self, name: str, option: Option) -> None:
        # One that sleeps needs its place as much, and must not be moved out by those behind it.
        self._placed.add(name)
        if self._seen[name].phase in AT_REST | {Phase.ASLEEP}:
            for uuid, need in zip(option.site, option.needs, strict=True):
                self._ledger.book(name, (uuid,), need, moving=False)

    def _fetch(self, step: Fetch | CallOff) -> None:
        """What could never run here is not worth its download, unless the operator pulls it."""
        if isinstance(step, CallOff) or self._seen[step.model].pulled:
            self._take(step)
            return
        short = shortage(self._scene(), step.model)
        if short.reason not in FOR_GOOD:
            self._take(step)
        elif self._seen[step.model].asking:
            self._take(Refuse(step.model, short))

    def _preload(self) -> None:
        for name, model in self._wanted.items():
            view = self._seen[name]
            if not is_to_be_preloaded(model, view) or view.files is not Files.HERE:
                continue
            option = best_option(self._scene(), name)
            if option is not None and option.standing is Standing.NOW:
                self._bring_up(name, option)

    def _give_back_ram(self) -> None:
        """Too little RAM is left on this machine: end the sleeper that is missed least, one at a time."""
        spare = self._machine.ram_spare_mib
        if spare is None or spare >= 0:
            return
        sleepers = [
            name
            for name, view in self._seen.items()
            if view.phase is Phase.ASLEEP and name not in self._leaving and not view.asking
        ]
        scene = self._scene()
        for name in sorted(sleepers, key=lambda name: -score(scene, name)):
            if not self._ledger.is_moving(self._seen[name].gpus, besides=name):
                self._take(Stop(name, StopReason.RAM))
                return

    def _scene(self) -> Scene:
        return Scene(self._wanted, self._seen, self._settings, self._ledger, self._leaving, self._placed)
