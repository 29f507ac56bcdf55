"""Whose turn it is, and who may be moved out for whom. Fairness lives here, and nowhere else.

Requests for one model are one turn. A turn comes by priority, to which waiting adds; whoever has waited
`max_wait_s` (less what its load will take) comes before everyone who has not.
"""

from collections.abc import Iterable, Mapping

from switchyard_contracts.catalog import Model, Settings
from switchyard_contracts.status import Phase
from switchyard_manager.lifecycle import COMING_UP
from switchyard_manager.scheduler.seen import AT_REST, Files, Seen

LINGER_SHARE = 0.25  # of what it costs to bring a model back …
LINGER_S = 10.0  # … and at most this long is it left alone after a request …
OFTEN = 0.5  # … if at least so often, of late, the next one came within that time;
REPORTED_S = 0.5  # but no less: a proxy tells four times a second, and what began since is not known yet
STAY_COSTS = 2.0  # a busy model stays this many times what the exchange costs
OFTEN_ENOUGH = 0.5  # of `max_wait_s`: no load, however slow, makes a newcomer overdue sooner
WAITS = AT_REST | {Phase.ASLEEP}


def in_turn(wanted: Mapping[str, Model], seen: Mapping[str, Seen], settings: Settings) -> list[str]:
    """Models that somebody waits for and that could start or wake now, the first turn first."""
    return sorted(_could_come_up(wanted, seen), key=lambda name: _order(wanted[name], seen[name], settings))


def _could_come_up(wanted: Mapping[str, Model], seen: Mapping[str, Seen]) -> Iterable[str]:
    for name, view in seen.items():
        can = view.phase is Phase.ASLEEP or may_start(view)
        if name in wanted and view.asking and can and not view.faulted and not view.outdated:
            yield name


def may_start(view: Seen) -> bool:
    """Never before its files are here: nothing is moved out of the way for a download."""
    return view.phase in AT_REST and view.retry_in_s <= 0 and view.files is Files.HERE


def _order(model: Model, view: Seen, settings: Settings) -> tuple[bool, bool, float, float]:
    late = is_overdue(view, settings)
    return (not view.promised, not late, 0.0 if late else -urgency(model, view, settings), -view.waited_s)


def urgency(model: Model, view: Seen, settings: Settings) -> float:
    return model.priority + view.priority + view.waited_s / settings.ageing_s


def is_overdue(view: Seen, settings: Settings) -> bool:
    """Its turn must come now, or it will have waited longer than `max_wait_s` when it is served."""
    return view.waited_s + min(_cost(view), OFTEN_ENOUGH * settings.max_wait_s) >= settings.max_wait_s


def may_leave(victim: Seen, base_priority: int, wants: tuple[Model, Seen], settings: Settings) -> bool:
    """Whether a model may be moved out now for one that waits. Never cut: it is drained."""
    if victim.pinned or victim.faulted:
        return False
    match victim.phase:
        case Phase.ASLEEP:
            # Asked for or not, it must not stand in the way of one whose turn has come: each would wait for the
            # other for ever.
            return not victim.asking or wants[1].promised or is_overdue(wants[1], settings)
        case Phase.READY if victim.is_idle:
            return victim.idle_s >= linger_s(victim)
        case Phase.READY:
            return _has_had_its_turn(victim, base_priority, wants, settings)
        case phase if phase in COMING_UP and not victim.undrained:
            return victim.unwanted_s is not None and victim.unwanted_s >= settings.load_cancel_grace_s
        case _:
            return False


def _has_had_its_turn(victim: Seen, base_priority: int, wants: tuple[Model, Seen], settings: Settings) -> bool:
    if victim.resident_s < settings.min_resident_s:
        return False
    model, view = wants
    if is_overdue(view, settings):
        return True
    return (
        victim.resident_s >= stay_s(victim, view, settings) and urgency(model, view, settings) >= base_priority
    )


def linger_s(victim: Seen) -> float:
    """How long a model is left alone after its last request: longer if the next one often follows soon."""
    worth = min(LINGER_S, LINGER_SHARE * victim.load_s) if victim.follows >= OFTEN else 0.0
    return max(REPORTED_S, worth)


def stay_s(victim: Seen, newcomer: Seen, settings: Settings) -> float:
    """How long a busy model stays before its place is given on: long enough to be worth the exchange."""
    worth = STAY_COSTS * (_cost(newcomer) + victim.load_s)
    latest = settings.max_wait_s - min(_cost(newcomer), OFTEN_ENOUGH * settings.max_wait_s)
    return max(settings.min_resident_s, min(worth, latest))


def soon_s(wanted: Mapping[str, Model], seen: Mapping[str, Seen], settings: Settings) -> float | None:
    """When the next turn may come though nobody tells anything, by the rules above: somebody waits, and the
    pause or the stay of another ends, or his own rest. None: not by time alone."""
    waiting = [view for name, view in seen.items() if name in wanted and view.asking and view.phase in WAITS]
    spans = [view.retry_in_s for view in waiting]
    for victim in seen.values() if waiting else ():
        if victim.phase is Phase.READY and victim.is_idle:
            spans.append(linger_s(victim) - victim.idle_s)
        elif victim.phase is Phase.READY:
            spans += (stay_s(victim, view, settings) - victim.resident_s for view in waiting)
        elif victim.phase in COMING_UP and victim.unwanted_s is not None:
            spans.append(settings.load_cancel_grace_s - victim.unwanted_s)
    return min((span for span in spans if span > 0), default=None)


def _cost(view: Seen) -> float:
    return view.wake_s if view.phase is Phase.ASLEEP else view.load_s
