"""Spans, sizes and events in words for people. Pure."""

from datetime import datetime

from switchyard_contracts.events import EventKind, ManagerEvent
from switchyard_contracts.status import Phase

TENTHS_BELOW_S = 9.95  # from here on it would be written 10.0
MINUTE_S = 60
HOUR_S = 60 * MINUTE_S
DAY_S = 24 * HOUR_S
GIB = 1024


def span(seconds: float) -> str:
    """Two units at most: `0.4 s`, `30 s`, `2 min 5 s`, `1 h 4 min`, `3 d 2 h`."""
    if seconds < TENTHS_BELOW_S:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    whole = round(seconds)
    for unit_s, unit, below_s, below in (
        (DAY_S, "d", HOUR_S, "h"),
        (HOUR_S, "h", MINUTE_S, "min"),
        (MINUTE_S, "min", 1, "s"),
    ):
        if whole >= unit_s:
            rest = whole % unit_s // below_s
            return f"{whole // unit_s} {unit}" + (f" {rest} {below}" if rest else "")
    return f"{whole} s"


def gib(mib: int) -> str:
    """A number of GiB, as cards are sold; small ones in tenths."""
    return f"{mib / GIB:.1f}"


def clock(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def happened(event: ManagerEvent) -> str:  # noqa: C901 - one case for each kind
    """What an event tells, without when and of which model."""
    data = event.data
    match event.kind:
        case EventKind.PHASE:
            why = data.get("why")
            return f"{data.get('before')} → {data.get('after')}" + (f" ({why})" if why else "")
        case EventKind.PROGRESS:
            return str(data.get("text"))
        case EventKind.MADE_ROOM:
            return _made_room(event)
        case EventKind.FILES:
            return f"its files: {data.get('message') or data.get('at')}"
        case EventKind.FAILURE:
            return f"failed ({data.get('reason')}): {data.get('message')}"
        case EventKind.REFUSED:
            return f"refused {data.get('waiting')} who waited: {data.get('message')}"
        case EventKind.OPERATOR:
            return f"asked for by hand: {data.get('command')}"
        case EventKind.CATALOG:
            return _catalog(event)
        case EventKind.MANAGER if "version" in data:
            found = ", ".join(data.get("found_running") or ())
            return f"the manager began (version {data['version']})" + (
                f"; running still: {found}" if found else ""
            )
        case EventKind.MANAGER | EventKind.SNAPSHOT:
            return "; ".join(f"{key}: {value}" for key, value in data.items()) or str(event.kind)


def _made_room(event: ManagerEvent) -> str:
    newcomer, how = event.data.get("for_model"), event.data.get("how")
    return "made room" + (f" for {newcomer}" if newcomer else "") + (f" ({how})" if how else "")


def _catalog(event: ManagerEvent) -> str:
    if faults := event.data.get("faults"):
        return "models.json was refused: " + "; ".join(map(str, faults))
    parts = [f"{what} {', '.join(names)}" for what in ("changed", "removed") if (names := event.data.get(what))]
    return "models.json was read" + (f": {'; '.join(parts)}" if parts else "")


# What a phase is to somebody who waits for the model.
WAITING: dict[Phase, str] = {
    Phase.STOPPED: "waits for its turn",
    Phase.STARTING: "starting its engine",
    Phase.LOADING: "loading",
    Phase.WARMING: "proving that it answers",
    Phase.READY: "ready",
    Phase.DRAINING: "on its way out, to come back",
    Phase.SLEEPING: "going to sleep",
    Phase.ASLEEP: "asleep",
    Phase.WAKING: "waking",
    Phase.STOPPING: "on its way out, to come back",
    Phase.FAILED: "failed",
    Phase.STOP_FAILED: "could not be stopped",
}
