"""Whether there is room for one model now, and if not, who would have to leave. Arithmetic is the ledger's."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum

from switchyard_contracts.catalog import Model, Settings
from switchyard_contracts.errors import Reason
from switchyard_contracts.status import Phase
from switchyard_manager.scheduler.actions import Shortage
from switchyard_manager.scheduler.ledger import Ledger
from switchyard_manager.scheduler.seen import LEAVING, Seen
from switchyard_manager.scheduler.sites import Site, sites
from switchyard_manager.scheduler.turns import may_leave

HasRoom = Callable[[str, int | None, Collection[str]], bool]


class Standing(IntEnum):
    """How near a model is to its room on one site. The lowest is the best."""

    NOW = 0
    SOON = 1  # somebody leaves already, or memory is on its way back
    EVICT = 2  # others may be moved out for it at once
    BLOCKED = 3  # those who are in the way must not be moved yet
    SHORT = 4  # moving all that may be moved would not do


@dataclass(frozen=True, slots=True)
class Option:
    standing: Standing
    site: Site
    needs: tuple[int | None, ...] = ()
    victims: tuple[str, ...] = ()
    in_the_way: tuple[str, ...] = ()
    rank: tuple[float, ...] = ()  # among options of the same standing; the lowest is the best


@dataclass(frozen=True, slots=True)
class Scene:
    """One pass's view of the whole, for the functions below."""

    wanted: Mapping[str, Model]
    seen: Mapping[str, Seen]
    settings: Settings
    ledger: Ledger
    leaving: Collection[str]  # whom this very pass has told to go …
    placed: Collection[str]  # … and to come up, or keeps a place for


def best_option(scene: Scene, name: str) -> Option | None:
    """None: this machine lacks the GPUs that the model asks for."""
    found = sites(scene.wanted[name], scene.seen[name], scene.ledger.machine)
    options = [_option(scene, name, site) for site in found]
    return min(options, key=lambda option: (option.standing, option.rank), default=None)


def shortage(scene: Scene, name: str) -> Shortage:
    """The numbers behind a refusal, GPU by GPU."""
    model, view, ledger = scene.wanted[name], scene.seen[name], scene.ledger
    found = sites(model, view, ledger.machine)
    asked = model.gpus if isinstance(model.gpus, tuple) else len(found[0]) if found else (model.gpus or 1)
    if not found:
        return Shortage(Reason.NO_GPU, wanted=asked)
    uuids = dict.fromkeys(uuid for site in found for uuid in site)
    rows = tuple(ledger.room(uuid, view.need_mib.get(uuid)) for uuid in uuids)
    could_ever = any(all(_could_ever_fit(scene, name, uuid) for uuid in site) for site in found)
    reason = Reason.VRAM_BUSY if could_ever else Reason.INSUFFICIENT_VRAM
    return Shortage(reason, rows, asked)


def sleeps_in_vain(scene: Scene, name: str) -> bool:
    """Whether one that leaves would have to be stopped as soon as it sleeps: what it keeps of its GPU is in the
    way of the one that it leaves for."""
    newcomer = scene.seen[name].room_for
    if newcomer is None or newcomer not in scene.wanted or not scene.seen[newcomer].asking:
        return False
    found = sites(scene.wanted[newcomer], scene.seen[newcomer], scene.ledger.machine)
    return not any(_has_room_beside(scene, name, newcomer, site) for site in found)


def _has_room_beside(scene: Scene, sleeper: str, newcomer: str, site: Site) -> bool:
    place = _Place(scene, newcomer, site)
    # Those who sleep already go before it: they were used before it was.
    asleep = {other for other in _movable(scene, place.others) if scene.seen[other].phase is Phase.ASLEEP}
    return place.could_fit_beside_rest(sleeper, scene.seen[sleeper].rest_mib, place.going | asleep)


def _could_ever_fit(scene: Scene, name: str, uuid: str) -> bool:
    gpu = scene.ledger.machine.gpu(uuid)
    need = scene.seen[name].need_mib.get(uuid) or 0
    return gpu is not None and need <= gpu.total_mib - gpu.reserve_mib


class _Place:
    """One model on one site, among those who are there."""

    def __init__(self, scene: Scene, name: str, site: Site) -> None:
        self._ledger, self._name, self.site = scene.ledger, name, site
        self._alone = scene.seen[name].alone
        self._may_run = scene.seen[name].may_run
        self.needs = tuple(scene.seen[name].need_mib.get(uuid) for uuid in site)
        self.others = {other for uuid in site for other in scene.ledger.on(uuid)} - {name}
        self.going = {
            other for other in self.others if other in scene.leaving or scene.seen[other].phase in LEAVING
        }

    def fits(self, without: Collection[str] = ()) -> bool:
        """Whether there is room once these have gone, by what is measured now."""
        has_room = self._ledger.fits_by_claims if self._may_run else self._ledger.fits
        return self._everywhere(has_room, {self._name, *without})

    def could_fit(self, without: Collection[str]) -> bool:
        """The same, once freed memory has shown as well."""
        has_room = self._ledger.fits_by_claims if self._may_run else self._ledger.could_fit
        return self._everywhere(has_room, {self._name, *without})

    def could_fit_beside_rest(self, sleeper: str, rest_mib: int, without: Collection[str]) -> bool:
        """The same, if one of those who go sleeps on here and keeps that much."""
        if sleeper in self.others and self._alone:
            return False
        has_room = self._ledger.fits_by_claims if self._may_run else self._ledger.could_fit

        def has_more_room(uuid: str, need_mib: int | None, gone: Collection[str]) -> bool:
            kept_mib = rest_mib if sleeper in self._ledger.on(uuid) else 0
            return has_room(uuid, None if need_mib is None else need_mib + kept_mib, gone)

        return self._everywhere(has_more_room, {self._name, sleeper, *without})

    def is_coming_back(self) -> bool:
        pairs = zip(self.site, self.needs, strict=True)
        return any(self._ledger.is_coming_back(uuid, need, {self._name}) for uuid, need in pairs)

    def may_begin(self) -> bool:
        """Whether what is measured can be relied on, and nothing else starts or stops here."""
        stale = any(map(self._ledger.is_stale, self.site))
        return not (self.is_coming_back() or stale or self._ledger.is_blocked(self.site, besides=self._name))

    def left_mib(self) -> float:
        pairs = zip(self.site, self.needs, strict=True)
        return float(sum(self._ledger.free_mib(uuid, {self._name}) - (need or 0) for uuid, need in pairs))

    def _everywhere(self, has_room: HasRoom, gone: set[str]) -> bool:
        if self._alone and self.others - gone:
            return False
        return all(has_room(uuid, need, gone) for uuid, need in zip(self.site, self.needs, strict=True))


def _option(scene: Scene, name: str, site: Site) -> Option:
    place = _Place(scene, name, site)
    going = place.going
    if place.fits():
        standing = Standing.NOW if place.may_begin() else Standing.SOON
        blockers = scene.ledger.blockers(site, name)
        return Option(standing, site, place.needs, in_the_way=blockers, rank=(place.left_mib(),))
    if place.is_coming_back() or place.fits(going):
        return Option(Standing.SOON, site, place.needs, in_the_way=tuple(sorted(going)))
    able = place.others - going - set(scene.placed)
    victims = _victims(scene, name, able, lambda chosen: place.could_fit(going | set(chosen)))
    if victims is not None:
        busy = sum(not scene.seen[victim].is_idle for victim in victims)
        loss = sum(1.0 / max(score(scene, victim), 1e-9) for victim in victims)
        return Option(Standing.EVICT, site, place.needs, victims, victims, rank=(float(busy), loss))
    standing = Standing.BLOCKED if place.could_fit(going | _movable(scene, place.others)) else Standing.SHORT
    in_the_way = tuple(sorted(place.others))
    return Option(standing, site, place.needs, in_the_way=in_the_way, rank=(float(len(in_the_way)),))


def _movable(scene: Scene, names: Collection[str]) -> set[str]:
    """Who might be moved out, now or later."""
    stays = {name for name in names if scene.seen[name].pinned or scene.seen[name].phase is Phase.STOP_FAILED}
    return set(names) - stays


def _victims(
    scene: Scene, name: str, others: Collection[str], enough: Callable[[Collection[str]], bool]
) -> tuple[str, ...] | None:
    """As few as will do, whoever is missed least first; None if all who may go would not do."""
    wants = (scene.wanted[name], scene.seen[name])
    able = [
        other
        for other in others
        if may_leave(scene.seen[other], _base_priority(scene, other), wants, scene.settings)
    ]
    able.sort(key=lambda other: _missed(scene, other))
    chosen: list[str] = []
    for other in able:
        if enough(chosen):
            break
        chosen.append(other)
    if not enough(chosen):
        return None
    for other in reversed(tuple(chosen)):
        fewer = [one for one in chosen if one != other]
        if enough(fewer):
            chosen = fewer
    return tuple(chosen)


def _missed(scene: Scene, name: str) -> tuple[bool, float, str]:
    return (not scene.seen[name].is_idle, -score(scene, name), name)


def score(scene: Scene, name: str) -> float:
    """The higher, the sooner it is moved out: long idle, much memory, quick to bring back, of little weight."""
    view = scene.seen[name]
    freed = view.claim_mib
    if freed is None:
        freed = min((gpu.total_mib for gpu in map(scene.ledger.machine.gpu, view.gpus) if gpu), default=0)
    cost = view.wake_s if view.can_sleep else view.load_s
    return view.idle_s * max(freed, 1) / (max(cost, 0.001) * _weight(_base_priority(scene, name)))


def _weight(priority: int) -> float:
    return 1.0 + priority if priority >= 0 else 1.0 / (1.0 - priority)


def _base_priority(scene: Scene, name: str) -> int:
    model = scene.wanted.get(name)
    return 0 if model is None else model.priority
