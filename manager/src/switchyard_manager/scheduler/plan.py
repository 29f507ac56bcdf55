"""`plan`: from what is wanted and what is seen to what can be done now."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from switchyard_contracts.catalog import Model
from switchyard_contracts.status import Phase
from switchyard_manager.scheduler.actions import Action, Check, Drain, Grant, Refuse, Start, Stop, StopReason

STOP_AGAIN_S = 30.0
DRAIN_SLACK_S = 5.0  # a proxy cuts at the limit; if it does not say so by then, it never will


@dataclass(frozen=True, slots=True)
class Seen:
    """One model as it is at this moment; spans of time, never moments, so that no clock is needed here."""

    phase: Phase
    phase_s: float = 0.0  # while it comes up: since the start was issued
    asking: frozenset[str] = frozenset()  # proxies with tickets that wait
    granted: frozenset[str] = frozenset()  # proxies whose grant is live
    undrained: int = 0  # grants that are revoked and not yet drained, or live
    in_flight: int = 0
    idle_s: float = 0.0  # since the last request ended; 0 while one runs
    retry_in_s: float = 0.0
    outdated: bool = False  # runs with a specification that the catalog no longer has
    ever_started: bool = False
    suspect: bool = False  # a proxy met a broken engine, and nobody has looked yet
    checking: bool = False


def plan(wanted: Mapping[str, Model], seen: Mapping[str, Seen]) -> tuple[Action, ...]:
    """Every action that can be taken now. A model is either in `wanted` or on its way out."""
    return tuple(action for name, view in seen.items() for action in _decide(name, wanted.get(name), view))


def _decide(name: str, model: Model | None, view: Seen) -> Iterator[Action]:
    match view.phase:
        case Phase.STOPPED | Phase.FAILED:
            yield from _at_rest(name, model, view)
        case Phase.STARTING | Phase.LOADING | Phase.WARMING | Phase.WAKING:
            yield from _coming_up(name, model, view)
        case Phase.READY:
            yield from _serving(name, model, view)
        case Phase.DRAINING:
            yield from _draining(name, model, view)
        case Phase.STOP_FAILED:
            if view.asking:
                yield Refuse(name)
            if view.phase_s >= STOP_AGAIN_S:
                yield Stop(name, StopReason.STOP_AGAIN)
        case Phase.STOPPING | Phase.SLEEPING:
            return


def _at_rest(name: str, model: Model | None, view: Seen) -> Iterator[Action]:
    if model is None or view.retry_in_s > 0:
        if view.asking:
            yield Refuse(name)
        return
    if view.asking or (model.preload and not view.ever_started):
        yield Start(name)


def _coming_up(name: str, model: Model | None, view: Seen) -> Iterator[Action]:
    # Nobody waiting is no reason to stop: a load belongs to whoever asks next.
    if model is None:
        yield Stop(name, StopReason.REMOVED)
    elif view.outdated:
        yield Stop(name, StopReason.RECONFIGURED)
    elif view.phase_s >= model.startup_timeout_s:
        yield Stop(name, StopReason.STARTUP_TIMEOUT)


def _serving(name: str, model: Model | None, view: Seen) -> Iterator[Action]:
    if model is None:
        yield Drain(name, StopReason.REMOVED)
        return
    if view.outdated:
        yield Drain(name, StopReason.RECONFIGURED)
        return
    if view.suspect:
        if not view.checking:
            yield Check(name)
        return
    newcomers = sorted(view.asking - view.granted)
    yield from (Grant(name, proxy) for proxy in newcomers)
    if not newcomers and _is_idle(model, view):
        yield Drain(name, StopReason.IDLE)


def _draining(name: str, model: Model | None, view: Seen) -> Iterator[Action]:
    if view.undrained == 0:
        yield Stop(name, StopReason.DRAINED)
        return
    limit_s = None if model is None else model.drain_limit_s
    if limit_s is not None and view.phase_s >= limit_s + DRAIN_SLACK_S:
        yield Stop(name, StopReason.DRAIN_LIMIT)


def _is_idle(model: Model, view: Seen) -> bool:
    if model.pinned or model.idle_unload_s is None or view.asking or view.in_flight:
        return False
    return view.idle_s >= model.idle_unload_s
