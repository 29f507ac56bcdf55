"""The world as others look at it: the scheduler (`Seen`), people (`ModelStatus` and more). Changes nothing."""

from switchyard_contracts.catalog import routing_of
from switchyard_contracts.grants import Models
from switchyard_contracts.status import (
    FilesAt,
    FilesStatus,
    GpuModel,
    GpuProcess,
    GpuStatus,
    ModelStatus,
    Phase,
    Queued,
    RamStatus,
)
from switchyard_manager.gpu import GpuReading
from switchyard_manager.lifecycle import COMING_UP
from switchyard_manager.scheduler import Seen
from switchyard_manager.scheduler.seen import AT_REST, DEFAULT_LOAD_S, DEFAULT_WAKE_S
from switchyard_manager.scheduler.turns import urgency
from switchyard_manager.store.facts import Span
from switchyard_manager.supervise.cards import reserves_mib
from switchyard_manager.supervise.ground import Ground
from switchyard_manager.supervise.life import Life
from switchyard_manager.supervise.recording import needed_mib, needed_of
from switchyard_manager.supervise.wording import blocked

REUNION_S = 10.0  # within which every proxy has come back to a manager that was started again


def seen(ground: Ground, life: Life, now: float) -> Seen:
    run = life.run
    # Until the proxies are back, nobody knows what runs on an engine that was taken over: count it as busy.
    in_doubt = run is not None and run.adopted and now - run.began < REUNION_S
    since = life.rising_since if life.phase in COMING_UP else life.phase_since
    machine = ground.cards.reading
    needs = {gpu.uuid: needed_of(ground, life, gpu) for gpu in (machine.gpus if machine else ())}
    return Seen(
        phase=life.phase,
        phase_s=now - since,
        asking=frozenset(proxy for proxy, _ in life.tickets),
        waited_s=life.waited_s(now),
        priority=max((ticket.priority for ticket in life.tickets.values()), default=0),
        promised=life.promised,
        granted=frozenset(grant.proxy for grant in life.grants.values() if not grant.revoked),
        undrained=len(life.grants) + in_doubt,
        in_flight=life.in_flight + in_doubt,
        idle_s=life.idle_s(now),
        follows=life.follows,
        resident_s=now - run.proved_at if run and run.proved_at is not None else 0.0,
        retry_in_s=max(0.0, life.retry_at - now),
        outdated=_outdated(life),
        ever_started=life.ever_started,
        suspect=life.suspect,
        checking=life.checking,
        still_s=now - run.worked_at if run and run.work is not None and life.in_flight else 0.0,
        faulted=life.faulted,
        unwanted_s=None if life.unwanted_since is None else now - life.unwanted_since,
        quiet_s=now - life.progress_at,
        leaves_for=life.leaves_for,
        room_for=life.room_for,
        wish=life.wish,
        pinned=life.pinned,
        gpus=run.gpus if run else (),
        claim_mib=_claim(life),
        need_mib={uuid: mib for uuid, mib in needs.items() if mib is not None},
        files=life.files,
        fetching=life.fetching is not None,
        fetch_quiet_s=now - life.fetching.told_at if life.fetching else 0.0,
        called_off=life.fetching is not None and life.fetching.called_off,
        pulled=life.pulled,
        moot=life.fetching is not None and life.fetching.moot,
        may_run=run is None and life.model.container is not None,
        alone=life.tried_alone,
        can_sleep=_can_sleep(ground, life),
        ram_mib=ram_mib(ground, life),
        rest_mib=ground.rest_mib(run) if run else 0,
        load_s=ground.workshop.span_s(life.spec_hash, Span.LOAD, DEFAULT_LOAD_S),
        wake_s=ground.workshop.span_s(life.spec_hash, Span.WAKE, DEFAULT_WAKE_S),
    )


def _outdated(life: Life) -> bool:
    # One that was taken over while it served is proved first, and then drained: its streams must not be cut.
    proving = life.run is not None and life.run.adopted and life.phase in COMING_UP
    return life.run is not None and life.run.spec_hash != life.spec_hash and not proving


def _claim(life: Life) -> int | None:
    """What is claimed, or what it was seen to take beyond that."""
    run = life.run
    if run is None or run.claim_mib is None:
        return None
    return max(run.claim_mib, max(run.held.values(), default=0))


def _can_sleep(ground: Ground, life: Life) -> bool:
    run = life.run
    if run is None or not run.can_sleep or not run.gpus or not ground.workshop.can_sleep(run.model):
        return False
    # Where GPU and machine share one memory, sleeping frees nothing.
    return not any(gpu.unified for gpu in map(ground.cards.gpu, run.gpus) if gpu)


def ram_mib(ground: Ground, life: Life) -> int:
    """What it keeps, or would keep, in RAM while it sleeps: all that it had on its GPUs."""
    run = life.run
    if run is None:
        return 0
    if run.peak:
        return sum(run.peak.values())
    known = [needed_mib(ground, life, uuid) for uuid in run.gpus]
    sizes = (gpu.total_mib for gpu in map(ground.cards.gpu, run.gpus) if gpu)
    return sum(need or size for need, size in zip(known, sizes, strict=False))


# For proxies and people


def models(ground: Ground, now: float) -> Models:
    return Models(models=model_statuses(ground, now), routing=routing_of(ground.catalog))


def model_statuses(ground: Ground, now: float) -> tuple[ModelStatus, ...]:
    return tuple(model_status(ground, life, now) for life in ground.lives.values())


def model_status(ground: Ground, life: Life, now: float) -> ModelStatus:
    model, run = life.model, life.run
    outlook = ground.outlook.get(model.name) if life.tickets else None
    return ModelStatus(
        name=model.name,
        aliases=model.aliases,
        type=model.type,
        engine=model.engine,
        capabilities=model.capabilities if life.can is None else life.can,
        description=model.description,
        context_length=model.context_length,
        phase=life.phase,
        in_flight=life.in_flight,
        waiting=len(life.tickets),
        idle_s=round(life.idle_s(now), 1) if life.phase is Phase.READY else None,
        failure=life.failure,
        retry_in_s=round(life.retry_at - now, 1) if life.retry_at > now else None,
        pinned=life.pinned,
        can_sleep=_can_sleep(ground, life),
        gpus=run.gpus if run else (),
        claim_mib=_claim(life),
        measured_mib=max(run.peak.values(), default=None) if run else None,
        progress=life.shown_progress,
        files=_files(ground, life),
        blocked=blocked(outlook) if outlook else None,
        waited_s=round(life.waited_s(now), 1) if life.tickets else None,
        expected_s=_expected_s(ground, life, now),
        serving=life.serving,
    )


def _files(ground: Ground, life: Life) -> FilesStatus | None:
    if not ground.workshop.has_files(life.model):
        return None
    if life.fetching is None:
        return FilesStatus(at=FilesAt(life.files))
    going = life.fetching
    return FilesStatus(at=FilesAt.FETCHING, done_bytes=going.done_bytes, total_bytes=going.total_bytes)


def _expected_s(ground: Ground, life: Life, now: float) -> float | None:
    """Until it serves, if it comes up and has done so before on this machine."""
    if life.phase not in COMING_UP or life.run is None:
        return None
    span = Span.LOAD if life.run.ready_after_s is None else Span.WAKE
    usual = ground.workshop.knows_span(life.spec_hash, span)
    return None if usual is None else round(max(0.0, usual - (now - life.rising_since)), 1)


def queue(ground: Ground, now: float) -> tuple[Queued, ...]:
    """In the order of the turns; those that come up already are first."""
    waiting = [life for life in ground.lives.values() if life.tickets]
    turns = {name: place for place, name in enumerate(ground.outlook, start=1)}
    waiting.sort(key=lambda life: turns.get(life.model.name, 0))
    return tuple(
        Queued(
            model=life.model.name,
            waiting=len(life.tickets),
            waited_s=round(life.waited_s(now), 1),
            priority=round(urgency(life.model, seen(ground, life, now), ground.catalog.settings), 2),
            blocked=blocked(outlook) if (outlook := ground.outlook.get(life.model.name)) else None,
        )
        for life in waiting
    )


def gpus(ground: Ground) -> tuple[GpuStatus, ...]:
    machine = ground.cards.reading
    return tuple(_gpu(ground, gpu) for gpu in (machine.gpus if machine else ()))


def _gpu(ground: Ground, gpu: GpuReading) -> GpuStatus:
    reserve = reserves_mib(ground.catalog).get(gpu.uuid, ground.catalog.settings.vram_reserve_mib)
    here = [
        life
        for life in ground.lives.values()
        if life.phase not in AT_REST and life.run is not None and gpu.uuid in life.run.gpus
    ]
    models = tuple(
        GpuModel(
            model=life.model.name, claim_mib=claim if (claim := _claim(life)) is not None else gpu.total_mib
        )
        for life in here
    )
    claimed = min(sum(model.claim_mib for model in models), gpu.total_mib)
    return GpuStatus(
        uuid=gpu.uuid,
        name=gpu.name,
        total_mib=gpu.total_mib,
        reserve_mib=reserve,
        claimed_mib=claimed,
        used_mib=gpu.used_mib,
        free_mib=max(0, gpu.total_mib - reserve - max(claimed, gpu.used_mib or 0)),
        models=models,
        processes=tuple(
            GpuProcess(
                pid=holder.pid, name=holder.name, used_mib=holder.used_mib, model=ground.owners.get(holder.pid)
            )
            for holder in gpu.holders
        ),
        utilisation_pct=gpu.utilisation_pct,
        temperature_c=gpu.temperature_c,
        power_w=gpu.power_w,
    )


def ram(ground: Ground) -> RamStatus | None:
    reading = ground.cards.reading
    if reading is None or not reading.ram_total_mib:
        return None
    asleep = (life for life in ground.lives.values() if life.phase in {Phase.ASLEEP, Phase.SLEEPING})
    return RamStatus(
        total_mib=reading.ram_total_mib,
        available_mib=reading.ram_available_mib,
        reserve_mib=ground.catalog.settings.ram_reserve_mib,
        sleepers_mib=sum(ram_mib(ground, life) for life in asleep),
    )
