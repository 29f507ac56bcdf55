"""What concerns one model alone: its time limits, its proxies, its operator. Never the room that it takes."""

from collections.abc import Iterator

from switchyard_contracts.catalog import Model, SleepPolicy
from switchyard_contracts.status import Phase
from switchyard_manager.scheduler.actions import Action, Check, Drain, Grant, Refuse, Sleep, Stop, StopReason
from switchyard_manager.scheduler.ledger import Ledger
from switchyard_manager.scheduler.seen import Seen, Wish

STOP_AGAIN_S = 30.0
STOP_LOST_S = 120.0  # a stop that nobody confirmed or denied; a runtime's own limits are far below
SLEEP_LIMIT_S = 180.0
DRAIN_SLACK_S = 5.0  # a proxy cuts at the limit; if it does not say so by then, it never will
STALL_S = 60.0  # a slow start that shows progress goes on …
LONGEST_START = 4.0  # … up to this many times its limit
STILL_S = 120.0  # without a token for anybody: long even for a slow card

SLEEPY = frozenset({StopReason.IDLE, StopReason.ROOM, StopReason.ASKED_TO_SLEEP})


def alone(name: str, model: Model | None, view: Seen, ledger: Ledger) -> Iterator[Action]:
    """`model` is None for one that left the catalog: nobody gets it any more, however long its last streams
    take."""
    if model is None and view.asking and view.phase is not Phase.STOP_FAILED:
        yield Refuse(name)
    match view.phase:
        case Phase.STOPPED | Phase.FAILED:
            if model is not None and view.asking and view.retry_in_s > 0:
                yield Refuse(name)
        case Phase.STARTING | Phase.LOADING | Phase.WARMING | Phase.WAKING:
            yield from _coming_up(name, model, view)
        case Phase.READY:
            yield from _serving(name, model, view, ledger)
        case Phase.DRAINING:
            yield from _draining(name, model, view, ledger)
        case Phase.SLEEPING | Phase.ASLEEP:
            yield from _sleeping(name, model, view, ledger)
        case Phase.STOPPING | Phase.STOP_FAILED:
            yield from _stopping(name, view, ledger)


def _coming_up(name: str, model: Model | None, view: Seen) -> Iterator[Action]:
    # Nobody waiting is no reason to stop: a load belongs to whoever asks next, until another wants the room.
    # One that was taken over may serve while it is proved again: it leaves later, drained.
    reason = StopReason.FAULTED if view.faulted else None if view.undrained else _must_leave(model, view)
    if reason is not None:
        yield Stop(name, reason)
    elif model is not None and _takes_too_long(model, view):
        yield Stop(name, StopReason.STARTUP_TIMEOUT)


def _takes_too_long(model: Model, view: Seen) -> bool:
    limit = model.startup_timeout_s
    if view.phase_s < limit:
        return False
    return view.quiet_s >= min(STALL_S, limit) or view.phase_s >= LONGEST_START * limit


def _serving(name: str, model: Model | None, view: Seen, ledger: Ledger) -> Iterator[Action]:
    if view.faulted:
        yield from _stop_in_peace(name, view, StopReason.FAULTED, ledger)
    elif (reason := _must_leave(model, view)) is not None:
        yield Drain(name, reason)
    elif view.suspect or view.still_s >= STILL_S:
        if not view.checking:
            yield Check(name, thorough=not view.suspect)
    elif newcomers := view.asking - view.granted:
        yield from (Grant(name, proxy) for proxy in sorted(newcomers))
    elif model is not None and _is_idle(model, view):
        yield Drain(name, StopReason.IDLE)


def _is_idle(model: Model, view: Seen) -> bool:
    if view.pinned or model.idle_unload_s is None or not view.is_idle:
        return False
    return view.idle_s >= model.idle_unload_s


def _draining(name: str, model: Model | None, view: Seen, ledger: Ledger) -> Iterator[Action]:
    limit_s = None if model is None else model.drain_limit_s
    if view.faulted:
        yield from _stop_in_peace(name, view, StopReason.FAULTED, ledger)
    elif view.undrained:
        if view.still_s >= STILL_S and not view.checking:
            yield Check(name, thorough=True)
        if limit_s is not None and view.phase_s >= limit_s + DRAIN_SLACK_S:
            yield from _stop_in_peace(name, view, StopReason.DRAIN_LIMIT, ledger)
    elif view.leaves_for is None or not _may_sleep(model, view, ledger):
        yield from _stop_in_peace(name, view, StopReason.DRAINED, ledger)
    elif not ledger.is_moving(view.gpus, besides=name):
        yield Sleep(name, view.leaves_for)


def _may_sleep(model: Model | None, view: Seen, ledger: Ledger) -> bool:
    """Rather than stop: while RAM allows, and where that is what was asked for."""
    spare = ledger.machine.ram_spare_mib
    wanted = model is not None and model.sleep is not SleepPolicy.OFF and not view.outdated
    able = view.can_sleep and spare is not None and spare >= view.ram_mib
    return wanted and able and view.wish is not Wish.UNLOAD and view.leaves_for in SLEEPY


def _sleeping(name: str, model: Model | None, view: Seen, ledger: Ledger) -> Iterator[Action]:
    if view.phase is Phase.SLEEPING:
        if view.faulted or view.phase_s >= SLEEP_LIMIT_S:
            yield Stop(name, StopReason.SLEEP_FAILED)
        return
    reason = StopReason.FAULTED if view.faulted else _must_leave(model, view)
    if reason is not None and reason is not StopReason.ASKED_TO_SLEEP:
        yield from _stop_in_peace(name, view, reason, ledger)


def _stopping(name: str, view: Seen, ledger: Ledger) -> Iterator[Action]:
    if view.phase is Phase.STOPPING:
        if view.phase_s >= STOP_LOST_S:
            yield Stop(name, StopReason.STOP_AGAIN)
        return
    if view.asking:
        yield Refuse(name)
    if view.phase_s >= STOP_AGAIN_S:
        yield from _stop_in_peace(name, view, StopReason.STOP_AGAIN, ledger)


def _stop_in_peace(name: str, view: Seen, reason: StopReason, ledger: Ledger) -> Iterator[Action]:
    """Not while another engine on the same GPU starts or stops: it measures the memory."""
    if not ledger.is_moving(view.gpus, besides=name):
        yield Stop(name, reason)


def _must_leave(model: Model | None, view: Seen) -> StopReason | None:
    if model is None:
        return StopReason.REMOVED
    if view.outdated:
        return StopReason.RECONFIGURED
    match view.wish:
        case Wish.UNLOAD:
            return StopReason.ASKED
        case Wish.SLEEP:
            return StopReason.ASKED_TO_SLEEP
        case None:
            return None
