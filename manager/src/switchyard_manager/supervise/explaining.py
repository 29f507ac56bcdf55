"""Why a model is where it is, and what would have to move for it to load. Looks at the world; changes nothing.

The answer is the scheduler's own (`best_option`), asked as if somebody wanted the model at this moment.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from switchyard_contracts.admin import Authority, Explanation, GpuExplained, Occupant, Outcome
from switchyard_contracts.catalog import Model, VllmArgs
from switchyard_contracts.status import GpuProcess, Phase
from switchyard_manager.lifecycle import COMING_UP
from switchyard_manager.scheduler import Gpu, Machine, Seen, Standing
from switchyard_manager.scheduler.ledger import Ledger
from switchyard_manager.scheduler.room import Option, Scene, best_option
from switchyard_manager.scheduler.seen import AT_REST, LEAVING
from switchyard_manager.scheduler.sites import sites
from switchyard_manager.scheduler.turns import may_leave
from switchyard_manager.supervise import views
from switchyard_manager.supervise.explained import sentences, why
from switchyard_manager.supervise.ground import Ground

OUTCOMES = {
    Standing.NOW: Outcome.NOW,
    Standing.SOON: Outcome.SOON,
    Standing.EVICT: Outcome.EVICT,
    Standing.BLOCKED: Outcome.BLOCKED,
    Standing.SHORT: Outcome.SHORT,
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """The model that is explained, and everything around it at one moment."""

    ground: Ground
    scene: Scene
    model: Model
    view: Seen
    machine: Machine


def explain(ground: Ground, name: str, now: float) -> Explanation | None:
    """`name` is a model's own, not an alias. None: the catalog has it no more."""
    life, model = ground.lives.get(name), ground.catalog.models.get(name)
    if life is None or model is None:
        return None
    seen = {other: views.seen(ground, its, now) for other, its in ground.lives.items()}
    machine = ground.cards.machine(ground.catalog, now)
    scene = Scene(
        ground.catalog.models, seen, ground.catalog.settings, Ledger(machine, seen), leaving=(), placed=()
    )
    asked = _Asked(ground, scene, model, seen[name], machine)
    option = best_option(scene, name)
    outcome = _outcome(asked.view, option)
    plans = option if option and outcome is not Outcome.LOADED else Option(Standing.NOW, asked.view.gpus)
    status = views.model_status(ground, life, now)
    bare = Explanation(
        model=name,
        phase=life.phase,
        why=why(life, status, asked.view),
        failure=status.failure,
        retry_in_s=status.retry_in_s,
        waiting=status.waiting,
        waited_s=status.waited_s,
        outcome=outcome,
        site=plans.site,
        victims=plans.victims,
        in_the_way=plans.in_the_way,
        gpus=_gpus(asked),
        sentences=(),
    )
    said = sentences(bare, model, alone=asked.view.alone)
    return bare.model_copy(update={"sentences": said if life.manner is None else (*said, life.manner)})


def _outcome(view: Seen, option: Option | None) -> Outcome:
    if view.phase not in AT_REST and view.phase is not Phase.ASLEEP:
        return Outcome.LOADED
    return Outcome.NO_GPU if option is None else OUTCOMES[option.standing]


def _gpus(asked: _Asked) -> tuple[GpuExplained, ...]:
    eligible = {uuid for site in sites(asked.model, asked.view, asked.machine) for uuid in site}
    return tuple(_gpu(asked, gpu, eligible=gpu.uuid in eligible) for gpu in asked.machine.gpus)


def _gpu(asked: _Asked, gpu: Gpu, *, eligible: bool) -> GpuExplained:
    need = asked.view.need_mib.get(gpu.uuid)
    room = asked.scene.ledger.room(gpu.uuid, need)
    measured = asked.ground.cards.gpu(gpu.uuid)
    free = _free_mib(asked, gpu)
    return GpuExplained(
        uuid=gpu.uuid,
        name=measured.name if measured else "",
        total_mib=gpu.total_mib,
        reserve_mib=gpu.reserve_mib,
        used_mib=gpu.used_mib,
        free_mib=free,
        eligible=eligible,
        need_mib=need,
        authority=_authority(asked.model, need),
        shortfall_mib=None if need is None else max(0, need - free),
        models=tuple(_occupant(asked, name, claim, gpu) for name, claim in room.claims),
        strangers=tuple(
            GpuProcess(pid=holder.pid, name=holder.name, used_mib=holder.used_mib)
            for holder in (measured.holders if measured else ())
            if holder.pid not in asked.ground.owners
        ),
    )


def _free_mib(asked: _Asked, gpu: Gpu) -> int:
    """What there is for this model: what it has itself is not in its way."""
    name = asked.model.name
    others = (other for other in asked.scene.ledger.on(gpu.uuid) if other != name)
    if any(asked.scene.seen[other].claim_mib is None for other in others):
        return 0
    return asked.scene.ledger.free_mib(gpu.uuid, {name})


def _authority(model: Model, need: int | None) -> Authority:
    """In the order in which `Workshop.need_mib` believes them."""
    if need is None:
        return Authority.UNKNOWN
    if model.vram_mib is not None:
        return Authority.DECLARED
    args = model.engine_args
    if isinstance(args, VllmArgs) and args.gpu_memory_utilization is not None:
        return Authority.SHARE
    return Authority.MEASURED


def _occupant(asked: _Asked, name: str, claim_mib: int | None, gpu: Gpu) -> Occupant:
    life, view = asked.ground.lives[name], asked.scene.seen[name]
    stays = None if name == asked.model.name else _stays_because(asked, view, _priority(asked, name))
    return Occupant(
        model=name,
        phase=view.phase,
        claim_mib=claim_mib,
        measured_mib=life.run.held.get(gpu.uuid) if life.run else None,
        pinned=view.pinned,
        in_flight=life.in_flight,
        waiting=len(life.tickets),
        idle_s=round(view.idle_s, 1),
        may_leave=stays is None and name != asked.model.name,
        stays_because=stays,
        frees_mib=gpu.total_mib if claim_mib is None else claim_mib,
    )


def _priority(asked: _Asked, name: str) -> int:
    wanted: Mapping[str, Model] = asked.scene.wanted
    return wanted[name].priority if name in wanted else 0


def _stays_because(asked: _Asked, view: Seen, priority: int) -> str | None:
    """None: it may be moved out now."""
    settings = asked.scene.settings
    if may_leave(view, priority, (asked.model, asked.view), settings):
        return None
    if view.pinned:
        return "it is pinned"
    if view.phase in LEAVING or view.faulted:
        return "it is on its way out already"
    if view.phase is Phase.STOP_FAILED:
        return "it was told to stop, and is still there"
    if view.phase is Phase.ASLEEP:
        return "somebody waits for it"
    if view.phase in COMING_UP:
        if view.unwanted_s is None:
            return "it is being loaded for somebody, or was asked for by hand"
        return f"its load goes on for {settings.load_cancel_grace_s:g} s after the last who waited left"
    if view.resident_s < settings.min_resident_s:
        return f"it has served for {view.resident_s:.0f} s, and stays for at least {settings.min_resident_s:g}"
    return "it serves requests, and nobody has waited long enough to end its turn"
