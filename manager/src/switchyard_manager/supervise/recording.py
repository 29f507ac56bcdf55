"""Write down what was decided, and hand out what there is to do: recorded before anything awaits it."""

import logging

from switchyard_contracts.catalog import Engine
from switchyard_contracts.errors import Reason
from switchyard_contracts.events import EventKind
from switchyard_contracts.status import FilesAt, Phase
from switchyard_manager.gpu import GpuReading
from switchyard_manager.lifecycle import COMING_UP, Event
from switchyard_manager.scheduler import (
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
from switchyard_manager.scheduler.backoff import next_try_in_this_environment
from switchyard_manager.store.facts import Span
from switchyard_manager.supervise.ground import CUT_GRACE_S, STOP_GRACE_S, Ground
from switchyard_manager.supervise.life import OPERATOR, WAKES_TRIED, Fetching, Life, Run
from switchyard_manager.supervise.wording import failure, shortage_failure
from switchyard_manager.supervise.work import BringUp, CallOffFetch, FetchFiles, LookAt, PutToSleep, WakeUp

log = logging.getLogger(__name__)


def record(ground: Ground, action: Action, now: float) -> None:  # noqa: C901 - one case for each kind
    life = ground.lives[action.model]
    match action:
        case Start():
            _start(ground, life, action, now)
        case Wake():
            _wake(ground, life, now)
        case Grant(proxy=proxy):
            grant_to(ground, life, proxy, now)
        case Refuse(shortage=None):
            ground.refuse_for_failure(life, now)
        case Refuse(shortage=shortage) if shortage is not None:
            _refuse_for_want_of_room(ground, life, shortage, now)
        case Drain():
            _drain(ground, life, action, now)
        case Sleep(reason=reason):
            _sleep(ground, life, reason, now)
        case Stop():
            _stop(ground, life, action, now)
        case Fetch():
            _fetch(ground, life, now)
        case CallOff(stalled=stalled):
            call_off(ground, life, stalled=stalled)
        case Check(thorough=thorough) if life.run is not None:
            life.checking = True
            ground.due.append(LookAt(ground.errand(life.run), thorough))


def _start(ground: Ground, life: Life, start: Start, now: float) -> None:
    name = life.model.name
    life.run = Run(
        instance=ground.workshop.new_instance(name),
        model=life.model,
        spec_hash=life.spec_hash,
        began=now,
        gpus=start.gpus,
        claim_mib=start.claim_mib,
        share_mib=start.share_mib,
        can_sleep=life.wakes_failed < WAKES_TRIED,
    )
    _rise(life, now)
    life.failure = None
    log.info(
        "starting %s as %s%s", name, life.run.instance, f" on {', '.join(start.gpus)}" if start.gpus else ""
    )
    ground.move(life, Event.START_ISSUED, now)
    ground.note_run(life.run, now)
    ground.due.append(BringUp(ground.errand(life.run)))


def _wake(ground: Ground, life: Life, now: float) -> None:
    if life.run is None:
        return
    _rise(life, now)
    life.run.asleep = False
    life.run.claim_mib = awake_claim(ground, life)
    log.info("waking %s", life.model.name)
    ground.move(life, Event.WAKE_ISSUED, now)
    ground.due.append(WakeUp(ground.errand(life.run)))


def _fetch(ground: Ground, life: Life, now: float) -> None:
    life.fetching = Fetching(ground.next_fetch(), life.model, now, told_at=now)
    log.info("fetching the files of %s", life.model.name)
    ground.chronicle.tell(EventKind.FILES, now, life.model.name, at=FilesAt.FETCHING, message=None)
    ground.due.append(FetchFiles(life.model, life.fetching.number, refresh=life.pulled))
    ground.proxies.say_loading(life, now)


def call_off(ground: Ground, life: Life, *, stalled: bool = False) -> None:
    """It is over when it says so: until then it counts."""
    if life.fetching is not None and not life.fetching.called_off:
        log.info("the download of %s is called off; what has come is kept", life.model.name)
        life.fetching.called_off, life.fetching.stalled = True, stalled
        ground.due.append(CallOffFetch(life.fetching.number))


def _rise(life: Life, now: float) -> None:
    life.rising_since = life.progress_at = now
    life.ever_started = True
    life.promised = life.suspect = life.checking = life.faulted = False
    life.progress = life.unwanted_since = None


def awake_claim(ground: Ground, life: Life) -> int | None:
    """What a run takes of each GPU when it is awake, where that is known."""
    needs = [needed_mib(ground, life, uuid) for uuid in (life.run.gpus if life.run else ())]
    known = [need for need in needs if need is not None]
    return max(known) if known and len(known) == len(needs) else None


def needed_mib(ground: Ground, life: Life, uuid: str) -> int | None:
    gpu = ground.cards.gpu(uuid)
    return None if gpu is None else needed_of(ground, life, gpu)


def needed_of(ground: Ground, life: Life, gpu: GpuReading) -> int | None:
    if life.tried_alone:
        return None
    return ground.workshop.need_mib(life.model, life.spec_hash, gpu.name, gpu.total_mib)


def grant_to(ground: Ground, life: Life, proxy: str, now: float) -> None:
    if proxy == OPERATOR:
        life.drop_tickets(life.tickets_of(OPERATOR), now)
        return
    endpoint = life.run.endpoint if life.run else ""
    way = ground.workshop.way(life.model, life.instance or "", endpoint)
    ground.proxies.say_granted(life, life.new_grant(proxy, now), *way)


def _refuse_for_want_of_room(ground: Ground, life: Life, shortage: Shortage, now: float) -> None:
    pinned = frozenset(name for name, other in ground.lives.items() if other.pinned)
    life.failure = shortage_failure(life.model.name, shortage, ground.cards, pinned, frozenset(ground.owners))
    life.troubles += 1
    life.retry_at = now + next_try_in_this_environment(life.troubles)
    log.warning("%s", life.failure.sentence())
    ground.chronicle.tell(
        EventKind.FAILURE, now, life.model.name, reason=life.failure.reason, message=life.failure.message
    )
    ground.refuse_for_failure(life, now)


def _drain(ground: Ground, life: Life, drain: Drain, now: float) -> None:
    log.info("draining %s (%s)", life.model.name, drain.reason)
    life.leaves_for, life.room_for = drain.reason, drain.room_for
    if life.run is not None:
        life.run.ended_because = str(drain.reason)
    _promise(ground, drain.room_for)
    ground.move(life, Event.DRAIN_ISSUED, now, str(drain.reason))
    ground.proxies.revoke_all(life, life.model.drain_limit_s)


def _promise(ground: Ground, newcomer: str | None) -> None:
    if newcomer is not None:
        ground.lives[newcomer].promised = True


def _sleep(ground: Ground, life: Life, reason: StopReason, now: float) -> None:
    if life.run is None:
        return
    _drained(ground, life, now)
    _made_room(ground, life, "sleep", now)
    log.info("putting %s to sleep (%s)", life.model.name, reason)
    ground.move(life, Event.SLEEP_ISSUED, now, str(reason))
    ground.due.append(PutToSleep(ground.errand(life.run)))


def _stop(ground: Ground, life: Life, stop: Stop, now: float) -> None:
    reason = stop.reason
    in_peace = life.phase in {Phase.DRAINING, Phase.ASLEEP}
    _drained(ground, life, now)
    if reason is StopReason.STARTUP_TIMEOUT:
        limit = now - life.rising_since
        text = f"cannot run {life.model.name}: it was not ready after {limit:.0f} s"
        said = f"; the last it said of its progress was: {life.progress}" if life.progress else ""
        life.failure = failure(Reason.STARTUP_TIMEOUT, text + said)
    if reason is StopReason.STOP_AGAIN and life.phase is Phase.STOP_FAILED:
        life.failure = None  # it was the failed stop
    _promise(ground, stop.room_for)
    life.room_for = stop.room_for or life.room_for
    _made_room(ground, life, "stop", now)
    log.info("stopping %s (%s)", life.model.name, reason)
    if life.run is not None and (life.run.ended_because is None or not in_peace):
        life.run.ended_because = str(reason)
    grace_s = _grace_s(life)
    ground.move(life, Event.STOP_ISSUED, now, str(reason))
    ground.end(life, grace_s)


def _grace_s(life: Life) -> float:
    """vLLM hears no SIGTERM while it loads, and one that failed to wake is not waited for: those are killed."""
    if life.phase in {Phase.DRAINING, Phase.ASLEEP}:
        return STOP_GRACE_S
    model = life.run.model if life.run else life.model
    if life.phase in COMING_UP and model.engine is not Engine.CONTAINER:
        return 0.0
    return CUT_GRACE_S


def _drained(ground: Ground, life: Life, now: float) -> None:
    if life.phase is Phase.DRAINING and life.run is not None:
        ground.learn_span(life.run, Span.DRAIN, now - life.phase_since)


def _made_room(ground: Ground, life: Life, how: str, now: float) -> None:
    if life.room_for is not None:
        ground.chronicle.tell(EventKind.MADE_ROOM, now, life.model.name, for_model=life.room_for, how=how)
        life.room_for = None
