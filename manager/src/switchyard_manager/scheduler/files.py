"""Whose files are fetched, and when a download is called off. Never about GPUs: a download takes none.

A download belongs to whoever asks next, as a load does. It goes on when nobody waits any more, and gives way
only to one that somebody waits for, if the operator did not ask for it.
"""

from collections.abc import Iterator, Mapping

from switchyard_contracts.catalog import Model, Settings
from switchyard_contracts.status import Phase
from switchyard_manager.scheduler.actions import CallOff, Fetch
from switchyard_manager.scheduler.seen import AT_REST, Files, Seen
from switchyard_manager.scheduler.turns import urgency

STALLED_S = 600.0  # a transfer has limits of its own, far below: this is for a disk or a program that hangs
AT_ONCE = 2  # downloads: more of them share one line, and all of them come later


def next_downloads(
    wanted: Mapping[str, Model], seen: Mapping[str, Seen], settings: Settings
) -> Iterator[Fetch | CallOff]:
    running = [name for name, view in seen.items() if view.fetching]
    for name in running:
        if _is_moot(name, wanted, seen[name]):
            yield CallOff(name)
        elif seen[name].fetch_quiet_s >= STALLED_S and not seen[name].called_off:
            yield CallOff(name, stalled=True)
    due = [name for name, model in wanted.items() if _is_due(model, seen[name])]
    due.sort(key=lambda name: _order(wanted[name], seen[name], settings))
    free = max(0, AT_ONCE - len(running))
    yield from map(Fetch, due[:free])
    waiting = [name for name in due[free:] if seen[name].asking]
    going = sum(seen[name].called_off or _is_moot(name, wanted, seen[name]) for name in running)
    may_go = [name for name in running if name in wanted and _may_go(seen[name], settings)]
    yield from map(CallOff, may_go[: max(0, len(waiting) - going)])


def is_to_be_preloaded(model: Model, view: Seen) -> bool:
    return model.preload and view.phase is Phase.STOPPED and not view.ever_started and not view.asking


def _is_due(model: Model, view: Seen) -> bool:
    if view.fetching or view.files is Files.UNKNOWN:
        return False
    if view.pulled:
        return True
    if view.files is Files.HERE or view.phase not in AT_REST or view.retry_in_s > 0:
        return False
    return bool(view.asking) or is_to_be_preloaded(model, view)


def _order(model: Model, view: Seen, settings: Settings) -> tuple[bool, bool, float]:
    return (not view.asking, not view.pulled, -urgency(model, view, settings))


def _is_moot(name: str, wanted: Mapping[str, Model], view: Seen) -> bool:
    return (name not in wanted or view.moot) and not view.called_off


def _may_go(view: Seen, settings: Settings) -> bool:
    if view.asking or view.pulled or view.called_off or view.moot:
        return False
    return view.unwanted_s is None or view.unwanted_s >= settings.load_cancel_grace_s
