"""What engines do, as it changes the world. News of a run that is over changes nothing."""

import logging

from switchyard_contracts.errors import Reason
from switchyard_contracts.events import EventKind
from switchyard_contracts.status import Phase
from switchyard_manager.engines.reasons import ENVIRONMENT, LASTING
from switchyard_manager.lifecycle import COMING_UP, Event
from switchyard_manager.runtimes import Exit
from switchyard_manager.scheduler.backoff import next_try, next_try_in_this_environment
from switchyard_manager.scheduler.seen import AT_REST
from switchyard_manager.store.facts import Span
from switchyard_manager.supervise import news as news_of
from switchyard_manager.supervise.ground import Ground
from switchyard_manager.supervise.life import Life, Run

log = logging.getLogger(__name__)

OF_ITS_FILES = frozenset({Reason.LOAD_FAILED, Reason.MODEL_NOT_FOUND})
STEADY_S = 60.0  # an engine that served this long has cleared its record


def hear(ground: Ground, news: news_of.EngineNews, now: float) -> None:  # noqa: C901 - one case for each kind
    life = ground.lives.get(news.model)
    if life is None or life.run is None or life.run.instance != news.instance:
        return
    match news:
        case news_of.EngineCame() if life.phase in COMING_UP:
            _came(ground, life, life.run, news, now)
        case news_of.EngineProgress() if life.phase in COMING_UP:
            _progressed(ground, life, news.text, now)
        case news_of.EngineMeasured(beside_cache_mib=mib):
            ground.learn_beside_cache(life.run, mib)
        case news_of.EngineWorked(count=count):
            _worked(life, life.run, count, now)
        case news_of.EngineSlept() if life.phase in {Phase.SLEEPING, Phase.LOADING}:
            _slept(ground, life, life.run, now)
        case news_of.SleepDidFail(why=why):
            log.warning("cannot keep %s asleep, so it is stopped instead: %s", news.model, why)
            life.run.can_sleep = False
            life.faulted = life.phase is Phase.SLEEPING
        case news_of.EngineStands():
            life.suspect = life.checking = False
            life.run.worked_at = now
        case news_of.EngineFaulted() if life.phase not in AT_REST | {Phase.STOPPING, Phase.STOP_FAILED}:
            log.warning("%s", news.failure.sentence())
            life.failure = news.failure
            life.faulted = True
            ground.proxies.revoke_all(life, 0.0)
        case news_of.StopDidFail() if life.phase is Phase.STOPPING:
            log.error("%s", news.failure.sentence())
            life.failure = news.failure
            ground.move(life, Event.STOP_FAILED, now)
        case news_of.EngineGone():
            _gone(ground, life, life.run, news, now)
        case _:
            pass  # crossed a decision of ours: the phase has moved on


def _came(ground: Ground, life: Life, run: Run, news: news_of.EngineCame, now: float) -> None:
    if news.event is Event.LAUNCHED and life.phase is not Phase.STARTING:
        return  # an engine that was taken over runs already
    ground.move(life, news.event, now)
    run.endpoint = news.endpoint
    if news.event is Event.LAUNCHED:
        run.logged = True
        ground.note_run(run, now)
    life.progress_at = now
    if life.phase is not Phase.READY:
        ground.proxies.say_loading(life, now)
        return
    took_s = now - life.rising_since
    log.info("%s is ready after %.1f s", life.model.name, took_s)
    if run.adopted and run.ready_after_s is None:
        run.ready_after_s = 0.0
    elif run.ready_after_s is None:
        run.ready_after_s = round(took_s, 3)
        ground.learn_span(run, Span.LOAD, took_s)
    else:
        ground.learn_span(run, Span.WAKE, took_s)
        life.wakes_failed = 0
    run.proved_at = life.idle_since = now
    ground.read_processor(life)  # its weights are here now, if they were not before
    ground.cards.changed(run.gpus)
    life.progress, life.troubles = None, 0
    ground.note_run(run, now)


def _progressed(ground: Ground, life: Life, text: str | None, now: float) -> None:
    life.progress_at = now
    if text is None or text == life.progress:
        return
    life.progress = text
    ground.chronicle.tell(EventKind.PROGRESS, now, life.model.name, text=text)
    ground.proxies.say_loading(life, now)


def _worked(life: Life, run: Run, count: float, now: float) -> None:
    """Work with no request on its way is a job's: its client comes back for it, so the engine is not idle."""
    looked_at_idle = not life.in_flight and run.worked_at >= now - life.idle_s(now)
    if looked_at_idle and run.work is not None and count > run.work:
        life.idle_since = now
    if count != run.work or not life.in_flight:
        run.work, run.worked_at = count, now


def _slept(ground: Ground, life: Life, run: Run, now: float) -> None:
    if life.phase is Phase.SLEEPING:
        ground.learn_span(run, Span.SLEEP, now - life.phase_since)
        ground.learn_memory(run, asleep=False)
    # What was last measured is what it held awake.
    run.asleep, run.proved_at, run.held = True, None, {}
    run.ready_after_s = run.ready_after_s or 0.0
    run.claim_mib = ground.rest_mib(run)
    ground.cards.released(run.gpus, now)
    ground.move(life, Event.SLEPT, now)


def _gone(ground: Ground, life: Life, run: Run, news: news_of.EngineGone, now: float) -> None:
    if life.phase in {Phase.STOPPING, Phase.STOP_FAILED}:
        ground.learn_span(run, Span.STOP, now - life.phase_since)
        if life.phase is Phase.STOP_FAILED:
            life.failure = None  # it was the failed stop, and it is mended
    else:
        adapter = ground.workshop.adapter(run.model)
        life.failure = news.failure or adapter.explain(life.model, news.exit or Exit(None))
    ground.proxies.revoke_all(life, 0.0)
    life.grants.clear()
    life.idle_since = now
    ground.cards.released(run.gpus, now)
    if life.failure is None:
        if run.ready_after_s is not None:
            ground.learn_memory(run, asleep=False)
        ground.move(life, Event.EXITED, now, run.ended_because)
    else:
        _failed(ground, life, run, now)
    if life.failure is not None and life.failure.reason in OF_ITS_FILES:
        ground.look_for_files(life)
    ground.note_run(run, now, ended=True, exit_code=news.exit.code if news.exit else None)
    life.run, life.faulted, life.progress = None, False, None


def _failed(ground: Ground, life: Life, run: Run, now: float) -> None:
    failure = life.failure
    if failure is None:
        return
    log.warning("%s", failure.sentence())
    run.ended_because = str(failure.reason)
    _rest(ground, life, run, failure.reason, now)
    ground.move(life, Event.EXITED_IN_FAULT, now, str(failure.reason))
    ground.chronicle.tell(
        EventKind.FAILURE,
        now,
        life.model.name,
        reason=failure.reason,
        message=failure.message,
        retry_in_s=round(life.retry_at - now, 1),
    )


def _rest(ground: Ground, life: Life, run: Run, reason: Reason, now: float) -> None:
    """Until when it is left alone, by whose fault it was."""
    if reason is Reason.CUDA_OUT_OF_MEMORY:
        ground.learn_beside_cache(
            run, 0
        )  # if it was told the size of its cache, that was too much: measure again
    if reason in ENVIRONMENT:
        life.troubles += 1
        # Another port is chosen each time; for an existing container, whose port is its own, it costs one try.
        over = reason is Reason.PORT_IN_USE
        life.retry_at = now + next_try_in_this_environment(life.troubles, is_over=over)
    elif run.ready_after_s is not None and run.proved_at is None:
        # It served, slept, and did not come back: a cold start is the way out, and no failure of the model's.
        life.wakes_failed += 0 if run.asleep else 1
        life.retry_at = now
    elif _ran_out_beside_others(ground, life, run, reason):
        life.tried_alone = True
        life.retry_at = now
    else:
        steady = run.proved_at is not None and now - run.proved_at >= STEADY_S
        life.failures = 1 if steady else life.failures + 1
        lasts = reason in LASTING
        life.retry_at = now + next_try(life.failures, was_proved=run.ready_after_s is not None, lasts=lasts)


def _ran_out_beside_others(ground: Ground, life: Life, run: Run, reason: Reason) -> bool:
    """What was declared or measured was too little: once, and without blame, it gets a GPU of its own."""
    if reason is not Reason.CUDA_OUT_OF_MEMORY or life.tried_alone:
        return False
    others = (other.run for other in ground.lives.values() if other is not life and other.run)
    return any(set(other.gpus) & set(run.gpus) for other in others)
